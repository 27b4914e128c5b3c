/** What a restore does around its target: room, disk, what killed ones left, and what was replaced. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import promises from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { dropReplaced, MemoryStore, restorePoint } from '../../../lambda/archive';
import { command, startCommand } from './support/command';
import { craft } from './support/crafted';
import { exportTree } from './support/engine';
import { ScriptedS3 } from './support/scripted-s3';
import { assertSameTree, contentsOf, makeTree, noise, temporaryFolder } from './support/trees';

const isRoot = process.getuid?.() === 0;

let s3: ScriptedS3;
before(async () => {
  s3 = await ScriptedS3.start();
});
after(() => s3.stop());
beforeEach(() => {
  s3.script = () => undefined;
});

/** A restore as a process, when it has made its directory and waits for a pack that never comes. */
async function startHanging(bucket: string, target: string, ...more: string[]) {
  let asked = () => {};
  const waiting = new Promise<void>((resolve) => (asked = resolve));
  s3.script = ({ key }) => {
    if (!key.includes('/packs/')) return undefined;
    asked();
    return { hang: true };
  };
  const running = startCommand(s3, ['restore', `s3://${bucket}/x`, target, ...more]);
  await waiting;
  s3.script = () => undefined;
  return running;
}

test('what a killed restore has left goes with the next one; one that runs, and one of elsewhere, is left alone', async () => {
  const root = makeTree({ a: noise(2_000), 'd/b': 'b' });
  s3.bucket('killed');
  await exportTree(root, s3.store('killed', 'x/'));
  const folder = temporaryFolder();
  const target = join(folder, 'target');
  const { child, ended } = await startHanging('killed', target);
  const [staging] = readdirSync(folder);
  assert.match(staging!, /^\.target\.restoring-[0-9a-f]{12}\.\d+\.\d+\.\d+-[0-9a-f]{12}$/);
  const beside = await command(s3, 'restore', 's3://killed/x', target);
  assert.deepEqual([beside.status, beside.stdout.includes(staging!)], [0, false], beside.stdout);
  assert.deepEqual(readdirSync(folder).sort(), [staging, 'target']);
  child.kill('SIGKILL');
  await ended;
  const foreign = '.target.restoring-000000000000.1.2.3-0123456789ab';
  mkdirSync(join(folder, foreign));
  symlinkSync(root, join(folder, staging!.replace(/.$/, 'x')));
  const other = staging!.replace('.target.', '.another.');
  mkdirSync(join(folder, other));
  const next = await command(s3, 'restore', 's3://killed/x', target, '--replace');
  assert.equal(next.status, 0, next.stderr);
  assert.ok(next.stdout.includes(`removed: ${join(folder, staging!)}, which a restore that was killed had left`));
  assert.ok(next.stdout.includes(`left: ${join(folder, foreign)} is of a restore elsewhere`), next.stdout);
  assert.deepEqual(
    readdirSync(folder).sort(),
    [other, '.target.replaced-1', foreign, staging!.replace(/.$/, 'x'), 'target'].sort(),
  );
  assertSameTree(target, root);
});

test('the same within a target of which some paths are replaced', async () => {
  const root = makeTree({ 'conf/a': 'a', 'large/b': noise(2_000) });
  s3.bucket('within');
  await exportTree(root, s3.store('within', 'x/'));
  const target = makeTree({ 'conf/a': 'mine', other: 'other' });
  const { child, ended } = await startHanging('within', target, '--path', 'large', '--replace');
  child.kill('SIGKILL');
  await ended;
  const [staging] = readdirSync(target).filter((name) => name.includes('.restoring-'));
  // Whoever exports the target meanwhile leaves it out.
  const { excluded } = await exportTree(target, new MemoryStore());
  assert.deepEqual(
    excluded.map(({ path }) => path),
    [staging],
  );
  const next = await command(s3, 'restore', 's3://within/x', target, '--path', 'conf', '--replace');
  assert.equal(next.status, 0, next.stderr);
  assert.deepEqual(readdirSync(target).sort(), ['.conf.replaced-1', 'conf', 'other']);
});

