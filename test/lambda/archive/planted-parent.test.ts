/**
 * Whoever can write to the bucket can plant a point, whole and under its right names. An export takes from it what it says of
 * files that did not change; what it makes of that must be a point that restores, or an error: never a point that looks whole.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type ExportOutcome,
  type ManifestHeader,
  MemoryStore,
  pageKey,
  readHeader,
  readManifest,
  verifyArchive,
} from '../../../lambda/archive';
import { decodeFrame, encodeFrame } from '../../../lambda/archive/frame';
import { plant, sha256Of } from './support/crafted';
import { assertRestores, exportTree, hoursLater } from './support/engine';
import { makeTree, noise } from './support/trees';

interface Plan {
  /** Changes the lines of the only page. */
  readonly lines?: (text: string) => string;
  readonly header?: (header: ManifestHeader) => Partial<ManifestHeader>;
}

/** More than a frame. */
const LARGE = noise(1_100_000);
const tree = (large: string | Buffer = 'not large') =>
  makeTree({
    a: 'content of a',
    'd/b': noise(3_000),
    'd/hard': { hard: 'd/b' },
    'd/large': large,
    e: '',
    l: { link: 'a' },
  });

/** The archive of a tree in which the only point was replaced by one that is not what an export wrote. */
async function plantedArchive(root: string, { lines = (text) => text, header = () => ({}) }: Plan) {
  const store = new MemoryStore();
  const { manifestKey } = await exportTree(root, store);
  const own = await readHeader(store, manifestKey);
  const [page] = own.pages;
  const body = encodeFrame(Buffer.from(lines(decodeFrame(store.objects.get(page!.key)!).toString())));
  const key = pageKey(sha256Of(body));
  store.objects.delete(manifestKey);
  store.objects.delete(page!.key);
  store.objects.set(key, body);
  const planted = { ...own, pages: [{ ...page!, key, bytes: body.length }] };
  const { manifestKey: plantedKey } = plant(store, { ...planted, ...header(planted) });
  return {
    store,
    /** The new point comes back, and all that it needs is sound. */
    assertSound: async (outcome: ExportOutcome, message: string) => {
      await assertRestores(store, outcome.manifestKey, root);
      store.objects.delete(plantedKey);
      assert.deepEqual((await verifyArchive({ store, readData: true, threads: 0 })).findings, [], message);
    },
  };
}

/** Changes the line of one path. */
const of =
  (path: string, change: (line: string) => string) =>
  (text: string): string => {
    const line = text.split('\n').find((each) => each.startsWith(`{"path":"${path}"`))!;
    assert.ok(line, path);
    return text.replace(line, change(line));
  };

const end = (more: string) => (line: string) => line.replace(/\}$/, more);
const nowhere = (line: string) => line.replaceAll(/"pack":"[0-9a-f]{64}"/g, `"pack":"${'0'.repeat(64)}"`);

const LINES: readonly (readonly [string, (text: string) => string, path: string])[] = [
  ['a path outside behind it', of('a', end(',"path":"../../owned"}')), 'a'],
  ['another size behind it', of('a', end(',"size":0}')), 'a'],
  ['pieces twice', of('a', end(',"pieces":[]}')), 'a'],
  ['a pack that no manifest names', of('a', nowhere), 'a'],
  ['a part of it only', of('d/large', (line) => line.replace(/\[.*?\},/, '[')), 'd/large'],
  ['no pieces', of('a', (line) => line.replace(/\[.*\]/, '[]')), 'a'],
  ['a piece of an empty file', of('e', (line) => line.replace('[]', '[{"offset":0}]')), 'e'],
  ['a frame outside of the pack', of('a', (line) => line.replace(/"offset":\d+/, '"offset":999999999')), 'a'],
  ['more than a frame holds', of('a', (line) => line.replace(/"skip":\d+/, '"skip":16777216')), 'a'],
  ['a number as JSON has none', of('a', (line) => line.replace(/"skip":\d+/, '"skip":00')), 'a'],
  ['a field in a piece twice', of('d/large', (line) => line.replace(/"skip":0,/, '"skip":7,"skip":0,')), 'd/large'],
  ['no hash', of('a', (line) => line.replace(/"sha256":"[0-9a-f]{64}"/, '"sha256":"x"')), 'a'],
  ['no JSON', of('a', end(' nonsense')), 'a'],
  ['of a file with two names', of('d/b', nowhere), 'd/b'],
];

for (const threads of [0, 2]) {
  test(`a line that no export writes (${threads} threads): its file is read and stored anew, and it is said`, async () => {
    for (const [what, lines, path] of threads === 0 ? LINES : LINES.slice(0, 1)) {
      for (const changes of what === LINES[0]![0] ? [false, true] : [true]) {
        const root = tree(path === 'd/large' ? LARGE : undefined);
        const { store, assertSound } = await plantedArchive(root, { lines });
        if (changes) writeFileSync(join(root, 'new'), what);
        const outcome = await exportTree(root, store, { at: hoursLater(1), threads });
        const message = `${what}, ${changes ? 'another file changed' : 'nothing changed'}`;
        assert.deepEqual(
          outcome.warnings.map((warning) => [warning.path, warning.reason]),
          [[path, 'what the export before says of its content is not what an export writes: read and stored anew']],
          message,
        );
        assert.equal(outcome.filesRead, changes ? 2 : 1, message);
        await assertSound(outcome, message);
      }
    }
  });
}

