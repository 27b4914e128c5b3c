/** Damage that keeps an object's size, so that no list shows it: what comes after must go on, say so, and lose nothing. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  beginExport,
  continueExport,
  DirectoryVolume,
  finishExport,
  listPoints,
  MemoryStore,
  prune,
  readManifest,
  verifyArchive,
} from '../../../lambda/archive';
import { command } from './support/command';
import { assertRestores, exportTree, hoursLater, MONDAY, restoreTree } from './support/engine';
import { flatVolume } from './support/flat-volume';
import { ScriptedS3 } from './support/scripted-s3';
import { contentsOf, makeTree, noise } from './support/trees';

let s3: ScriptedS3;
before(async () => {
  s3 = await ScriptedS3.start();
});
after(() => s3.stop());

const flipped = (body: Buffer) => {
  const damaged = Buffer.from(body);
  damaged[damaged.length >> 1]! ^= 1;
  return damaged;
};

function damage(store: MemoryStore, key: string): void {
  store.objects.set(key, flipped(store.objects.get(key)!));
}

const keysOf = (store: MemoryStore, folder: string) =>
  [...store.objects.keys()].filter((key) => key.startsWith(folder)).sort();

const findingsOf = async (store: MemoryStore) =>
  (await verifyArchive({ store, readData: true, threads: 0 })).findings.map(({ key }) => key);

for (const threads of [0, 2]) {
  test(`a damaged page of the point before (${threads} threads): what it lists is read anew, it is said, and the next export is as ever`, async () => {
    const root = makeTree({ a: 'a', 'd/b': noise(3_000), 'd/hard': { hard: 'a' }, 'd/link': { link: 'b' }, e: '' });
    const store = new MemoryStore();
    const first = await exportTree(root, store, { threads });
    const [page] = keysOf(store, 'pages/');
    damage(store, page!);
    writeFileSync(join(root, 'new'), 'new');
    const second = await exportTree(root, store, { threads, at: hoursLater(1) });
    assert.deepEqual([second.filesRead, second.problems], [4, []]);
    assert.deepEqual(
      second.warnings.map(({ path, reason }) => [
        path,
        /^the page is cut short or was changed.*read and stored anew$/.test(reason),
      ]),
      [[page, true]],
    );
    await assertRestores(store, second.manifestKey, root);
    const third = await exportTree(root, store, { threads, at: hoursLater(2) });
    assert.deepEqual([third.filesRead, third.warnings], [0, []]);
    await assertRestores(store, third.manifestKey, root);
    // The damaged one is still found by whoever looks.
    assert.deepEqual(await findingsOf(store), [page]);
    await assert.rejects(restoreTree(store, first.manifestKey), /the page is cut short or was changed/);
  });
}

test('of two pages of the point before, one is damaged: only what that lists is read anew', async () => {
  const names = Array.from({ length: 9_000 }, (_, index) => `f${String(index).padStart(5, '0')}`);
  const store = new MemoryStore();
  const run = (hour: number) =>
    exportTree('', store, { volume: flatVolume(names), mountedAt: 'a', at: hoursLater(hour) });
  const { header } = await readManifest(store, (await run(0)).manifestKey);
  assert.equal(header.pages.length, 2);
  damage(store, header.pages[1]!.key);
  const second = await run(1);
  assert.equal(second.filesRead, header.pages[1]!.counts.files);
  assert.equal(second.warnings.length, 1);
  const now = await readManifest(store, second.manifestKey);
  assert.deepEqual(
    now.entries.map(({ path }) => path),
    ['d', ...names.map((name) => `d/${name}`)],
  );
  assert.deepEqual(now.header.pages, header.pages);
  // It came out as the same object, which was written over.
  assert.deepEqual(await findingsOf(store), []);
});

test('a damaged manifest: the export goes on from the point before it, or reads everything, and says so', async () => {
  const root = makeTree({ a: 'a', b: 'b' });
  const store = new MemoryStore();
  const first = await exportTree(root, store);
  writeFileSync(join(root, 'c'), 'c');
  const second = await exportTree(root, store, { at: hoursLater(1) });
  damage(store, second.manifestKey);
  const third = await exportTree(root, store, { at: hoursLater(2) });
  assert.equal(third.filesRead, 1);
  assert.equal(
    (await readManifest(store, third.manifestKey)).header.parent,
    first.manifestKey.slice('manifests/'.length),
  );
  assert.match(third.warnings[0]!.reason, /^an earlier point is damaged: the manifest is cut short or was changed/);
  await assertRestores(store, third.manifestKey, root);
  for (const key of keysOf(store, 'manifests/')) if (key !== second.manifestKey) damage(store, key);
  const fourth = await exportTree(root, store, { at: hoursLater(3) });
  assert.deepEqual([fourth.filesRead, fourth.warnings.length], [3, 3]);
  await assertRestores(store, fourth.manifestKey, root);
});

test('a page that is damaged after lines of it were taken over: the export fails, and makes no point of half of it', async () => {
  const root = makeTree({ a: 'a', b: 'b' });
  const store = new MemoryStore();
  await exportTree(root, store);
  const [page] = keysOf(store, 'pages/');
  let reads = 0;
  const get = store.get.bind(store);
  store.get = async (key, range) => {
    const body = await get(key, range);
    if (key !== page) return body;
    reads += 1;
    return reads === 1 ? body : flipped(body!);
  };
  // The first turn takes its lines over, and what is left knows them by their places alone.
  writeFileSync(join(root, 'c'), 'c');
  const options = {
    volume: new DirectoryVolume(root),
    store,
    volumeName: 'repository',
    mountedAt: 'repository',
    now: () => hoursLater(1),
    threads: 0,
  };
  const state = await beginExport(options);
  const stale = {
    ...state,
    left: [
      {
        kind: 'span',
        page: 0,
        start: 0,
        end: 100,
        counts: { files: 1, directories: 0, symlinks: 0, hardlinks: 0, bytes: 1 },
      },
    ],
  } as const;
  reads = 1;
  await assert.rejects(
    continueExport(options, stale).then((ended) => finishExport(options, ended)),
    /a page of the export before was damaged during this one/,
  );
  assert.equal((await listPoints(store)).length, 1);
});

test('a damaged pack is carried on by every export, and mended by one without a parent', async () => {
  const root = makeTree({ a: noise(5_000), b: 'b' });
  const store = new MemoryStore();
  const first = await exportTree(root, store);
  const [pack] = keysOf(store, 'packs/');
  damage(store, pack!);
  await exportTree(root, store, { at: hoursLater(1), fullRead: true });
  assert.deepEqual(await findingsOf(store), [pack]);
  const anew = await exportTree(root, store, { at: hoursLater(2), withoutParent: true });
  assert.equal(anew.filesRead, 2);
  assert.deepEqual(await findingsOf(store), []);
  await assertRestores(store, first.manifestKey, root);
  await assertRestores(store, anew.manifestKey, root);
  // A share that is not mounted is no reason to forget what is there.
  for (const name of ['a', 'b']) rmSync(join(root, name));
  await assert.rejects(exportTree(root, store, { at: hoursLater(3), withoutParent: true }), /is the share mounted\?/);
});

/** Three points of which the first has what no other has, in a bucket. */
async function threePoints(bucket: string): Promise<{ readonly root: string; readonly keys: readonly string[] }> {
  const root = makeTree({ same: 'same' });
  s3.bucket(bucket);
  const keys: string[] = [];
  for (const hour of [3, 2, 1]) {
    writeFileSync(join(root, 'changing'), noise(2_000, hour));
    const at = new Date(Date.now() - hour * 3_600_000);
    keys.push((await exportTree(root, s3.store(bucket, 'x/'), { at })).manifestKey);
  }
  return { root, keys };
}

