// What differs from the parent is noted while an export builds its pages: the same as comparing the two points line by line.
import assert from 'node:assert/strict';
import { linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MemoryStore, readHeader } from '../../../lambda/archive';
import { measureChanges } from '../../../lambda/archive/anomaly/measure';
import { comparedEntries } from '../../../lambda/archive/diff/compared-entries';
import { ArchiveDamagedError } from '../../../lambda/archive/errors';
import { DifferingLines } from '../../../lambda/archive/export/differing-lines';
import { exportTree, hoursLater } from './support/engine';
import { makeTree, noise, randomFrom } from './support/trees';

class ReadStore extends MemoryStore {
  pagesRead: string[] = [];

  override get(...args: Parameters<MemoryStore['get']>): ReturnType<MemoryStore['get']> {
    if (args[0].startsWith('pages/')) this.pagesRead.push(args[0]);
    return super.get(...args);
  }
}

const CONTENT = 'some lines of configuration, as long as a file of which the beginning is looked at\n'.repeat(20);

function randomTree(random: () => number): string {
  const nodes: Record<string, string> = {};
  for (let index = 0; index < 60; index += 1) {
    const depth = Array.from({ length: Math.floor(random() * 3) }, () => `d${Math.floor(random() * 4)}`);
    nodes[[...depth, `f${index}.xml`].join('/')] = `${CONTENT}${index}`;
  }
  return makeTree(nodes);
}

function mutate(root: string, random: () => number): void {
  const pick = () => {
    const all = readdirSync(root, { recursive: true }) as string[];
    return all[Math.floor(random() * all.length)]!;
  };
  for (let index = 0; index < 12; index += 1) {
    const path = join(root, pick());
    const isFile = statSync(path).isFile();
    switch (Math.floor(random() * 6)) {
      case 0:
        rmSync(path, { recursive: true });
        break;
      case 1:
        renameSync(path, `${path}.locked`);
        break;
      case 2:
        if (isFile) writeFileSync(path, random() < 0.5 ? noise(2000, index + 1) : `${CONTENT}changed ${index}`);
        else writeFileSync(join(path, `new${index}`), CONTENT);
        break;
      case 3:
        if (isFile) linkSync(path, `${path}-again${index}`);
        else mkdirSync(join(path, `empty${index}`));
        break;
      case 4:
        // A file in the place of a directory, a directory in that of a file.
        rmSync(path, { recursive: true });
        if (isFile) mkdirSync(path);
        else writeFileSync(path, CONTENT);
        break;
      default:
        writeFileSync(join(root, `top${index}`), CONTENT);
    }
  }
}

void describe('what an export says of its changes', () => {
  void it('is what comparing the two points says, with 0 and 2 threads, and no page is read for it', async () => {
    let noisy = 0;
    for (let seed = 1; seed <= 25; seed += 1) {
      const random = randomFrom(seed);
      const store = new ReadStore();
      const root = randomTree(random);
      const threads = seed % 10 === 0 ? 2 : 0;
      const before = await exportTree(root, store, { threads });
      mutate(root, random);
      store.pagesRead = [];
      const after = await exportTree(root, store, { at: hoursLater(1), threads });
      const headers = {
        before: await readHeader(store, before.manifestKey),
        after: await readHeader(store, after.manifestKey),
      };
      assert.deepEqual(
        store.pagesRead,
        headers.before.pages.map(({ key }) => key),
        `seed ${seed}: pages of the parent, each once`,
      );
      const baseline = { manifestKey: before.manifestKey, header: headers.before };
      const compared = await measureChanges(store, baseline, {
        differing: comparedEntries(store, baseline, { manifestKey: after.manifestKey, header: headers.after }),
        noisy: undefined,
      });
      assert.ok(compared.added + compared.changed + compared.removed > 0);
      assert.deepEqual(after.changes, compared, `seed ${seed}`);
      noisy += compared.noise;
    }
    assert.ok(noisy > 0, 'no file turned to noise: the test proves nothing of that');
  });

  void it('comes of reading both where more is new than is kept', async () => {
    const store = new ReadStore();
    const names = Array.from({ length: 9000 }, (_, index) => `d${index % 10}/${String(index).padStart(220, 'x')}`);
    const root = makeTree(Object.fromEntries(names.slice(0, 20).map((name) => [name, name])));
    const before = await exportTree(root, store);
    for (const name of names) {
      mkdirSync(join(root, name, '..'), { recursive: true });
      writeFileSync(join(root, name), name);
    }
    store.pagesRead = [];
    const after = await exportTree(root, store, { at: hoursLater(1) });
    const { pages } = await readHeader(store, after.manifestKey);
    assert.deepEqual([after.changes!.added, after.changes!.changed, after.changes!.removed], [8980, 0, 0]);
    for (const { key } of pages)
      assert.ok(store.pagesRead.includes(key), `${key} of ${before.manifestKey} was not read`);
  });
});

