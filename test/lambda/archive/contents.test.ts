// What is stored already is known up to a bound: memory does not grow with the volume, and nothing is wrong beyond it.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { MemoryStore, readManifest, verifyArchive } from '../../../lambda/archive';
import { SoloCrew } from '../../../lambda/archive/crew/crew';
import { CONTENT_LIMITS, pagesInOrder, SharedContents } from '../../../lambda/archive/export/contents-of-parent';
import { ExportRange } from '../../../lambda/archive/export/export-range';
import { beginExport, finishExport } from '../../../lambda/archive/export/export-volume';
import { ExportSession } from '../../../lambda/archive/export/session';
import { addRange } from '../../../lambda/archive/export/state';
import { SyntheticVolume } from '../../../benchmarks/scale/synthetic-volume';

/** Of one segment of the table. */
const SEGMENT_CONTENTS = 32_768;
const SEGMENT_BYTES = 1_703_940;

const PIECE = `{"pack":"${'0'.repeat(64)}","offset":0,"length":9,"skip":0,"size":1}`;
const line = (content: number) =>
  `{"path":"f${content}","type":"file","size":1,"sha256":"${hash('sha256', String(content), 'hex')}","pieces":[${PIECE}]}\n`;

test('the table takes what is stored up to its bound, and leaves room for what the export stores', async () => {
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const asked: number[] = [];
  const withPage = async (page: number, look: (lines: Buffer) => void) => {
    asked.push(page);
    look(Buffer.from(Array.from({ length: 20_000 }, (_, at) => line(page * 20_000 + at + 1)).join('')));
  };
  const contents = new SharedContents(counter, [3, 0, 1, 2], withPage, { all: 2, known: 1 });
  assert.equal((await contents.segment(0))?.byteLength, SEGMENT_BYTES);
  // The second page fills it: the others are not even fetched.
  assert.deepEqual(asked, [3, 0]);
  assert.equal(counter[0], 1);
  assert.equal((await contents.segment(1))?.byteLength, SEGMENT_BYTES);
  assert.equal(await contents.segment(2), undefined);
  assert.equal(counter[0], 2);
});

test('the bound is a quarter of a million contents in 13.6 MB', () => {
  assert.equal(CONTENT_LIMITS.all * SEGMENT_CONTENTS, 262_144);
  assert.equal(Math.round((CONTENT_LIMITS.all * SEGMENT_BYTES) / 1e5) / 10, 13.6);
  assert.ok(CONTENT_LIMITS.known < CONTENT_LIMITS.all);
});

test('what was made last is looked at first, then the parent from where the export goes on', () => {
  const parent = ['a', 'c', 'e'].map((first) => ({ first }));
  const hole = (path: string, names?: string) => [{ kind: 'hole' as const, path, ...(names ? { names } : {}) }];
  assert.deepEqual(pagesInOrder(hole('d'), parent, 2), [4, 3, 1, 2, 0]);
  assert.deepEqual(pagesInOrder(hole('', 'e/f'), parent, 0), [2, 0, 1]);
  assert.deepEqual(pagesInOrder(hole('A'), parent, 0), [0, 1, 2]);
  assert.deepEqual(pagesInOrder([], parent, 0), [0, 1, 2]);
  assert.deepEqual(pagesInOrder(hole('x'), [], 0), []);
});

test('more contents than the table takes: every file is stored, and found', async () => {
  const volume = new SyntheticVolume({ tenants: 400, filesOfTenant: 100 });
  const store = new MemoryStore();
  const options = { volume, store, volumeName: 'tenants', mountedAt: 'repository' };
  const settings = {
    mountedAt: 'repository',
    fullRead: true,
    parentFirsts: [],
    parentPacks: [],
    parentIncomplete: new Set<string>(),
    settledNs: 0n,
    frameCounter: new Int32Array(new SharedArrayBuffer(4)),
    segmentCounter: new Int32Array(new SharedArrayBuffer(4)),
  };
  const begun = await beginExport(options);
  const range = await new ExportRange({
    store,
    crew: new SoloCrew(new ExportSession(volume, settings)),
    parent: undefined,
    segmentCounter: settings.segmentCounter,
    items: begun.left,
    ownPages: [],
    firstNames: [],
    contentLimits: { all: 1, known: 1 },
    isTimeUp: () => false,
    onLatency: () => {},
    onProgress: () => {},
  }).run();
  assert.equal(settings.segmentCounter[0], 1);
  const { manifestKey } = await finishExport(options, addRange(begun, range));
  const { entries } = await readManifest(store, manifestKey);
  assert.equal(entries.filter((entry) => entry.type === 'file').length, 40_000);
  assert.deepEqual((await verifyArchive({ store, readData: true, threads: 0 })).findings, []);
});
