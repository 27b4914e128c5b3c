import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeploymentToml } from '../../../lib/deployment/deployment-toml';
import { DeploymentTomlError, parseDeployment } from '../../../lib/deployment/parse';

const message = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof DeploymentTomlError, String(error));
    return error.message;
  }
  return assert.fail('nothing was thrown');
};
const ofText = (text: string) => message(() => DeploymentToml.fromString(text));

test('a file that is not there', () => {
  assert.equal(
    message(() => DeploymentToml.fromFile('no/such.toml')),
    'no/such.toml: there is no such file: give the path of repository/conf/deployment.toml',
  );
});

test('no TOML: line, column and excerpt', () => {
  const text = ofText('[server]\nhostname = localhost\n');
  assert.match(text, /^deployment\.toml:2:12: /);
  assert.match(text, /hostname = localhost/);
});

for (const [name, line, kind] of [
  ['helm', 5, 'Helm or Jinja'],
  ['erb', 2, 'ERB or EPP'],
  ['envsubst', 4, 'envsubst'],
  ['sed', 2, 'placeholder'],
] as const) {
  test(`a template of ${name} that is not rendered`, () => {
    const path = join(__dirname, `../../fixtures/deployment/${name}.toml`);
    const text = message(() => DeploymentToml.fromFile(path));
    assert.ok(text.startsWith(`${path}:${line}: is a template that is not rendered yet (${kind}: `), text);
  });
}

test('an unknown type: line, what is allowed, what was meant', () => {
  assert.equal(
    ofText('\n[database.identity_db]\ntype = "postgresql"\nhostname = "h"\n'),
    'deployment.toml:2: `[database.identity_db]`: `type` must be one of mysql, mariadb, oracle, mssql, db2, postgre, h2, got \'postgresql\': did you mean "postgre"?',
  );
  assert.match(ofText('[database.user]\ntype = "informix"\nhostname = "h"'), /:1: .*got 'informix': use one of those$/);
  assert.match(ofText('[database.user]\ntype = "$env{T}"\nhostname = "h"'), /known only at run time/);
});

test('a URL of no known database', () => {
  assert.match(
    ofText('[[datasource]]\nid = "X"\nurl = "jdbc:derby://h/x"'),
    /:1: `\[datasource\]`: `url` must be a JDBC URL of mysql,.*got 'jdbc:derby:\/\/h\/x'/,
  );
});

test('neither type nor URL; a datasource without a name', () => {
  assert.match(ofText('[database.user]\nhostname = "h"'), /has neither `type` nor `url`/);
  assert.match(ofText('[[datasource]]\nurl = "jdbc:mysql://h/x"'), /:1: `\[datasource\]` has no `id`/);
});

test('references in a circle', () => {
  assert.match(
    ofText('[database.user]\ntype = "mysql"\nhostname = "$ref{a.b}"\n[a]\nb = "$ref{a.c}"\nc = "$ref{a.b}"'),
    /refers to itself through a\.b -> a\.c -> a\.b/,
  );
});

test('any text gives a result or an error of ours', () => {
  const piece = fc.constantFrom(
    '[database.identity_db]',
    '[[datasource]]',
    'type="postgre"',
    'url="jdbc:',
    '//h:1/x"',
    '"""',
    "'",
    '\n',
    '=',
    '[',
    ']',
    '$ref{database}',
    'id="a"',
    '\\',
    '{',
    '.',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
      ),
      (text) => {
        try {
          parseDeployment(text, 'f');
        } catch (error) {
          assert.ok(error instanceof DeploymentTomlError, String(error));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('a port that is none', () => {
  const withPort = (port: string) => `[database.user]\ntype = "mysql"\nhostname = "h"\nport = ${port}`;
  for (const port of ['0', '65536', '"x"', '1.5'])
    assert.match(ofText(withPort(port)), /`port` must be a whole number/);
  assert.equal(parseDeployment(withPort('65535'), 'f').databases[0].port, 65535);
  assert.equal(parseDeployment(withPort('1'), 'f').databases[0].port, 1);
});
