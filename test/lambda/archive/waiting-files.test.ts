// Changed files are left for later until it is known what is stored already: threads do not wait for that.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { DirectoryVolume, MemoryStore } from '../../../lambda/archive';
import { directoryLine, fileLine, fileLineStart } from '../../../lambda/archive/entry';
import { newSegment } from '../../../lambda/archive/export/content-table';
import type { HoleItem } from '../../../lambda/archive/export/item';
import { ExportSession, type ExportTask, type VisitResult } from '../../../lambda/archive/export/session';
import { assertRestores, exportTree, hoursLater } from './support/engine';
import { makeTree, noise } from './support/trees';

const PACK = 'a'.repeat(64);
const NODES = { a: 'content of a', b: 'content of b', 'd/c': 'content of c', 'd-x': 'content of d-x', e: '' };

function sessionOf(root: string, more: object = {}, page = NO_LINES) {
  const segmentCounter = new Int32Array(new SharedArrayBuffer(4));
  const session = new ExportSession(new DirectoryVolume(root), {
    mountedAt: '',
    fullRead: false,
    parentFirsts: [],
    parentPacks: [],
    parentIncomplete: new Set(),
    settledNs: 0n,
    frameCounter: new Int32Array(new SharedArrayBuffer(4)),
    segmentCounter,
    mayLeave: true,
    ...more,
  });
  const asked: string[] = [];
  const visit = (holes: readonly HoleItem[], entries = 1000): VisitResult => {
    const job = session.run({ do: 'visit', holes, entries } satisfies ExportTask);
    for (let step = job.next(); ;) {
      if (step.done) return step.value as VisitResult;
      asked.push(step.value.ask);
      Atomics.store(segmentCounter, 0, 1);
      step = job.next(step.value.ask === 'segment' ? newSegment() : page);
    }
  };
  return { visit, asked, segmentCounter };
}

/** A page of the parent. */
const NO_LINES = { memory: new SharedArrayBuffer(0), length: 0 };
const ROOT: HoleItem = { kind: 'hole', path: '' };
const holesOf = ({ outputs }: VisitResult) => outputs.flat().filter((item) => item.kind === 'hole');
const shown = ({ outputs }: VisitResult) =>
  outputs.flat().map((item) =>
    item.kind === 'hole'
      ? `${item.path}:${item.names}${item.waits ? ' waits' : ''}`
      : item.kind === 'lines' &&
        Array.from(
          Buffer.from(item.lines)
            .toString()
            .matchAll(/"path":"([^"]+)"/g),
          ([, path]) => path,
        ).join(),
  );

