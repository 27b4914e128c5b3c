import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { licenceProblem, notices, type Component } from '../../build/third-party';

const root = join(__dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

const component = (name: string, ...licences: readonly string[]): Component => ({
  name,
  version: '1.2.3',
  licenses: licences.map((id) => ({ license: { id } })),
});

describe('licences of what is published inside the bundles', () => {
  for (const licence of ['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'UPL-1.0'])
    test(`${licence} may be`, () => assert.equal(licenceProblem(component('a', licence)), undefined));

  for (const [licence, why] of [
    ['GPL-3.0-only', 'a 1.2.3 is under GPL-3.0-only, which is none of 0BSD, Apache-2.0, '],
    ['MIT AND GPL-2.0-only', 'a 1.2.3 is under MIT AND GPL-2.0-only, which is none of '],
    ['SEE LICENSE IN TERMS.md', 'a 1.2.3 is under SEE LICENSE IN TERMS.md, which is none of '],
    ['UNLICENSED', 'a 1.2.3 is under UNLICENSED, which is none of '],
  ] as const)
    test(`${licence} may not be`, () => assert.ok(licenceProblem(component('a', licence))?.startsWith(why)));

  test('a choice between licences may be where one of them may', () =>
    assert.equal(licenceProblem({ name: 'a', licenses: [{ expression: '(MIT OR GPL-2.0-only)' }] }), undefined));

  test('each of several licences must be allowed', () =>
    assert.match(licenceProblem(component('a', 'MIT', 'AGPL-3.0-only')) ?? '', /^a 1\.2\.3 is under AGPL-3\.0-only, /));

  test('a package without one may not be', () => assert.equal(licenceProblem({ name: 'a' }), 'a declares no licence'));
});

test('a text that several packages come with is in the notices once, under their names', () => {
  const text = { license: { text: { content: Buffer.from('Be nice.\r\n').toString('base64'), encoding: 'base64' } } };
  const written = notices([
    { ...component('b', 'MIT'), evidence: { licenses: [text] } },
    { ...component('a', 'ISC'), author: 'Ann', evidence: { licenses: [text] } },
    component('c', 'MIT'),
  ]);
  assert.ok(written.includes('\na 1.2.3 (ISC; Ann)\nb 1.2.3 (MIT)\n\nBe nice.\n'), written);
  assert.ok(written.includes('\nc 1.2.3 (MIT)\n\nNo file with the licence is in these packages; '), written);
  assert.equal(written.split('Be nice.').length, 2);
});

describe('the package', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, Readonly<Record<string, string>>>;

  test(
    'brings the bill of materials of its bundles and their notices',
    { skip: !existsSync(join(root, 'dist/sbom.cdx.json')) && 'not built' },
    () => {
      const bill = JSON.parse(read('dist/sbom.cdx.json')) as {
        readonly bomFormat: string;
        readonly components: readonly Component[];
      };
      assert.equal(bill.bomFormat, 'CycloneDX');
      const names = bill.components.map(({ name }) => name);
      // The drivers, what the commands parse with and what opens keystores; nothing of the tools that only build.
      for (const name of ['pg', 'mysql2', 'tedious', 'oracledb', 'commander', 'jks-js', 'smol-toml'])
        assert.ok(names.includes(name), name);
      for (const name of ['esbuild', 'typescript', 'aws-cdk-lib', 'eslint']) assert.ok(!names.includes(name), name);
      const written = read('dist/THIRD-PARTY-NOTICES.txt');
      for (const { name, version } of bill.components) assert.ok(written.includes(`${name} ${version}`), name);
    },
  );

  test('runs nothing when it is installed', () => {
    for (const script of ['preinstall', 'install', 'postinstall', 'prepublish', 'prepare'])
      assert.equal(manifest['scripts']![script], undefined, script);
  });

  test('pins each version, and its lock file knows the hash of all', () => {
    for (const [name, version] of Object.entries({ ...manifest['dependencies'], ...manifest['devDependencies'] }))
      assert.match(version, /^(npm:.*@)?\d+\.\d+\.\d+(-[\w.]+)?$/, name);
    const lock = JSON.parse(read('package-lock.json')) as {
      readonly packages: Readonly<Record<string, { readonly integrity?: string; readonly inBundle?: boolean }>>;
    };
    const without = Object.entries(lock.packages)
      .filter(([path, { integrity, inBundle }]) => path !== '' && !integrity && !inBundle)
      .map(([path]) => path);
    assert.deepEqual(without, []);
  });
});

test('workflows use actions by the hash of a commit, since a tag can be moved, and hold no long-lived token', () => {
  const files = globSync('.github/workflows/*.yml', { cwd: root });
  assert.deepEqual(files.sort(), ['.github/workflows/ci.yml', '.github/workflows/release.yml']);
  for (const file of files) {
    const uses = [...read(file).matchAll(/uses: (.*)/g)].map(([, action]) => action!);
    assert.ok(uses.length >= 2, file);
    for (const action of uses) assert.match(action, /^actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    assert.doesNotMatch(read(file), /secrets\./);
  }
});
