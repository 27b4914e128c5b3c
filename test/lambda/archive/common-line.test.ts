import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { entryOf, EntryChecker, PageChain } from '../../../lambda/archive/check-entries';
import { CommonLine } from '../../../lambda/archive/common-line';
import { countOne, NOTHING } from '../../../lambda/archive/counts';
import { ArchiveDamagedError } from '../../../lambda/archive/errors';

const HEX = '0123456789abcdef'.repeat(4);
const OWNED = { mode: 420, uid: 1, gid: 2, mtimeNs: '1700000000123456789' };
const CHANGE = { ctimeNs: '17', ino: '18446744073709551615' };
const PIECE = { pack: HEX, offset: 10, length: 20, skip: 30, size: 40 };
const FILE = { path: 'a/b', type: 'file', ...OWNED, size: 40, ...CHANGE, sha256: HEX, pieces: [PIECE] };
const DIRECTORY = { path: 'a', type: 'directory', ...OWNED, ...CHANGE };

function read(text: string): object | undefined {
  const line = new CommonLine(Buffer.from(`x${text}`));
  if (!line.read(1)) return undefined;
  assert.equal(line.end, Buffer.byteLength(text) + 1);
  return entryOf(line, line.path);
}

const readEntry = (entry: object) => read(`${JSON.stringify(entry)}\n`);

test('A common line is read as parsing it would', () => {
  const older = Object.fromEntries(Object.entries(DIRECTORY).filter(([key]) => !['ctimeNs', 'ino'].includes(key)));
  for (const entry of [FILE, DIRECTORY, older, { ...FILE, mtimeNs: '-5' }, { ...FILE, path: ' !#[]^~{}' }]) {
    assert.deepEqual(readEntry(entry), entry);
  }
});

test('Whatever is not common is left to the parser', () => {
  const others = [
    { ...FILE, path: 'a"b' },
    { ...FILE, path: 'a\\b' },
    { ...FILE, path: 'ü' },
    { ...FILE, path: 'a\u007f' },
    { ...FILE, path: 'a\nb' },
    { ...FILE, pieces: [] },
    { ...FILE, pieces: [PIECE, PIECE] },
    { ...FILE, unstable: true },
    { ...FILE, size: 1e15 },
    { ...FILE, size: -1 },
    { ...FILE, sha256: HEX.slice(1) },
    { ...FILE, sha256: HEX.toUpperCase() },
    { ...FILE, mtimeNs: '1'.repeat(21) },
    { ...FILE, type: 'symlink' },
    { ...DIRECTORY, target: 'b' },
  ];
  for (const entry of others) assert.equal(readEntry(entry), undefined, JSON.stringify(entry));
  const text = `${JSON.stringify(FILE)}\n`;
  for (const [number, zeros] of [
    ['"mode":420', '"mode":0420'],
    ['"offset":10', '"offset":010'],
    ['"uid":1', '"uid":01'],
  ] as const) {
    assert.equal(read(text.replace(number, zeros)), undefined, zeros);
  }
  assert.notEqual(read(text.replace('"uid":1', '"uid":0')), undefined);
  for (let length = 0; length < text.length; length += 1) assert.equal(read(text.slice(0, length)), undefined);
});

test('A path with an empty segment, `.` or `..` is not safe', () => {
  const segment = fc.constantFrom('', '.', '..', '...', '.a', 'a.', '..a', 'a', 'ab');
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));
  fc.assert(
    fc.property(path, (path) => {
      const line = new CommonLine(Buffer.from(`${JSON.stringify({ ...FILE, path })}\n`));
      assert.equal(line.read(0), true);
      assert.equal(line.isSafe, !path.split('/').some((name) => ['', '.', '..'].includes(name)));
    }),
  );
});

/** The pages, each checked alone, put together; what is wrong, if anything. */
function chained(pages: readonly (readonly object[])[], skipped?: number): string | undefined {
  const damaged = (problem: string) => new ArchiveDamagedError('manifest', problem);
  const chain = new PageChain(damaged);
  try {
    for (const [index, entries] of pages.entries()) {
      if (index === skipped) {
        chain.skip();
        continue;
      }
      const lines = Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
      const counts = { ...NOTHING };
      for (const entry of entries as { type: 'file'; size?: number }[]) countOne(counts, entry.type, entry.size ?? 0);
      const { path: first } = entries[0] as { path: string };
      const checker = new EntryChecker({ packs: [{ key: `packs/${HEX}.tar.zst`, bytes: 100 }] }, damaged, true);
      const found = checker.scan(
        { first, counts },
        lines,
        () => {},
        () => {},
      );
      chain.add({ first, counts }, checker.edges(found));
    }
  } catch (error) {
    if (!(error instanceof ArchiveDamagedError)) throw error;
    return error.problem;
  }
  return undefined;
}

const file = (path: string) => ({ ...FILE, path });
const directory = (path: string) => ({ ...DIRECTORY, path });
const link = (path: string) => ({ path, type: 'symlink', ...OWNED, target: '/etc' });

test('Pages that were checked alone are held against those before them', () => {
  const tree = [
    directory('a'),
    directory('a/b'),
    file('a/b/c'),
    file('a/b/d'),
    file('a/e'),
    directory('f'),
    file('f/g'),
  ];
  for (let cut = 1; cut < tree.length; cut += 1) {
    assert.equal(chained([tree.slice(0, cut), tree.slice(cut)]), undefined, `cut before ${cut}`);
    assert.equal(
      chained([tree.slice(0, cut - 1), tree.slice(cut - 1, cut), tree.slice(cut)].filter(({ length }) => length > 0)),
      undefined,
    );
  }
  const nowhere = (path: string) => `${path} is in no directory of the manifest`;
  assert.equal(chained([[directory('a')], [file('b/c')]]), nowhere('b/c'));
  // The directory was there, and the order has left it.
  assert.equal(
    chained([[directory('a'), file('a/b')], [file('b')], [file('a/c')]]),
    'the entry a/c is there twice or not in order',
  );
  assert.equal(chained([[file('a')], [file('a/b')]]), nowhere('a/b'));
  assert.equal(chained([[file('b')], [file('b')]]), 'the entry b is there twice or not in order');
  // In a page that is lost it may have been; in a link never.
  assert.equal(chained([[directory('a')], [], [file('b/c')]], 1), undefined);
  assert.equal(chained([[link('b')], [], [file('b/c')]], 1), nowhere('b/c'));
  assert.equal(chained([[link('b'), file('b/c')]]), nowhere('b/c'));
});