test('prune beside a damaged manifest: points go, no pack and no page does, and it is said how to get out of it', async () => {
  const { root, keys } = await threePoints('manifest');
  const bucket = s3.bucket('manifest');
  const contents = [...bucket.keys('x/packs/'), ...bucket.keys('x/pages/')];
  bucket.damage(keys[1]!, flipped);
  const prune = () => command(s3, 'prune', 's3://manifest/x', '--keep-last', '1', '--grace', '0', '--no-rewrite');
  const { status, stdout } = await prune();
  assert.equal(status, 3, stdout);
  assert.ok(stdout.includes(`damaged: s3://manifest/${keys[1]}: the manifest is cut short or was changed`), stdout);
  assert.ok(stdout.includes(`aws s3 rm s3://manifest/${keys[1]}`), stdout);
  assert.deepEqual(bucket.keys('x/manifests/'), [keys[1], keys[2]]);
  assert.deepEqual([...bucket.keys('x/packs/'), ...bucket.keys('x/pages/')], contents);
  // Brought back it is a point like others, and all that it needs is there.
  bucket.damage(keys[1]!, flipped);
  assert.equal(
    (await listPoints(s3.store('manifest', 'x/'))).every(({ complete }) => complete),
    true,
  );
  bucket.damage(keys[1]!, flipped);
  // Given up, as the text says.
  bucket.remove(keys[1]!);
  const after = await prune();
  assert.equal(after.status, 0, after.stdout);
  const [point] = await listPoints(s3.store('manifest', 'x/'));
  const named = [...point!.header!.packs, ...point!.header!.pages].map(({ key }) => `x/${key}`).sort();
  assert.deepEqual([...bucket.keys('x/packs/'), ...bucket.keys('x/pages/')].sort(), named);
  await assertRestores(s3.store('manifest', 'x/'), keys[2]!, root);
});

