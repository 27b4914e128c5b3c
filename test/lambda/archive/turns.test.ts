// One export in many turns, as many invocations of a function would do it.
import assert from 'node:assert/strict';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  beginExport,
  continueExport,
  decodeState,
  DirectoryVolume,
  encodeState,
  type ExportState,
  exportVolume,
  finishExport,
  joinStates,
  listPoints,
  MemoryStore,
  readManifest,
  restorePoint,
  splitState,
  verifyArchive,
} from '../../../lambda/archive';
import { describeTree, temporaryFolder } from './support/trees';

const TENANTS = 600;

function tree(): string {
  const root = join(temporaryFolder(), 'repository');
  for (let tenant = 0; tenant < TENANTS; tenant += 1) {
    const folder = join(root, 'tenants', `t${tenant}`, 'userstores');
    mkdirSync(folder, { recursive: true });
    for (const file of ['a', 'b', 'c']) writeFileSync(join(folder, `${file}.xml`), `${tenant} ${file}\n`.repeat(30));
  }
  writeFileSync(join(root, 'zz'), 'at the end');
  linkSync(join(root, 'tenants/t1/userstores/a.xml'), join(root, 'zz-linked'));
  return root;
}

const options = (root: string, store: MemoryStore) => ({
  volume: new DirectoryVolume(root),
  store,
  volumeName: 'repository',
  mountedAt: 'repository',
  threads: 0,
  now: () => new Date('2099-01-05T10:00:00Z'),
});

/** Another process would have nothing but the bytes. */
const handOver = (state: ExportState) => decodeState(encodeState(state));

async function assertIsTheTree(root: string, store: MemoryStore, manifestKey: string) {
  const target = join(temporaryFolder(), 'restored');
  await restorePoint({ store, manifestKey, target });
  assert.deepEqual(describeTree(target), describeTree(root));
  assert.deepEqual((await verifyArchive({ store, readData: true })).findings, []);
}

test('an export of as many turns as can be reads each file once, and is the same point', async () => {
  const root = tree();
  const store = new MemoryStore();
  let state = await beginExport(options(root, store));
  let turns = 0;
  for (; state.left.length > 0; turns += 1) {
    state = handOver(await continueExport(options(root, store), state, () => true));
    assert.deepEqual(await listPoints(store), [], 'no point before the end');
  }
  assert.ok(turns > 3, `${turns} turns`);
  const outcome = await finishExport(options(root, store), state);
  assert.equal(outcome.filesRead, TENANTS * 3 + 1);
  assert.deepEqual(outcome.counts.hardlinks, 1);
  await assertIsTheTree(root, store, outcome.manifestKey);

  const whole = new MemoryStore();
  const { manifestKey } = await exportVolume(options(root, whole));
  const described = async (of: MemoryStore, key: string) =>
    (await readManifest(of, key)).entries.map((entry) => ({ ...entry, pieces: undefined }));
  assert.deepEqual(await described(store, outcome.manifestKey), await described(whole, manifestKey));
});

test('content that an earlier turn has stored is not stored again', async () => {
  const root = join(temporaryFolder(), 'repository');
  mkdirSync(root);
  for (let file = 0; file < 400; file += 1) writeFileSync(join(root, `f${file}`), 'the same '.repeat(1000));
  const store = new MemoryStore();
  let state = await beginExport(options(root, store));
  while (state.left.length > 0) state = handOver(await continueExport(options(root, store), state, () => true));
  await finishExport(options(root, store), state);
  assert.equal([...store.objects.keys()].filter((key) => key.startsWith('packs/')).length, 1);
});

test('shards go on beside each other, and are put together in order', async () => {
  const root = tree();
  const store = new MemoryStore();
  const first = await continueExport(options(root, store), await beginExport(options(root, store)), () => true);
  assert.ok(first.left.length > 4);
  const shards = splitState(handOver(first), 4);
  assert.equal(shards.length, 4);
  const done = await Promise.all(
    shards.map(async (shard) => {
      let state = shard;
      while (state.left.length > 0) state = handOver(await continueExport(options(root, store), state, () => true));
      return state;
    }),
  );
  const outcome = await finishExport(options(root, store), joinStates(done));
  assert.equal(outcome.counts.files + outcome.counts.hardlinks, TENANTS * 3 + 2);
  const target = join(temporaryFolder(), 'restored');
  await restorePoint({ store, manifestKey: outcome.manifestKey, target });
  const withoutLinks = (path: string) => describeTree(path).map((line) => line.replace(/ = .*/, ' '));
  assert.deepEqual(withoutLinks(target), withoutLinks(root));
});

test('a turn that dies is done again from the state before it, and a later export goes on from the point', async () => {
  const root = tree();
  const store = new MemoryStore();
  const begun = await continueExport(options(root, store), await beginExport(options(root, store)), () => true);
  const put = store.put.bind(store);
  store.put = () => Promise.reject<never>(new Error('killed'));
  await assert.rejects(continueExport(options(root, store), handOver(begun)), /killed/);
  store.put = put;
  const outcome = await finishExport(options(root, store), await continueExport(options(root, store), handOver(begun)));
  await assertIsTheTree(root, store, outcome.manifestKey);
  assert.equal((await exportVolume(options(root, store))).filesRead, 0);
});

test('an export whose packs have gone meanwhile makes no point', async () => {
  const root = tree();
  const store = new MemoryStore();
  const state = await continueExport(options(root, store), await beginExport(options(root, store)));
  for (const key of store.objects.keys()) if (key.startsWith('packs/')) store.objects.delete(key);
  await assert.rejects(finishExport(options(root, store), state), /the pack packs\/.* is missing after the export/);
  assert.deepEqual(await listPoints(store), []);
});

test('changed files that wait for the table of what is stored are done in a later turn, each read once', async () => {
  const root = tree();
  const store = new MemoryStore();
  await exportVolume(options(root, store));
  for (let tenant = 0; tenant < TENANTS; tenant += 7)
    writeFileSync(join(root, 'tenants', `t${tenant}`, 'userstores', 'b.xml'), `changed ${tenant}`);
  const again = { ...options(root, store), threads: 2, now: () => new Date('2099-01-05T11:00:00Z') };
  let state = await beginExport(again);
  let waited = 0;
  for (let turn = 0; state.left.length > 0; turn += 1) {
    state = handOver(await continueExport(again, state, () => turn < 5));
    waited += state.left.filter((item) => item.kind === 'hole' && item.waits).length;
  }
  assert.ok(waited > 0, 'nothing waited: the test proves nothing');
  const outcome = await finishExport(again, state);
  assert.equal(outcome.filesRead, Math.ceil(TENANTS / 7));
  await assertIsTheTree(root, store, outcome.manifestKey);
});
