/** What people, terminals, disks and servers do to the archive commands: a clear word, the right status, nothing half-done. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { listPoints } from '../../lambda/archive';
import { command, COMMAND, startCommand } from '../lambda/archive/support/command';
import { ScriptedS3 } from '../lambda/archive/support/scripted-s3';
import { assertSameTree, contentsOf, makeTree, noise, temporaryFolder } from '../lambda/archive/support/trees';

const root = makeTree({ 'conf/deployment.toml': 'hostname = "is.example.com"\n', 'lib/a.jar': noise(1_500_000) });
let s3: ScriptedS3;

before(async () => {
  s3 = await ScriptedS3.start();
  s3.bucket('archive');
  s3.bucket('refusing');
  const { status, stderr } = await command(s3, 'export', root, 's3://archive/x');
  assert.equal(status, 0, stderr);
});
after(() => s3.stop());

beforeEach(() => {
  s3.script = () => undefined;
});

test('bad input: status 2, what it must be, and nothing was done', async () => {
  const folder = temporaryFolder();
  const out = join(folder, 'out');
  const rows: [string[], RegExp][] = [
    // A variable that was not set: not the working directory, not everything.
    [['export', '', 's3://archive/y'], /argument 'dir'. It must not be empty/],
    [['restore', 's3://archive/x', ''], /argument 'dir'. It must not be empty/],
    [['restore', 's3://archive/x', out, '--path', ''], /'--path <path>' argument '' is invalid. It must not be empty/],
    [['drop-replaced', ''], /It must not be empty/],
    [['export', root, 's3://archive/a/../../refusing/y'], /the prefix must have names, not `\.`, `\.\.` or nothing/],
    [['export', root, 's3://archive//y'], /the prefix must have names/],
    [['list', 's3://Archive/x'], /a bucket has 3 to 63 lower-case letters/],
    [['list', 's3://archive/x', '--endpoint-url', 'nonsense'], /It must be a URL such as/],
    [['list', 's3://archive/x', '--endpoint-url', 'localhost:9000'], /It must be a URL such as/],
    [['list', 's3://archive/x', '--endpoint-url', 'http://127.0.0.1:1'], /s3:ListBucket of .* failed: .*ECONNREFUSED/],
    [['restore', 's3://archive/x', out, '--at', '2026-13-45'], /It must be a time in ISO 8601/],
    [['restore', 's3://archive/x', out, '--path', '../conf'], /the point does not hold \.\.\/conf/],
    [['restore', 's3://archive/x', join(root, 'lib/a.jar/out')], /out cannot be made: ENOTDIR/],
    [
      ['restore', 's3://archive/x', join(folder, 'no/such')],
      /no\/such cannot be made: there is no directory .*\/no: make it/,
    ],
    [['export', join(root, 'lib/a.jar'), 's3://archive/y'], /must be a directory, got a file/],
    [['prune', 's3://archive/x', '--keep-last', '0'], /It must be a whole number above 0/],
    [['diff', 's3://archive/x', '19990101T00'], /must be the beginning of the name of one manifest, got 0/],
  ];
  const before = s3.bucket('archive').keys();
  for (let at = 0; at < rows.length; at += 4) {
    const some = rows.slice(at, at + 4);
    const ended = await Promise.all(some.map(([args]) => command(s3, ...args)));
    for (const [index, { status, stdout, stderr }] of ended.entries()) {
      const [args, message] = some[index]!;
      assert.match(stderr, message, args.join(' '));
      assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    }
  }
  assert.deepEqual(readdirSync(folder), []);
  assert.deepEqual([s3.bucket('archive').keys(), s3.bucket('refusing').keys()], [before, []]);
});

test('what S3 refuses is told from a permission that is missing', async () => {
  const rows: [number, string, RegExp][] = [
    [403, 'AccessDenied', /access denied: allow s3:ListBucket on it/],
    [403, 'RequestTimeTooSkewed', /the clock of this machine is more than 15 minutes wrong: set it$/],
    [403, 'InvalidAccessKeyId', /the access key is not known to this endpoint: log in again/],
    [403, 'SignatureDoesNotMatch', /the secret key does not belong to the access key: log in again/],
    [400, 'ExpiredToken', /the credentials have expired: log in again/],
    [400, 'AuthorizationHeaderMalformed', /another Region than that of the bucket: give --region/],
    [301, 'PermanentRedirect', /another Region than that of the bucket: give --region/],
  ];
  for (const [status, code, message] of rows) {
    s3.script = () => ({ status, code });
    await assert.rejects(listPoints(s3.store('refusing', 'x/')), (error: Error) => message.test(error.message), code);
  }
});

test('--endpoint-url, against what the environment says', async () => {
  const { AWS_ENDPOINT_URL, ...rest } = s3.env;
  for (const env of [rest, { ...rest, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }]) {
    const args = ['list', 's3://archive/x', '--json', '--endpoint-url', AWS_ENDPOINT_URL!];
    const { status, stdout, stderr } = await startCommand({ env }, args).ended;
    assert.equal(status, 0, stderr);
    assert.equal((JSON.parse(stdout) as unknown[]).length, 1);
  }
});

test('output that nobody reads to its end is no error; output that cannot be kept is one', async () => {
  const { child, ended } = startCommand(s3, ['list', 's3://archive/x']);
  child.stdout!.destroy();
  const { status, stderr } = await ended;
  assert.deepEqual([status, stderr], [0, '']);
  const full = spawn('sh', ['-c', 'exec "$@" >/dev/full', 'sh', process.execPath, COMMAND, 'list', 's3://archive/x'], {
    env: { PATH: process.env['PATH'], ...s3.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  full.stderr.on('data', (chunk) => (said += String(chunk)));
  assert.equal(await new Promise((resolve) => full.on('close', resolve)), 2);
  assert.match(said, /^error: standard output cannot be written: ENOSPC/);
});

for (const [signal, files] of [
  ['SIGINT', 2],
  ['SIGTERM', 600],
] as const) {
  test(`${signal} in the middle of a restore (${files} files): what it wrote is removed, and the target is as it was`, async () => {
    const bucket = `interrupted-${files}`;
    s3.bucket(bucket);
    // Each of another pack, so that some are written when the next are waited for.
    const source = makeTree(Object.fromEntries(Array.from({ length: files }, (_, i) => [`d/f${i}`, `file ${i}`])));
    assert.equal((await command(s3, 'export', source, `s3://${bucket}/x`)).status, 0);
    writeFileSync(join(source, 'd/last'), noise(200_000));
    assert.equal((await command(s3, 'export', source, `s3://${bucket}/x`)).status, 0);
    let packs = 0;
    let asked = () => {};
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    s3.script = (request) => {
      if (request.bucket !== bucket || !request.key.startsWith('x/packs/')) return undefined;
      packs += 1;
      if (packs < 2) return undefined;
      asked();
      return { hang: true };
    };
    const folder = temporaryFolder();
    const target = join(folder, 'target');
    mkdirSync(target);
    writeFileSync(join(target, 'mine'), 'mine');
    const { child, ended } = startCommand(s3, ['restore', `s3://${bucket}/x`, target, '--replace']);
    await isAsked;
    assert.equal(readdirSync(folder).length, 2, 'it is under way');
    child.kill(signal);
    const { signal: by, stdout, stderr } = await ended;
    assert.deepEqual([by, stdout], [signal, ''], stderr);
    assert.equal(stderr, `error: interrupted by ${signal}; what it had written is removed\n`);
    assert.deepEqual(readdirSync(folder), ['target']);
    assert.deepEqual(contentsOf(target), { mine: 'mine' });
    s3.script = () => undefined;
    const again = await command(s3, 'restore', `s3://${bucket}/x`, target, '--replace');
    assert.equal(again.status, 0, again.stderr);
    assertSameTree(target, source);
  });
}

test('a disk that becomes full in the middle of a restore: status 2, and nothing is left', async (t) => {
  const mount = join(temporaryFolder(), 'disk');
  mkdirSync(mount);
  // Room for the contents, but not for a block of each.
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', mount]).status !== 0) {
    return t.skip('nothing can be mounted here');
  }
  try {
    const many = makeTree(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, `file ${i}`])));
    s3.bucket('small');
    assert.equal((await command(s3, 'export', many, 's3://small/x')).status, 0);
    const { status, stderr } = await command(s3, 'restore', 's3://small/x', join(mount, 'out'));
    assert.equal(status, 2, stderr);
    assert.match(stderr, /ENOSPC: no space left on device/);
    assert.deepEqual(readdirSync(mount), []);
    execFileSync('mount', ['-o', 'remount,ro', mount]);
    const readOnly = await command(s3, 'restore', 's3://archive/x', join(mount, 'out'), '--path', 'conf');
    assert.deepEqual([readOnly.status, /cannot be made: EROFS/.test(readOnly.stderr)], [2, true], readOnly.stderr);
  } finally {
    execFileSync('umount', [mount]);
  }
});

const hasTerminal = spawnSync('script', ['--version']).status === 0;

/** What a terminal of this width is sent. */
function onTerminal(columns: number, ...args: readonly string[]): Promise<string> {
  const line = [process.execPath, COMMAND, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', `stty cols ${columns}; exec ${line}`, '/dev/null'], {
    env: { PATH: process.env['PATH'], TERM: 'xterm', ...s3.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let screen = '';
  child.stdout.on('data', (chunk) => (screen += String(chunk)));
  return new Promise((resolve) => child.on('close', () => resolve(screen)));
}

test('on a terminal: one line of progress that is written over, no longer than the terminal is wide', async (t) => {
  if (!hasTerminal) return t.skip('script (util-linux) is not installed here');
  s3.script = ({ operation }) => (operation === 'PutObject' ? { delayMs: 150 } : undefined);
  const [wide, narrow] = await Promise.all([
    onTerminal(100, 'export', root, 's3://archive/wide', '--volume-mounted-at', 'elsewhere'),
    onTerminal(20, 'export', root, 's3://archive/narrow', '--volume-mounted-at', 'elsewhere'),
  ]);
  // Each is written from the beginning of the line, which is cleared; the last is cleared and not written over.
  const lines = (screen: string) => screen.split('\r\x1b[2K');
  assert.match(lines(wide)[1]!, /^4 entries, 1\.5 MB, [\d.]+ [kM]?B\/s$/);
  assert.match(lines(wide).at(-1)!, /^exported 2 files, 1\.5 MB: 2 read, 1\.5 MB stored\r\n/);
  assert.match(lines(narrow)[1]!, /^4 entries, 1\.5 MB, $/);
  assert.match(lines(narrow).at(-1)!, /^exported 2 files/);
  // Neither in a pipe nor with --json is there any of it.
  const { stderr } = await command(s3, 'export', root, 's3://archive/pipe');
  assert.equal(stderr, '');
});
