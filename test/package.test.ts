// What `npm pack` publishes: whole, small, nothing beside; and that it works from there, with the lowest aws-cdk-lib of its range
// (the rest of the tests runs with the newest).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { bundleOf } from '../lib/private/bundle-layout';

const root = join(__dirname, '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly keywords: readonly string[];
  readonly license: string;
  readonly stability: string;
  readonly jsii: { readonly targets: object };
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

describe('npm pack', () => {
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
  });
  const [pack] = JSON.parse(stdout) as [
    { readonly size: number; readonly files: readonly { readonly path: string }[] },
  ];
  const paths = pack.files.map(({ path }) => path);

  test('is below 5 MB', () => assert.ok(pack.size < 5_000_000, `${pack.size} bytes`));

  test('holds each driver of a database once, and what two of them share: check and count are one asset', () => {
    const drivers = paths.filter((path) => path.includes('/engines/'));
    assert.deepEqual(
      drivers.sort(),
      ['iconv-lite', 'mysql', 'oracle', 'postgres', 'sql-server'].map(
        (engine) => `dist/lambda/check/engines/${engine}.js`,
      ),
    );
  });

  test('holds the bundle of every function, the command and the app', async () => {
    const functions = globSync('lambda/*/handler.ts', { cwd: root }).map((file) => file.split('/')[1]!);
    assert.ok(functions.length >= 4);
    for (const name of functions) {
      const { folder, module, handler } = bundleOf(name);
      const file = `dist/lambda/${folder}/${module}.js`;
      assert.ok(paths.includes(file), name);
      const exported = (await import(join(root, file))) as Record<string, unknown>;
      assert.equal(typeof exported[handler], 'function', name);
    }
    for (const file of ['dist/bin/wso2is-recovery.js', 'dist/bin/app.js', 'dist/lib/index.js', 'dist/lib/index.d.ts'])
      assert.ok(paths.includes(file), file);
  });

  test('holds no sources of ours but the examples, no tests, and no cdk.json, which names a file of the checkout', () => {
    const wrong = paths.filter(
      (path) =>
        !path.startsWith('node_modules/') &&
        (/(^|\/)test\/|\.test\.|tsbuildinfo|^cdk\.json$/.test(path) || /(?<!\.d)\.ts$/.test(path)) &&
        !path.startsWith('examples/'),
    );
    assert.deepEqual(wrong, []);
  });

  test('is what Construct Hub lists: jsii with an assembly, keywords, an allowed licence, a peer range', () => {
    assert.ok(paths.includes('.jsii'));
    for (const keyword of ['aws-cdk', 'cdk']) assert.ok(manifest.keywords.includes(keyword), keyword);
    assert.equal(manifest.license, 'Apache-2.0');
    assert.equal(manifest.stability, 'experimental');
    assert.deepEqual(Object.keys(manifest.jsii.targets).sort(), ['java', 'python']);
  });
});

test('API.md is what the docstrings say now', () => {
  const folder = mkdtempSync(join(tmpdir(), 'api-'));
  try {
    const written = join(folder, 'API.md');
    const { status, stderr } = spawnSync(join(root, 'node_modules/.bin/jsii-docgen'), ['--output', written], {
      cwd: root,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    const [now, there] = [written, join(root, 'API.md')].map((file) => readFileSync(file, 'utf8').split('\n'));
    const line = now!.findIndex((text, index) => text !== there![index]);
    assert.ok(
      line === -1 && now!.length === there!.length,
      `run \`npm run build && npm run build:api\` and commit API.md; from line ${line + 1} it should be: ${now![line]}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

describe('the package beside the lowest aws-cdk-lib and constructs of its ranges', () => {
  const project = mkdtempSync(join(tmpdir(), 'package-'));
  after(() => rmSync(project, { recursive: true, force: true }));
  const installed = join(project, 'node_modules/cdk-wso2is-recovery');

  test('the ranges begin with what is tested here', () => {
    for (const name of ['aws-cdk-lib', 'constructs'])
      assert.equal(
        manifest.devDependencies[`${name}-lowest`],
        `npm:${name}@${manifest.peerDependencies[name]!.slice(1)}`,
      );
  });

  test('the app of a project whose cdk.json has `node node_modules/cdk-wso2is-recovery/dist/bin/app.js` synthesizes', () => {
    mkdirSync(join(installed, 'dist'), { recursive: true });
    for (const folder of ['bin', 'lambda'])
      cpSync(join(root, 'dist', folder), join(installed, 'dist', folder), { recursive: true });
    cpSync(join(root, 'package.json'), join(installed, 'package.json'));
    for (const name of ['aws-cdk-lib', 'constructs'])
      symlinkSync(join(root, `node_modules/${name}-lowest`), join(project, 'node_modules', name));
    // What npm did not install below the lowest one, since that beside the newest is in its range.
    symlinkSync(join(root, 'node_modules/@aws-cdk'), join(project, 'node_modules/@aws-cdk'));
    const { status, stderr } = spawnSync(
      process.execPath,
      // So that the one finds the other where they are linked.
      ['--preserve-symlinks', '--preserve-symlinks-main', join(installed, 'dist/bin/app.js')],
      {
        cwd: project,
        encoding: 'utf8',
        env: {
          ...process.env,
          CDK_OUTDIR: join(project, 'cdk.out'),
          CDK_CONTEXT_JSON: JSON.stringify({
            config: join(root, 'examples/configuration-file/recovery.toml'),
            'aws:cdk:disable-asset-staging': true,
          }),
        },
      },
    );
    assert.equal(status, 0, stderr);
    for (const stack of ['RecoverySite', 'IdentityServerRecovery'])
      assert.ok(existsSync(join(project, 'cdk.out', `${stack}.template.json`)), stack);
  });

  test('the command says its version', () => {
    const { stdout } = spawnSync(process.execPath, [join(root, 'dist/bin/wso2is-recovery.js'), '--version'], {
      encoding: 'utf8',
    });
    assert.equal(stdout, `${manifest.version}\n`);
  });
});
