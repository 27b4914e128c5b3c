import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeploymentTomlError, parseDeployment } from '../../../lib/deployment/parse';

const parsesOrSaysWhy = (text: string) => {
  try {
    parseDeployment(text, 'f');
  } catch (error) {
    assert.ok(error instanceof DeploymentTomlError, String((error as Error).stack));
  }
};

test('any bytes give a result or an error of ours', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => parsesOrSaysWhy(Buffer.from(bytes).toString('utf8'))),
    { numRuns: 2000 },
  );
});

test('any pieces of a file give a result or an error of ours', () => {
  const pieces = [
    '[database.identity_db]', '[[datasource]]', '[[keystore.custom]]', '[bps_database.config]', '[database.x.config]',
    'type="postgre"', 'type="oracle"', 'url="jdbc:', 'url="jdbc:oracle:thin:@(', 'url="jdbc:sqlserver://', '//h:1/x"',
    'hostname="', 'port=', 'name=', 'id="a"', 'data_source="jdbc/a"', '"""', "'''", '"', "'", '\n', '=', '[', ']', '{', '}',
    ',', '.', '\\', '#', '$ref{database}', '$ref{database.identity_db.url}', '$env{A}', '$secret{', '${', '{{', '<%', ';', '@',
    '&amp;', '1979-05-27', '__proto__', 'constructor', '\uE000', '\uE0010',
  ]; // prettier-ignore
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 40 }), (chosen) => parsesOrSaysWhy(chosen.join(''))),
    { numRuns: 5000 },
  );
});

test('any URL of a driver gives a result or an error of ours', () => {
  const driver = fc.constantFrom(
    'postgresql',
    'mysql',
    'mariadb',
    'sqlserver',
    'jtds:sqlserver',
    'oracle:thin',
    'db2',
    'h2',
  );
  fc.assert(
    fc.property(driver, fc.string({ unit: 'binary' }), (name, rest) =>
      parsesOrSaysWhy(`[database.user]\nurl = ${JSON.stringify(`jdbc:${name}:${rest}`)}`),
    ),
    { numRuns: 3000 },
  );
});

// Quadratic work on any of them takes hours: the limit is for what hangs.
test('what is hostile to scanners ends', { timeout: 600_000 }, () => {
  const n = 200_000;
  for (const text of [
    '{{'.repeat(n),
    '<% '.repeat(n),
    `x = "${'${A:-'.repeat(n)}"`,
    `x = "${'$env{'.repeat(n)}"`,
    `[database.user]\nurl = "${'$secret{'.repeat(n)}"`,
    `[database.user]\nurl = "jdbc:oracle:thin:@${'(HOST='.repeat(n)}"`,
    `[database.user]\nurl = "jdbc:mysql://${'(host=a'.repeat(n)}/x"`,
    `[database.user]\nhostname = "${'<'.repeat(n)}"\ntype = "mysql"`,
    `${'a.'.repeat(n)}b = 1`,
    `[${'a.'.repeat(n)}b]`,
    `x = ${'['.repeat(n)}`,
    `x = ${'{a='.repeat(n)}`,
    `x = "${'\\\\'.repeat(n)}`,
    '"'.repeat(n),
    '\n'.repeat(n),
    '[[datasource]]\nid = "x"\n'.repeat(5000),
  ]) {
    parsesOrSaysWhy(text);
  }
});

interface Declared {
  readonly header: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly inUrl: boolean;
  readonly noise: readonly string[];
}

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
// Every one is a whole statement, so that what follows is a line of its own.
const noise = fc.constantFrom(
  '',
  '# [database.no] {{ x }}',
  'note = """\n[database.no]\nurl = "no"\n"""',
  "pattern = '''\n[[datasource]]\n''' # '",
  'list = [\n  "[database.no]", # ]\n  { a = "}" },\n]',
  'escaped = "\\"[database.no]\\\\"',
  "literal = '[x]\\'",
);
const declared = fc.record({
  kind: fc.constantFrom('database', 'named', 'array'),
  host: fc.tuple(label, label).map(([a, b]) => `${a}.${b}.example.com`),
  port: fc.integer({ min: 1, max: 65_535 }),
  database: fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,12}$/),
  inUrl: fc.boolean(),
  noise: fc.array(noise, { maxLength: 3 }),
});

test('any declared databases are found, with their lines', () => {
  fc.assert(
    fc.property(
      fc.array(declared, { minLength: 1, maxLength: 8 }),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      (choices, newline, hasMark) => {
        // TOML has either `[[datasource]]` or `[datasource.x]` at the top.
        const usesArray = choices.some(({ kind }) => kind === 'array');
        const sections: Declared[] = choices.map(({ kind, ...rest }, index) => {
          const name = `db${index}`;
          const header =
            kind === 'database'
              ? `[database.${name}]`
              : usesArray
                ? '[[datasource]]'
                : ` [ datasource . "${name}" ] # c`;
          return { ...rest, header, name };
        });
        const lines: string[] = [];
        const expected: unknown[] = [];
        for (const { header, name, host, port, database, inUrl, noise: extra } of sections) {
          expected.push([name, host, port, database, lines.length + 1]);
          lines.push(header);
          // A key may stand once in a table.
          lines.push(...[...new Set(extra)].join('\n').split('\n'));
          if (header.startsWith('[[')) lines.push(`id = "${name}"`);
          if (inUrl) lines.push(`url = "jdbc:postgresql://${host}:${port}/${database}?a=b&amp;c=d"`);
          else lines.push('type = "postgre"', `hostname = '${host}'`, `port = ${port}`, `name = """${database}"""`);
        }
        const text = `${hasMark ? '\uFEFF' : ''}${lines.join(newline)}`;
        const found = parseDeployment(text, 'f').databases.filter(({ line }) => line !== undefined);
        assert.deepEqual(
          found.map((database) => [
            database.datasource,
            database.host,
            database.port,
            database.databaseName,
            database.line,
          ]),
          expected,
        );
      },
    ),
    { numRuns: 500 },
  );
});
