import assert from 'node:assert/strict';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  DirectoryVolume,
  exportVolume,
  listPoints,
  MemoryStore,
  prune,
  type PruneOptions,
  restorePoint,
  verifyArchive,
  type ObjectStore,
} from '../../../lambda/archive';
import { describeTree, temporaryFolder } from './support/trees';

const DAY = 24 * 3600 * 1000;

/** An archive whose clock is moved by hand, with a tree of incompressible files. */
function archive(options: { readonly lockDays?: number } = {}) {
  const root = join(temporaryFolder(), 'repository');
  mkdirSync(root);
  const clock = { now: new Date('2099-01-05T10:00:00Z') };
  const now = () => clock.now;
  const { lockDays } = options;
  const store = new MemoryStore('a/', new Map(), {
    now,
    ...(lockDays ? { retention: { mode: 'COMPLIANCE', days: lockDays } } : {}),
  });
  return {
    root,
    store,
    clock,
    later: (ms: number) => (clock.now = new Date(clock.now.getTime() + ms)),
    /** With one time for all, which is in the pack: so the same content makes the same pack whenever it is written. */
    write: (name: string, seed: number, size = 20_000) => {
      writeFileSync(join(root, name), Buffer.from(Array.from({ length: size }, (_, i) => (i * i * seed) >> 5)));
      utimesSync(join(root, name), 1_700_000_000, 1_700_000_000);
    },
    export: async (into: ObjectStore = store) => {
      clock.now = new Date(clock.now.getTime() + 60_000);
      return exportVolume({
        volume: new DirectoryVolume(root),
        store: into,
        volumeName: 'repository',
        mountedAt: 'repository',
        now,
      });
    },
    prune: (more: Partial<PruneOptions> = {}) => prune({ store, policy: { last: 1 }, now, ...more }),
    keys: (prefix: string) => [...store.objects.keys()].filter((key) => key.startsWith(prefix)),
  };
}

/** The same store, but for how it puts. */
const withPut = (store: ObjectStore, put: ObjectStore['put']): ObjectStore => ({
  prefix: store.prefix,
  description: store.description,
  put,
  get: (...args) => store.get(...args),
  head: (key) => store.head(key),
  list: (prefix) => store.list(prefix),
  delete: (key) => store.delete(key),
  time: () => store.time(),
  defaultRetention: () => store.defaultRetention(),
  extendLock: (...args) => store.extendLock(...args),
});

async function assertRestores(store: ObjectStore, manifestKey: string, root: string) {
  const target = join(temporaryFolder(), 'restored');
  await restorePoint({ store, manifestKey, target });
  assert.deepEqual(describeTree(target), describeTree(root));
}

test('points go at once, what only they needed after the time of grace', async () => {
  const a = archive();
  a.write('old', 3);
  await a.export();
  rmSync(join(a.root, 'old'));
  a.write('new', 5);
  const { manifestKey } = await a.export();
  const first = await a.prune();
  assert.equal((await listPoints(a.store)).length, 1);
  assert.equal(first.waitingObjects, 2, 'a pack and a page');
  assert.equal(a.keys('packs/').length, 2);
  a.later(7 * DAY - 1);
  assert.equal((await a.prune()).waitingObjects, 2, 'a moment before the grace ends');
  a.later(1);
  const second = await a.prune();
  assert.equal(second.deletedObjects, 2);
  assert.equal(a.keys('packs/').length, 1);
  assert.deepEqual(a.keys('doomed/'), []);
  await assertRestores(a.store, manifestKey, a.root);
  assert.deepEqual((await verifyArchive({ store: a.store, readData: true })).findings, []);
});

test('a dry run says what would go, and nothing does', async () => {
  const a = archive();
  a.write('a', 3);
  await a.export();
  a.write('a', 5);
  await a.export();
  const before = [...a.store.objects.keys()];
  const outcome = await a.prune({ dryRun: true });
  assert.deepEqual(
    outcome.decisions.map(({ startedAt, reasons }) => [startedAt, reasons.length > 0]),
    [
      ['2099-01-05T10:02:00.000Z', true],
      ['2099-01-05T10:01:00.000Z', false],
    ],
  );
  assert.equal(outcome.deletedObjects, 1);
  assert.deepEqual([...a.store.objects.keys()], before);
});

