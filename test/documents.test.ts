/**
 * The documents are held to what they say: every TypeScript snippet compiles against the library, JSON is of the type that it shows,
 * every relative link leads somewhere, every command prints what is shown. That the other commands exist: document-commands.test.ts.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import ts from 'typescript';
import { documents, read, root, snippets } from './documents';

function compileErrors(files: Map<string, string>): string[] {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.Preserve,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    esModuleInterop: true,
    paths: { 'cdk-wso2is-recovery': [join(root, 'lib/index.ts')] },
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version, ...rest) =>
    files.has(name) ? ts.createSourceFile(name, files.get(name)!, version) : getSourceFile(name, version, ...rest);
  return ts
    .getPreEmitDiagnostics(ts.createProgram([...files.keys()], options, host))
    .map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
}

const STATEMENT =
  "{ Sid: string; Effect: 'Allow'; Principal: { AWS: string }; Action: string | string[]; Resource: '*'; Condition?: object }";

/** What the JSON of each page is, in its order. */
const JSON_TYPES: Readonly<Record<string, readonly string[]>> = {
  'docs/archive-format.md': ["{ mac: import('../lambda/archive/authenticity').ManifestMac }"],
  'docs/checks.md': ["import('../lambda/check/own-check-contract').OwnCheckEvent"],
  'docs/other-account.md': [`{ Statement: ${STATEMENT}[] }`, STATEMENT],
  'docs/drill-report.md': [
    "{ source: string[]; 'detail-type': string[]; detail: { verdict: import('../lambda/drill/contract').Verdict[] } }",
  ],
};

test('every JSON of the documents is of the type that it shows', () => {
  const files = new Map<string, string>();
  for (const document of documents) {
    const found = snippets(read(document), 'json');
    const types = JSON_TYPES[document] ?? [];
    assert.equal(found.length, types.length, `${document}: say in JSON_TYPES what each JSON is`);
    found.forEach((text, index) => {
      // Some stand without the braces of what holds them.
      const value = text.startsWith('{') ? text : `{ ${text} }`;
      JSON.parse(value);
      files.set(
        join(root, 'docs', `${basename(document)}.${index}.json.ts`),
        `export const value: ${types[index]} = ${value};\n`,
      );
    });
  }
  assert.deepEqual(compileErrors(files), []);
});

test('every TypeScript snippet of the documents compiles against the library', () => {
  const files = new Map<string, string>();
  for (const document of documents) {
    snippets(read(document), 'ts').forEach((code, index) => {
      // Beside its document, so that a relative import means what it means to the reader.
      files.set(join(root, dirname(document), `${basename(document)}.${index}.ts`), `${code}\nexport {};\n`);
    });
  }
  assert.ok(files.size >= 1, 'the README has its simplest use as a snippet');
  assert.deepEqual(compileErrors(files), []);
});

test('a snippet that uses what the library does not have is found', () => {
  const name = join(root, 'wrong.ts');
  const errors = compileErrors(
    new Map([[name, `import { NoSuchThing } from 'cdk-wso2is-recovery';\nvoid NoSuchThing;\n`]]),
  );
  assert.equal(errors.length, 1);
  assert.match(errors[0]!, /NoSuchThing/);
});

for (const document of documents) {
  const text = read(document);

  test(`${document}: every relative link leads somewhere`, () => {
    const broken = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
      .map((match) => match[1]!)
      .filter((target) => !existsSync(join(root, dirname(document), target)));
    assert.deepEqual(broken, [], relative(root, document));
  });
}

describe('commands with their output, as they are printed', () => {
  for (const document of documents) {
    for (const block of snippets(read(document), 'console')) {
      const [command, ...output] = block.split('\n');
      const args = /^\$ npx wso2is-recovery (.+)$/.exec(command!)?.[1]?.split(' ');
      test(`${document}: ${command}`, () => {
        assert.ok(args, 'a console block begins with the command');
        const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', 'bin/wso2is-recovery.ts', ...args], {
          cwd: root,
          encoding: 'utf8',
          env: { ...process.env, NO_COLOR: '1' },
        });
        assert.equal(stdout.trimEnd(), output.join('\n').trimEnd());
      });
    }
  }
});