test('what belongs to another user is not ours, whatever it is called', { skip: !isRoot && 'needs root' }, async () => {
  const store = new MemoryStore();
  const { manifestKey } = await exportTree(makeTree({ a: noise(2_000) }), store);
  const folder = temporaryFolder();
  const target = join(folder, 'target');
  // A name as this process would give it, of one that has ended: process ids end at 4,194,304.
  let name = '';
  const get = store.get.bind(store);
  store.get = async (...args) => {
    name = readdirSync(folder)[0] ?? name;
    return get(...args);
  };
  await restorePoint({ store, manifestKey, target, threads: 0 });
  const dead = name.replace(/(restoring-[0-9a-f]{12}\.\d+)\.\d+/, '$1.4999999');
  for (const [user, gone] of [
    [65_534, false],
    [0, true],
  ] as const) {
    mkdirSync(join(folder, dead), { recursive: true });
    chownSync(join(folder, dead), user, user);
    const outcome = await restorePoint({ store, manifestKey, target, replace: true, threads: 0 });
    assert.deepEqual(
      [outcome.removedLeftOvers, outcome.otherLeftOvers],
      gone ? [[join(folder, dead)], []] : [[], [join(folder, dead)]],
    );
    assert.equal(existsSync(join(folder, dead)), !gone);
  }
});

test('a target with a name as long as names can be', async () => {
  const store = new MemoryStore();
  const root = makeTree({ a: 'a' });
  const { manifestKey } = await exportTree(root, store);
  for (const name of ['x'.repeat(255), 'ä'.repeat(127)]) {
    const target = join(temporaryFolder(), name);
    await restorePoint({ store, manifestKey, target, threads: 0 });
    assertSameTree(target, root);
  }
});

test('[case 55] what does not fit on the disk is refused before anything is written: also a small pack that says it is huge', async () => {
  const counts = { files: 1, directories: 0, symlinks: 0, hardlinks: 0, bytes: 2 ** 52 };
  const huge = craft([{ path: 'a', type: 'file', content: 'a' }], { header: { counts }, page: { counts } });
  const folder = temporaryFolder();
  const target = join(folder, 'target');
  await assert.rejects(
    restorePoint({ ...huge, target, threads: 0 }),
    /the restore takes 4503599627370496 bytes, and .* has room for \d+: free some, or choose another target/,
  );
  assert.deepEqual(readdirSync(folder), []);
});

test('room: both sides of the bound, for everything and for some paths', async (t) => {
  const store = new MemoryStore();
  const { manifestKey } = await exportTree(makeTree({ large: noise(9_000), 'd/small': 'four' }), store);
  const folder = temporaryFolder();
  let [bytes, inodes] = [0, 0];
  t.mock.method(promises, 'statfs', async () => ({ bavail: bytes, bsize: 1, files: 100, ffree: inodes }));
  const attempt = (name: string, paths?: readonly string[]) =>
    restorePoint({ store, manifestKey, target: join(folder, name), threads: 0, ...(paths ? { paths } : {}) });
  [bytes, inodes] = [9_003, 3];
  await assert.rejects(attempt('a'), /the restore takes 9004 bytes/);
  [bytes, inodes] = [9_004, 2];
  await assert.rejects(attempt('a'), /makes 3 files and directories, .* has inodes for 2/);
  [bytes, inodes] = [9_004, 3];
  await attempt('a');
  [bytes, inodes] = [3, 2];
  await assert.rejects(attempt('b', ['d']), /the restore takes 4 bytes/);
  [bytes, inodes] = [4, 2];
  await attempt('b', ['d']);
  assert.deepEqual(readdirSync(folder).sort(), ['a', 'b']);
});

test('[case 51] every file and directory is on the disk before the target is there, and then its name', async (t) => {
  const store = new MemoryStore();
  const root = makeTree({ a: 'a', 'd/b': 'b', 'd/link': { link: 'b' } });
  const { manifestKey } = await exportTree(root, store);
  const folder = temporaryFolder();
  const target = join(folder, 'target');
  const synced: string[] = [];
  const { fsyncSync } = fs;
  t.mock.method(fs, 'fsyncSync', (descriptor: number) => {
    const path = readlinkSync(`/proc/self/fd/${descriptor}`).replace(/\.target\.restoring-[^/]+/, 'STAGING');
    synced.push(
      `${path.slice(dirname(folder).length + 1 + basename(folder).length)} ${existsSync(target) ? 'after' : 'before'}`,
    );
    fsyncSync(descriptor);
  });
  await restorePoint({ store, manifestKey, target, threads: 0 });
  assert.deepEqual(synced.sort(), [
    ' after',
    '/STAGING before',
    '/STAGING/a before',
    '/STAGING/d before',
    '/STAGING/d/b before',
  ]);
  synced.length = 0;
  await restorePoint({ store, manifestKey, target, paths: ['d'], replace: true, threads: 0 });
  assert.equal(synced.at(-1), '/target after');
  synced.length = 0;
  await restorePoint({ store, manifestKey, target, replace: true, threads: 0, sync: false });
  assert.deepEqual(synced, []);
});