test('an export that was under way keeps what it took from a point that is pruned meanwhile', async () => {
  const a = archive();
  a.write('kept', 3);
  await a.export();
  // Holds the manifest of the export back, until another export and a prune are done.
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const slow = withPut(a.store, async (key, ...rest) => {
    if (key.startsWith('manifests/')) await held;
    return a.store.put(key, ...rest);
  });
  const first = a.export(slow);
  await new Promise((resolve) => setTimeout(resolve, 300));
  rmSync(join(a.root, 'kept'));
  a.write('other', 5);
  await a.export();
  await a.prune();
  a.later(3 * DAY);
  await a.prune();
  release();
  const { manifestKey } = await first;
  const point = (await listPoints(a.store)).find((one) => one.manifestKey === manifestKey);
  assert.equal(point?.complete, true);
  a.later(9 * DAY);
  await a.prune({ policy: { last: 9 } });
  assert.equal(
    (await listPoints(a.store)).every(({ complete }) => complete),
    true,
  );
});

test('what an export that died left behind goes after the time of grace, unless another export finds it again', async () => {
  const a = archive();
  a.write('a', 3);
  const dying = withPut(a.store, async (key, ...rest) => {
    if (key.startsWith('manifests/')) throw new Error('killed');
    return a.store.put(key, ...rest);
  });
  await assert.rejects(a.export(dying), /killed/);
  assert.equal(a.keys('packs/').length, 1);
  a.write('b', 7);
  rmSync(join(a.root, 'a'));
  await a.export();
  await a.prune();
  a.later(7 * DAY - 60_000);
  // The same pack again: it is young from now on.
  rmSync(join(a.root, 'b'));
  a.write('a', 3);
  const found = await a.export();
  assert.equal(a.keys('packs/').length, 2);
  await a.prune({ policy: { last: 9 } });
  await assertRestores(a.store, found.manifestKey, a.root);
});

test('packs that are more than half empty are written anew, and the points with them', async () => {
  const a = archive();
  for (let file = 0; file < 20; file += 1) a.write(`f${file}`, 2 * file + 3);
  await a.export();
  for (let file = 0; file < 11; file += 1) rmSync(join(a.root, `f${file}`));
  const { manifestKey } = await a.export();
  const [before] = a.keys('packs/');
  const outcome = await a.prune({ graceMs: 0 });
  assert.equal(outcome.rewrittenPacks, 1);
  const packs = a.keys('packs/');
  assert.equal(packs.length, 1);
  assert.notEqual(packs[0], before);
  const [point] = await listPoints(a.store);
  assert.notEqual(point!.manifestKey, manifestKey);
  assert.equal(point!.header!.startedAt, '2099-01-05T10:02:00.000Z');
  await assertRestores(a.store, point!.manifestKey, a.root);
  assert.deepEqual((await verifyArchive({ store: a.store, readData: true })).findings, []);
  assert.equal((await a.export()).filesRead, 0, 'the next export goes on from it');
});

test('packs of which half is needed stay as they are', async () => {
  const a = archive();
  for (let file = 0; file < 20; file += 1) a.write(`f${file}`, 2 * file + 3);
  await a.export();
  for (let file = 0; file < 10; file += 1) rmSync(join(a.root, `f${file}`));
  await a.export();
  assert.equal((await a.prune({ graceMs: 0 })).rewrittenPacks, 0);
});

test('compliance lock: locked points stay until they may go, and what is in use is locked for longer', async () => {
  const a = archive({ lockDays: 30 });
  a.write('old', 3);
  const first = await a.export();
  a.write('new', 5);
  const second = await a.export();
  const outcome = await a.prune({ graceMs: 0 });
  assert.deepEqual(outcome.locked, [first.manifestKey]);
  a.later(20 * DAY);
  assert.ok((await a.prune({ graceMs: 0 })).extendedLocks > 0);
  const [pack] = a.keys('packs/');
  assert.equal((await a.store.head(pack!))!.lockedUntil?.toISOString(), '2099-02-24T10:02:00.000Z');
  a.later(11 * DAY);
  const third = await a.prune({ graceMs: 0 });
  assert.deepEqual(third.locked, []);
  assert.deepEqual(
    (await listPoints(a.store)).map(({ manifestKey }) => manifestKey),
    [second.manifestKey],
  );
  await assertRestores(a.store, second.manifestKey, a.root);
});

test('a clock that is wrong, a point of the future, and a policy of nothing are refused', async () => {
  const a = archive();
  a.write('a', 3);
  await a.export();
  const off = (ms: number) => () => new Date(a.clock.now.getTime() + ms);
  for (const ms of [3600_001, -3600_001, 365 * DAY, -365 * DAY]) {
    await assert.rejects(a.prune({ now: off(ms) }), /the clock of this machine says/);
  }
  await a.prune({ now: off(3600_000) });
  a.later(-2 * 3600_000);
  await assert.rejects(a.prune(), /a point says that it began at 2099-01-05T10:01:00.000Z, but it is/);
  await assert.rejects(a.prune({ policy: {} }), /`policy` must keep something, got nothing/);
  assert.equal((await listPoints(a.store)).length, 1);
});