for (const folder of ['pages/', 'packs/'] as const) {
  test(`prune beside a damaged object of ${folder}: what it needs stays, nothing is written anew, and it is named`, async () => {
    const now = { time: MONDAY };
    const store = new MemoryStore('', new Map(), { now: () => now.time });
    const root = makeTree({ keep: noise(2_000, 1), drop: noise(20_000, 2) });
    await exportTree(root, store);
    rmSync(join(root, 'drop'));
    const second = await exportTree(root, store, { at: hoursLater(1) });
    const { header } = await readManifest(store, second.manifestKey);
    const key = (folder === 'pages/' ? header.pages : header.packs)[0]!.key;
    const sound = store.objects.get(key)!;
    // In a pack, in the content that is still needed: it begins with it or ends with it.
    if (folder === 'pages/') damage(store, key);
    else store.objects.set(key, Buffer.from(sound).fill(0));
    now.time = hoursLater(2);
    const run = () => prune({ store, policy: { last: 1 }, graceMs: 0, now: () => now.time });
    const { damaged, rewrittenPacks } = await run();
    assert.deepEqual([damaged.map((object) => object.key), rewrittenPacks], [[key], 0]);
    assert.equal((await listPoints(store)).length, 1);
    store.objects.set(key, sound);
    const healed = await run();
    assert.deepEqual([healed.damaged, healed.rewrittenPacks], [[], 1]);
    const [point] = await listPoints(store);
    assert.deepEqual(Object.keys(contentsOf(await restoreTree(store, point!.manifestKey))), ['keep']);
  });
}

test('a content in several packs is read once, by any thread, and what is wrong with it is told of every file that has it', async () => {
  const content = noise(22 << 20);
  const root = makeTree({ 'a.war': content, 'b.war': content, small: 'small' });
  const store = new MemoryStore();
  await exportTree(root, store);
  writeFileSync(join(root, 'small'), 'changed');
  await exportTree(root, store, { at: hoursLater(1) });
  for (const threads of [0, 2]) {
    const { findings, filesRead } = await verifyArchive({ store, readData: true, threads });
    assert.deepEqual([findings, filesRead], [[], 3], `${threads} threads`);
  }
  const packs = Array.from(store.objects.keys()).filter((key) => key.startsWith('packs/'));
  const largest = packs.reduce((a, b) => (store.objects.get(a)!.length > store.objects.get(b)!.length ? a : b));
  store.objects.get(largest)![1 << 20]! ^= 1;
  const expected = [
    { key: largest, paths: [], problem: 'the pack was changed: its checksum is another than the manifest says' },
    { key: largest, paths: ['a.war', 'b.war'], problem: /^the frame at byte \d+ cannot be decoded / },
  ];
  for (const threads of [0, 2]) {
    const { findings } = await verifyArchive({ store, readData: true, threads });
    const found = findings.toSorted((a, b) => a.paths.length - b.paths.length);
    assert.deepEqual(
      found.map(({ key, paths }) => [key, paths]),
      expected.map(({ key, paths }) => [key, paths]),
      `${threads} threads`,
    );
    assert.equal(found[0]!.problem, expected[0]!.problem);
    assert.match(found[1]!.problem, expected[1]!.problem as RegExp);
  }
  store.objects.delete(largest);
  const { findings } = await verifyArchive({ store, readData: true });
  assert.ok(findings.some(({ paths, problem }) => paths.join() === 'a.war,b.war' && problem === 'the pack is missing'));
});