void describe('DifferingLines', () => {
  const PAGES = ['a\nb\nc\n', 'd\ne\n', 'f\ng\n', ''];
  const make = (looked: number[] = [], keys = PAGES.map((_, page) => `pages/${page}`)) =>
    new DifferingLines({
      keys,
      lengthOf: (page) => PAGES[page]!.length,
      withLines: (page, look) => {
        looked.push(page);
        return Promise.resolve(look(Buffer.from(PAGES[page]!)));
      },
    });

  async function textOf(lines: AsyncIterator<Buffer>): Promise<string[]> {
    const texts: string[] = [];
    for (;;) {
      const next = await lines.next();
      if (next.done === true) return texts;
      texts.push(next.value.toString());
    }
  }

  void it('gives what was not taken over, without a look at pages that were taken whole', async () => {
    const looked: number[] = [];
    const lines = make(looked, ['pages/0', 'pages/1', 'pages/2']);
    lines.take({ page: 0, start: 0, end: 2 });
    lines.take({ page: 0, start: 4, end: 6 });
    lines.take({ page: 1, start: 0, end: 2 });
    lines.take({ page: 1, start: 2, end: 4 });
    assert.deepEqual(await textOf(lines.differences!.before), ['b\n', 'f\ng\n']);
    assert.deepEqual(looked, [0, 2]);
  });

  void it('gives it also of lines that were taken out of order, as of a planted page', async () => {
    const lines = make([], ['pages/0']);
    lines.take({ page: 0, start: 4, end: 6 });
    lines.take({ page: 0, start: 0, end: 2 });
    lines.take({ page: 0, start: 0, end: 2 });
    assert.deepEqual(await textOf(lines.differences!.before), ['b\n']);
  });

  void it('does not take a page that is damaged for one of which nothing is left', async () => {
    const lines = make();
    for (const page of [0, 1, 2]) lines.take({ page, start: 0, end: PAGES[page]!.length });
    await assert.rejects(textOf(lines.differences!.before), ArchiveDamagedError);
  });

  void it('keeps new lines in the order in which they were expected, up to 4 MiB', async () => {
    const most = 4 * 1024 * 1024;
    const lines = make();
    const [first, second] = [lines.expect(2), lines.expect(most - 2)];
    assert.equal(lines.expect(0), undefined);
    second!(Buffer.from('z\n'));
    first!(Buffer.from('y\n'));
    assert.deepEqual(await textOf(lines.differences!.after), ['y\n', 'z\n']);
    assert.equal(lines.expect(1), undefined);
    assert.equal(lines.differences, undefined);
  });

  void it('is off where what was taken over is in too many parts', async () => {
    const lines = make();
    const parts = (4 * 1024 * 1024) / 64;
    for (let part = 0; part < parts; part += 1) lines.take({ page: 0, start: part * 2, end: part * 2 + 1 });
    assert.ok(lines.differences);
    const late = lines.expect(0);
    lines.take({ page: 1, start: 0, end: 1 });
    assert.equal(lines.differences, undefined);
    assert.equal(late, undefined);
  });

  void it('notes nothing without a parent', () => {
    const lines = make([], []);
    assert.equal(lines.expect(1), undefined);
    assert.equal(lines.differences, undefined);
  });
});
