// Two points side by side, with pages of any length: what is given must be what comparing every entry would give.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'node:test';
import { comparePaths } from '../../../lambda/archive/byte-path';
import { comparedEntries, type StoredPoint } from '../../../lambda/archive/diff/compared-entries';
import { equalLines } from '../../../lambda/archive/diff/equal-lines';
import { directoryLine } from '../../../lambda/archive/entry';
import { MemoryStore } from '../../../lambda/archive';
import { type ManifestHeader, pageKey } from '../../../lambda/archive/manifest';
import { encodePage } from '../../../lambda/archive/page';
import type { VolumeStat } from '../../../lambda/archive/volume';

/** Path and mode of each directory, page by page. */
type Pages = readonly (readonly (readonly [path: string, mode: number])[])[];

const lineOf = ([path, mode]: readonly [string, number]) =>
  directoryLine(path, { mode, uid: 0, gid: 0, mtimeNs: '1', ctimeNs: '1', ino: '1', size: 0 } as unknown as VolumeStat);

async function pointOf(store: MemoryStore, name: string, pages: Pages, change = (page: Buffer) => page) {
  const references = [];
  for (const page of pages) {
    const { bytes, sha256, first } = encodePage(change(Buffer.from(page.map(lineOf).join(''))));
    await store.put(pageKey(sha256), Buffer.from(bytes), sha256);
    references.push({ key: pageKey(sha256), bytes: bytes.length, first, packs: [] });
  }
  const header = { packs: [], pages: references } as unknown as ManifestHeader;
  return { manifestKey: `${store.prefix}manifests/${name}`, header } satisfies StoredPoint;
}

async function compared(store: MemoryStore, a: StoredPoint, b: StoredPoint): Promise<string[]> {
  const found: string[] = [];
  for await (const { before, after } of comparedEntries(store, a, b)) {
    found.push(`${(before ?? after)!.path} ${before?.mode ?? '-'} ${after?.mode ?? '-'}`);
  }
  return found;
}

function expected(a: Pages, b: Pages): string[] {
  const [before, after] = [new Map(a.flat()), new Map(b.flat())];
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort(comparePaths)
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => `${path} ${before.get(path) ?? '-'} ${after.get(path) ?? '-'}`);
}

// Few names and modes, so that much is in both; `ü` is a line that is parsed, and sorts by its bytes.
const names = fc.uniqueArray(fc.stringMatching(/^[abü]{1,4}$/), { maxLength: 40 });
const pages = fc
  .tuple(names, fc.array(fc.constantFrom(0o755, 0o700), { minLength: 40, maxLength: 40 }), fc.array(fc.nat(9)))
  .map(([paths, modes, lengths]) => {
    const entries = paths.toSorted(comparePaths).map((path, index) => [path, modes[index]!] as const);
    const parts: (readonly (readonly [string, number])[])[] = [];
    for (const length of [...lengths, 40]) {
      const part = entries.splice(0, length);
      if (part.length > 0) parts.push(part);
    }
    return parts;
  });

void describe('entries side by side', () => {
  void test('are all that differ, in order, wherever pages end', async () => {
    await fc.assert(
      fc.asyncProperty(pages, pages, async (a, b) => {
        const store = new MemoryStore();
        const [before, after] = [await pointOf(store, 'a', a), await pointOf(store, 'b', b)];
        assert.deepEqual(await compared(store, before, after), expected(a, b));
      }),
      { numRuns: 300 },
    );
  });

  void test('are none where only the pages are parted otherwise', async () => {
    const store = new MemoryStore();
    const entries = Array.from({ length: 3000 }, (_, index) => [`d${10_000 + index}`, 0o755] as const);
    const whole = await pointOf(store, 'a', [entries]);
    const parted = await pointOf(store, 'b', [entries.slice(0, 1000), entries.slice(1000)]);
    assert.deepEqual(await compared(store, whole, parted), []);
  });

  void test('a line that differs and is none, or has no end, is damage', async () => {
    const store = new MemoryStore();
    const good = await pointOf(store, 'a', [[['a', 0o755]]]);
    const bad = await pointOf(store, 'b', [[['a', 0o755]]], (page) =>
      Buffer.from(page.toString().replace('493', '"x"')),
    );
    const open = await pointOf(store, 'c', [[['a', 0o755]]], (page) => page.subarray(0, -1));
    await assert.rejects(compared(store, good, bad), /manifests\/b.*the entry a has a field that is missing/);
    await assert.rejects(compared(store, good, open), /a page is cut short/);
  });
});

void describe('equal lines', () => {
  const bytes = (a: string, b: string, at = 0) =>
    equalLines({ lines: Buffer.from(a), at }, { lines: Buffer.from(b), at: 0 });
  for (const [a, b, equal] of [
    ['a\n', 'b\n', 0],
    ['a\nb\n', 'a\nc\n', 2],
    ['a\nb\n', 'a\nbc\n', 2],
    ['a\nb\n', 'a\n', 2],
    ['a\nb\n', 'a\nb\n', 4],
  ] as const) {
    void test(`${JSON.stringify(a)} and ${JSON.stringify(b)}: ${equal} bytes`, () => assert.equal(bytes(a, b), equal));
  }

  void test('from where they stand, never a line of before', () => {
    assert.equal(bytes('x\nab\n', 'ac\n', 2), 0);
    assert.equal(bytes('x\nab\n', 'ab\n', 2), 3);
  });

  void test('however far away the first difference is', () => {
    const line = 'x'.repeat(99) + '\n';
    for (const at of [0, 1, 254, 255, 256, 767, 768, 99_999, 150_000]) {
      const a = Buffer.from(line.repeat(2000));
      const b = Buffer.from(a);
      b[at] = 0x79;
      assert.equal(equalLines({ lines: a, at: 0 }, { lines: b, at: 0 }), at - (at % 100), `at ${at}`);
    }
  });
});