void describe('changed files', () => {
  void it('wait, neighbours together, in the order of the manifest, and are no entries yet', () => {
    const { visit, asked } = sessionOf(makeTree(NODES));
    const result = visit([ROOT]);
    assert.deepEqual(shown(result), [':a/b waits', 'd', ':d-x waits', 'd:c waits', ':e waits']);
    assert.deepEqual([result.work.left, result.work.entries, result.work.filesRead], [true, 1, 0]);
    assert.deepEqual(asked, []);
  });

  void it('are read when it is known what is stored', () => {
    const { visit, segmentCounter } = sessionOf(makeTree(NODES));
    const waiting = holesOf(visit([ROOT]));
    Atomics.store(segmentCounter, 0, 1);
    const result = visit(waiting);
    assert.deepEqual(shown(result), ['a,b', 'd-x', 'd/c', 'e']);
    assert.deepEqual([result.work.left, result.work.entries, result.work.filesRead], [false, 5, 5]);
  });

  void it('do not wait in a full read, nor where the one who looks what is stored does this too', () => {
    for (const more of [{ fullRead: true }, { mayLeave: false }]) {
      const { visit, asked } = sessionOf(makeTree(NODES), more);
      const result = visit([ROOT]);
      assert.deepEqual([result.work.left, result.work.filesRead], [false, 5]);
      assert.deepEqual(asked, ['segment']);
    }
  });

  void it('that look like noise are named, unless all are read', () => {
    const root = makeTree({ small: noise(600), tiny: noise(511), text: 'text '.repeat(300), large: noise(1_100_000) });
    const noisyIn = (more: object) => {
      const { visit, segmentCounter } = sessionOf(root, more);
      Atomics.store(segmentCounter, 0, 1);
      return visit([ROOT]).work.noisy;
    };
    assert.deepEqual(noisyIn({ parentFirsts: ['zz'], parentPacks: [[]], mayLeave: false }), ['large', 'small']);
    assert.equal(noisyIn({ fullRead: true }), undefined);
    assert.equal(noisyIn({}), undefined);
  });

  void it('that have become directories meanwhile are problems: what is in them has its place elsewhere', () => {
    const root = makeTree(NODES);
    const { visit, segmentCounter } = sessionOf(root);
    const waiting = holesOf(visit([ROOT]));
    rmSync(join(root, 'a'));
    mkdirSync(join(root, 'a'));
    writeFileSync(join(root, 'a', 'inside'), 'x');
    rmSync(join(root, 'e'));
    symlinkSync('d-x', join(root, 'e'));
    Atomics.store(segmentCounter, 0, 1);
    const result = visit(waiting);
    assert.deepEqual(shown(result), ['b', 'd-x', 'd/c', 'e']);
    assert.deepEqual(result.remarks.problems, [
      { path: 'a', reason: 'is a directory now, was a file when it was found changed' },
    ]);
  });

  void it('in a directory that did not change wait for a task of their own, when theirs has done enough', () => {
    const root = makeTree({ 'd/a': 'content of a', 'd/b': 'content of b', 'd/c': 'content of c', e: 'content of e' });
    const volume = new DirectoryVolume(root);
    const content = `"sha256":"${'b'.repeat(64)}","pieces":[{"pack":"${PACK}","offset":0,"length":9,"skip":0,"size":1}]`;
    // As a parent would say that has seen them with one byte each.
    const lines = Buffer.from(
      [
        directoryLine('d', volume.stat('d')),
        ...['d/a', 'd/b', 'd/c', 'e'].map((path) =>
          fileLine(fileLineStart(path, { ...volume.stat(path), size: 1 }), content),
        ),
      ].join(''),
    );
    const memory = new SharedArrayBuffer(lines.length);
    Buffer.from(memory).set(lines);
    const { visit, segmentCounter } = sessionOf(
      root,
      { parentFirsts: ['d'], parentPacks: [[[PACK, 9]]], settledNs: BigInt(Date.now() + 60_000) * 1_000_000n },
      { memory, length: lines.length },
    );
    Atomics.store(segmentCounter, 0, 1);
    // The directory, and the first file in it.
    const result = visit([ROOT], 2);
    assert.deepEqual(
      result.outputs.flat().map((item) => item.kind),
      ['span', 'lines', 'hole', 'hole'],
    );
    assert.deepEqual(shown(result).slice(1), ['d/a', 'd:b/c waits', ':e']);
    assert.deepEqual([result.work.left, result.work.entries, result.work.filesRead], [true, 2, 1]);
    const rest = visit(holesOf(result));
    assert.deepEqual(shown(rest), ['d/b,d/c', 'e']);
    assert.equal(rest.work.filesRead, 3);
  });

  void it('that are more than a task does wait on, as what they are', () => {
    const names = Array.from({ length: 70 }, (_, at) => `f${at + 10}`);
    const { visit, segmentCounter } = sessionOf(makeTree(Object.fromEntries(names.map((name) => [name, name]))));
    Atomics.store(segmentCounter, 0, 1);
    const hole: HoleItem = { kind: 'hole', path: '', names: names.join('/'), waits: true };
    assert.deepEqual(shown(visit([hole], 1)), [
      'f10',
      `:${names.slice(1, 33).join('/')} waits`,
      `:${names.slice(33, 65).join('/')} waits`,
      `:${names.slice(65).join('/')} waits`,
    ]);
  });

  void it('are all in the point, by threads', async () => {
    const root = makeTree(
      Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`d${at % 9}/f${at}`, `content ${at}`])),
    );
    const store = new MemoryStore();
    await exportTree(root, store);
    for (let at = 0; at < 500; at += 3) writeFileSync(join(root, `d${at % 9}/f${at}`), `changed ${at}`);
    const { manifestKey, filesRead } = await exportTree(root, store, { at: hoursLater(1), threads: 2 });
    assert.equal(filesRead, 167);
    await assertRestores(store, manifestKey, root);
  });
});