test('a full read, and a file that changed, keep nothing of such a line either', async () => {
  for (const [index, [what, lines, path]] of LINES.entries()) {
    for (const fullRead of index < 2 ? [false, true] : [index % 2 === 0]) {
      const root = tree(path === 'd/large' ? LARGE : undefined);
      const { store, assertSound } = await plantedArchive(root, { lines });
      if (!fullRead) writeFileSync(join(root, path), `${what}, and more`);
      const outcome = await exportTree(root, store, { at: hoursLater(1), fullRead });
      await assertSound(outcome, what);
    }
  }
});

test('content that is there a second time is not taken from such a line', async () => {
  const root = tree();
  const { store } = await plantedArchive(root, { lines: of('a', nowhere) });
  // What `a` holds, under a name that sorts before it: it is looked up when nothing was read yet.
  writeFileSync(join(root, 'A'), 'content of a');
  const { manifestKey, warnings } = await exportTree(root, store, { at: hoursLater(1) });
  assert.deepEqual(
    warnings.map(({ path }) => path),
    ['a'],
  );
  await assertRestores(store, manifestKey, root);
});

test('a page that is not what its manifest says, or without an end: all that it lists is read anew', async () => {
  const rows: [string, Plan][] = [
    ['begins with another path', { header: ({ pages }) => ({ pages: [{ ...pages[0]!, first: 'zz' }] }) }],
    ['no end', { lines: (text) => text.slice(0, -1) }],
    ['half a line', { lines: (text) => text.slice(0, -20) }],
    ['empty', { lines: () => '' }],
    ['one newline', { lines: () => '\n' }],
    ['a path that is no text', { lines: (text) => text.replace('"path":"a"', '"path":"a\\q"') }],
  ];
  for (const [what, plan] of rows) {
    const root = tree();
    const { store, assertSound } = await plantedArchive(root, plan);
    const outcome = await exportTree(root, store, { at: hoursLater(1) });
    assert.equal(outcome.filesRead, 4, what);
    assert.match(outcome.warnings[0]!.reason, /^the page is not what its manifest says: .*read and stored anew$/, what);
    await assertSound(outcome, what);
  }
});

test('packs that a page needs and its manifest keeps back: no pack is lost to the next prune', async () => {
  const root = tree();
  const { store } = await plantedArchive(root, { header: ({ pages }) => ({ pages: [{ ...pages[0]!, packs: [] }] }) });
  const outcome = await exportTree(root, store, { at: hoursLater(1) });
  assert.deepEqual(
    outcome.warnings.map(({ path }) => path),
    ['a', 'd/b', 'd/large'],
  );
  await assertRestores(store, outcome.manifestKey, root);
});

test('names of a directory that did not change lead neither out of it nor round in it', async () => {
  const before = (path: string) => (text: string) => {
    const directory = text.split('\n').find((line) => line.startsWith('{"path":"d",'))!;
    return text.replace(/\{"path":"d\/b"/, `${directory.replace('"path":"d"', `"path":"${path}"`)}\n{"path":"d/b"`);
  };
  for (const path of ['d/..', 'd/.', 'd/', 'd/\\u0000']) {
    const root = tree();
    const { store } = await plantedArchive(root, { lines: before(path) });
    const outcome = await exportTree(root, store, { at: hoursLater(1) });
    const { entries } = await readManifest(store, outcome.manifestKey);
    assert.deepEqual(
      entries.map((entry) => entry.path),
      ['a', 'd', 'd/b', 'd/hard', 'd/large', 'e', 'l'],
      path,
    );
    assert.deepEqual(outcome.problems, []);
    await assertRestores(store, outcome.manifestKey, root);
  }
});

test('lines of a directory that are there twice or out of order do not go into the next point', async () => {
  const lineOf = (text: string, path: string) =>
    text.split('\n').find((line) => line.startsWith(`{"path":"${path}",`))!;
  const rows: [string, (text: string) => string][] = [
    ['twice', (text) => text.replace(lineOf(text, 'd/b'), (line) => `${line}\n${line}`)],
    [
      'twice, with another between',
      (text) => text.replace(lineOf(text, 'd/large'), (line) => `${line}\n${lineOf(text, 'd/b')}`),
    ],
    [
      'out of order',
      (text) => {
        const [first, second] = [lineOf(text, 'd/b'), lineOf(text, 'd/large')];
        return text.replace(first, '{}').replace(second, first).replace('{}', second);
      },
    ],
  ];
  for (const threads of [0, 2]) {
    for (const [what, lines] of rows) {
      const root = tree();
      const { store } = await plantedArchive(root, { lines });
      const outcome = await exportTree(root, store, { at: hoursLater(1), threads });
      const { entries } = await readManifest(store, outcome.manifestKey);
      assert.deepEqual(
        entries.map((entry) => entry.path),
        ['a', 'd', 'd/b', 'd/hard', 'd/large', 'e', 'l'],
        what,
      );
      await assertRestores(store, outcome.manifestKey, root);
    }
  }
});