test('[case 51] of many files: one call for the file system, before anything is moved; when it fails, all is as it was', async () => {
  const nodes = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`f${index}`, String(index)]));
  const root = makeTree(nodes);
  s3.bucket('many');
  await exportTree(root, s3.store('many', 'x/'));
  const folder = temporaryFolder();
  const target = makeTree({ mine: 'mine' }, join(folder, 'target'));
  const tools = temporaryFolder();
  const log = join(tools, 'log');
  const sync = (status: number) => {
    writeFileSync(
      join(tools, 'sync'),
      `#!/bin/sh\necho "$1 $(/bin/ls -a "$2" | /usr/bin/wc -l) $(/bin/ls ${target})" >> ${log}\necho broken >&2\nexit ${status}\n`,
    );
    chmodSync(join(tools, 'sync'), 0o755);
  };
  sync(1);
  const restore = () =>
    startCommand({ env: { ...s3.env, PATH: tools } }, ['restore', 's3://many/x', target, '--replace']).ended;
  const failed = await restore();
  assert.equal(failed.status, 2);
  assert.match(failed.stderr, /what was restored could not be written to the disk: .*broken/s);
  assert.deepEqual([readdirSync(folder), contentsOf(target)], [['target'], { mine: 'mine' }]);
  sync(0);
  const done = await restore();
  assert.equal(done.status, 0, done.stderr);
  assertSameTree(target, root);
  // Called with all 120 files in its directory (and with . and ..), while the target was what it was before.
  assert.equal(readFileSync(log, 'utf8'), '-f 122 mine\n'.repeat(2));
});

test('what was replaced is dropped when that is asked for, and only when something took its place', async () => {
  const store = new MemoryStore();
  const { manifestKey } = await exportTree(makeTree({ 'conf/a': 'a', b: 'b' }), store);
  const folder = temporaryFolder();
  const target = makeTree({ 'conf/a': 'mine', closed: { mode: 0o500 } }, join(folder, 'target'));
  const replace = (paths?: readonly string[]) =>
    restorePoint({ store, manifestKey, target, replace: true, threads: 0, sync: false, ...(paths ? { paths } : {}) });
  for (let time = 0; time < 10; time += 1) await replace();
  await replace(['conf']);
  // Of other targets, or of nobody.
  for (const name of ['.target.replaced-x', '.target.replaced-01', '.other.replaced-1', '.target.replaced-']) {
    mkdirSync(join(folder, name));
  }
  const kept = Array.from({ length: 10 }, (_, index) => join(folder, `.target.replaced-${index + 1}`));
  assert.deepEqual(await dropReplaced({ target, dryRun: true }), kept);
  renameSync(target, `${target}-away`);
  await assert.rejects(dropReplaced({ target }), /target is not there: .*\.target\.replaced-10 is what there is of it/);
  renameSync(`${target}-away`, target);
  assert.deepEqual(await dropReplaced({ target }), kept);
  assert.deepEqual(readdirSync(folder).sort(), [
    '.other.replaced-1',
    '.target.replaced-',
    '.target.replaced-01',
    '.target.replaced-x',
    'target',
  ]);
  assert.deepEqual(readdirSync(target).sort(), ['.conf.replaced-1', 'b', 'conf']);
  const dropped = await startCommand({ env: {} }, ['drop-replaced', target, '--path', 'conf']).ended;
  assert.deepEqual([dropped.status, dropped.stdout], [0, `dropped ${join(target, '.conf.replaced-1')}\n`]);
  assert.deepEqual(contentsOf(target), { b: 'b', 'conf/a': 'a' });
  const nothing = await startCommand({ env: {} }, ['drop-replaced', target, '--json']).ended;
  assert.deepEqual([nothing.status, JSON.parse(nothing.stdout)], [0, { dropped: [] }]);
});
