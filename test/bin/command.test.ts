// The command as a whole: how little it loads before it knows what is wanted, and how every command of it fails.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';

const ROOT = join(__dirname, '../..');

/** Without a terminal's width, credentials or configuration of whoever runs the tests. */
const ENVIRONMENT = {
  PATH: process.env['PATH'],
  AWS_REGION: 'eu-west-1',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  NODE_DISABLE_COMPILE_CACHE: '1',
};

function node(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: ENVIRONMENT,
  });
  return { status, stdout, stderr };
}

const command = (...args: string[]) => node('dist/bin/wso2is-recovery.js', ...args);

/** A module that prints, when the process ends, what was loaded, as the last line of stderr. */
const says = (expression: string) =>
  `data:text/javascript,${encodeURIComponent(
    `import { createRequire } from 'node:module'; const { cache } = createRequire('${ROOT}/');
     process.on('exit', () => console.error(JSON.stringify(${expression})));`,
  )}`;

const lastLine = (text: string) => JSON.parse(text.trimEnd().split('\n').at(-1)!) as string[];

describe('before it knows what is wanted, the command loads', () => {
  test('of packages commander alone, and of the project no more than the options: no SDK, no engine, no constructs', () => {
    // Loads the declarations of all commands, so that `COMMAND --help` loads less.
    const help = node('--import', 'tsx', '--import', says('Object.keys(cache)'), 'bin/wso2is-recovery.ts', '--help');
    assert.equal(help.status, 0, help.stderr);
    const loaded = lastLine(help.stderr).map((file) => relative(ROOT, file));
    const packages = loaded.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []);
    // What runs the sources here is no part of the bundle.
    assert.deepEqual(
      [...new Set(packages)].filter((name) => !['tsx', 'esbuild'].includes(name)),
      ['commander'],
    );
    assert.deepEqual(loaded.filter((file) => /^(lambda|lib)\//.test(file)).sort(), [
      'lambda/archive/errors.ts',
      'lambda/baseline/product-version.ts',
      'lib/planning/assumptions.ts',
      'lib/planning/duration.ts',
      'lib/planning/errors.ts',
      'lib/planning/measured.ts',
      'lib/planning/plan-types.ts',
      'lib/private/bucket-layout.ts',
    ]);
  });

  for (const args of [['--help'], ['--version'], ['status', '--help'], ['recover', '--help']])
    test(`no client of anything, as it is shipped: ${args.join(' ')}`, () => {
      const native = says("process.moduleLoadList.map((each) => each.replace('NativeModule ', ''))");
      const { status, stderr } = node('--import', native, 'dist/bin/wso2is-recovery.js', ...args);
      assert.equal(status, 0, stderr);
      const loaded = lastLine(stderr);
      assert.ok(loaded.includes('fs'), stderr);
      assert.deepEqual(
        loaded.filter((name) => ['http', 'https', 'http2', 'tls'].includes(name)),
        [],
      );
    });
});

describe('the compiled code', () => {
  const help = (cache: string, env: NodeJS.ProcessEnv = {}, ...command: string[]) =>
    spawnSync(process.execPath, ['dist/bin/wso2is-recovery.js', ...command, '--help'], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { PATH: ENVIRONMENT.PATH, XDG_CACHE_HOME: cache, ...env },
    });
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'command-'))));
  after(() => rmSync(folder, { recursive: true }));

  test('is kept in the cache folder of the user, so that the next start does not compile it', () => {
    assert.equal(help(folder).status, 0);
    assert.equal(help(folder, {}, 'verify').status, 0);
    assert.equal(help(folder, {}, 'nonsense').status, 0);
    assert.deepEqual(readdirSync(folder), ['wso2is-recovery']);
    assert.deepEqual(readdirSync(join(folder, 'wso2is-recovery')).sort(), ['others', 'verify']);
  });

  test('is not kept where Node is told not to', () => {
    assert.equal(help(join(folder, 'none'), { NODE_DISABLE_COMPILE_CACHE: '1' }).status, 0);
    assert.equal(existsSync(join(folder, 'none')), false);
  });

  test('may be impossible to keep: the command says nothing of that', () => {
    const { status, stdout, stderr } = help(join(ROOT, 'package.json'));
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^Usage: wso2is-recovery /);
  });
});

describe('with --json, every command that fails prints one shape, says the same on stderr, and ends with 2', () => {
  const failing: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['an option that does not exist', ['status', '--json', '--nonsense'], /^unknown option '--nonsense'/],
    ['a command that does not exist', ['nonsense', '--json'], /^unknown command 'nonsense'/],
    ['an argument that is missing', ['list', '--json'], /^missing required argument 'archive'/],
    ['a value that is none', ['list', 'archive', '--json'], /It must be s3:\/\/BUCKET\/PREFIX; the name of a bucket /],
    [
      'options that exclude each other',
      ['recover', '--json'],
      /^exactly one of `--site` and `--in-place` must be given/,
    ],
    [
      'bad input of plan',
      ['plan', '--json', '--deployment', 'none.toml', '--rpo', '1h', '--rto', '4h'],
      /^`--deployment` must be a readable file, got none\.toml \(ENOENT\)/,
    ],
    ['a bucket that cannot be read', ['verify', 's3://none', '--json'], /no credentials are configured/],
    ['a deployment that cannot be found', ['status', '--json'], /[Cc]redentials/],
    [
      'a directory that is no server',
      ['baseline', 'docs', '--json'],
      /^`<dir>` must be <IS_HOME>, with bin and repository/,
    ],
  ];
  for (const [what, args, expected] of failing)
    test(what, () => {
      const { status, stdout, stderr } = command(...args);
      assert.equal(status, 2, stderr);
      const printed = JSON.parse(stdout) as { readonly error: string };
      assert.deepEqual(Object.keys(printed), ['formatVersion', 'error']);
      assert.deepEqual({ ...printed, error: '' }, { formatVersion: 1, error: '' });
      assert.match(printed.error, expected);
      assert.ok(stderr.startsWith(`error: ${printed.error.split('\n')[0]}`), stderr);
    });

  test('without --json, stdout stays empty', () => {
    const { status, stdout, stderr } = command('verify', 's3://none');
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^error: .*no credentials are configured/);
  });
});
