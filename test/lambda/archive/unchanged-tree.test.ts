// Directories that are taken over whole: only when every entry in them is what its line says, to the last number.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CallTimes } from '../../../lambda/archive/crew/call-times';
import { directoryLine, fileLine, fileLineStart, linkLine } from '../../../lambda/archive/entry';
import { TakenContent } from '../../../lambda/archive/export/taken-content';
import { UnchangedTrees } from '../../../lambda/archive/export/unchanged-tree';
import { lookOf, type Volume, type VolumeStat } from '../../../lambda/archive/volume';

const PACK = 'a'.repeat(64);
const HOUR_NS = 3_600_000_000_000n;
const SETTLED_NS = 1_800_000_000_123_456_789n;

const stat = (type: VolumeStat['type'], more: Partial<VolumeStat> = {}): VolumeStat => ({
  type,
  mode: type === 'directory' ? 0o755 : 0o640,
  uid: 802,
  gid: 803,
  size: type === 'directory' ? 4096 : 11,
  mtimeNs: SETTLED_NS - HOUR_NS,
  ctimeNs: SETTLED_NS - HOUR_NS + 1_000n,
  ino: 9_007_199_254_740_991n,
  dev: 1n,
  nlink: type === 'directory' ? 2 : 1,
  ...more,
});

const ENTRIES: Readonly<Record<string, VolumeStat>> = {
  'd/a.xml': stat('file'),
  'd/sub': stat('directory'),
  'd/sub-x.xml': stat('file'),
  'd/sub/b.xml': stat('file', { size: 12 }),
};

const content = (size: number, skip = 512) =>
  `"sha256":"${'b'.repeat(64)}","pieces":[{"pack":"${PACK}","offset":0,"length":900,"skip":${skip},"size":${size}}]`;

const lineOf = (path: string, entry: VolumeStat): string =>
  entry.type === 'directory'
    ? directoryLine(path, entry)
    : entry.type === 'symlink'
      ? linkLine('symlink', path, entry, 'target')
      : fileLine(fileLineStart(path, entry), content(entry.size));

const LINES = Object.entries(ENTRIES).map(([path, entry]) => lineOf(path, entry));
/** What stands behind the directory, so that its end is seen. */
const BEHIND = lineOf('e', stat('directory'));

interface Situation {
  readonly lines?: readonly string[];
  /** What the file system says instead. */
  readonly now?: Readonly<Record<string, VolumeStat>>;
  readonly incomplete?: readonly string[];
  readonly mountedAt?: string;
  readonly packBytes?: number;
}

function take(situation: Situation) {
  const { trees, ...made } = make(situation);
  const tree = trees.take('d/');
  assert.equal(made.cursor.at, made.start, 'the cursor is where it was');
  return { tree, trees, ...made };
}

function make({ lines = [...LINES, BEHIND], now = {}, incomplete = [], mountedAt = '', packBytes = 1000 }: Situation) {
  const looked: string[] = [];
  const volume = {
    look(path: string) {
      looked.push(path);
      const found = { ...ENTRIES, ...now }[path];
      if (!found) throw new Error('ENOENT');
      return lookOf(found);
    },
  } as unknown as Volume;
  const before = lineOf('c', stat('file'));
  const cursor = {
    page: 0,
    lines: Buffer.from(before + lines.join('')),
    at: before.length,
    moveTo: (at: number) => void (cursor.at = at),
  };
  const settings = { mountedAt, parentIncomplete: new Set(incomplete), settledNs: SETTLED_NS };
  const taken = new TakenContent([[[PACK, packBytes]]]);
  const trees = new UnchangedTrees(volume, settings, cursor as never, taken, new CallTimes());
  return { trees, cursor, looked, start: before.length };
}

const changed = (path: string, more: Partial<VolumeStat>) => ({ [path]: { ...ENTRIES[path]!, ...more } });

void describe('a directory below which no directory changed', () => {
  void it('is taken over whole, each entry looked at once', () => {
    const { tree, looked, start } = take({});
    assert.deepEqual(looked, ['d/a.xml', 'd/sub', 'd/sub-x.xml', 'd/sub/b.xml']);
    const length = LINES.join('').length;
    assert.deepEqual(tree, {
      parts: [
        {
          page: 0,
          start,
          end: start + length,
          counts: { files: 3, directories: 1, symlinks: 0, hardlinks: 0, bytes: 34 },
        },
      ],
      end: start + length,
    });
  });

  void it('is taken with files to be looked at alone, wherever they are in it', () => {
    const [a = '', sub = '', x = ''] = LINES;
    const counts = { files: 0, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 };
    const newer = { ctimeNs: SETTLED_NS - 1_000_000_000n };
    const first = take({ now: changed('d/a.xml', newer) });
    const whole = first.start + LINES.join('').length;
    const behind = first.start + a.length;
    assert.deepEqual(first.tree, {
      parts: [
        { path: 'd/a.xml', at: first.start },
        { page: 0, start: behind, end: whole, counts: { ...counts, files: 2, directories: 1, bytes: 23 } },
      ],
      end: whole,
    });
    assert.deepEqual(first.looked, ['d/a.xml', 'd/sub', 'd/sub-x.xml', 'd/sub/b.xml']);
    const { tree, start } = take({ now: { ...changed('d/sub-x.xml', newer), ...changed('d/sub/b.xml', newer) } });
    const [atX, atB] = [start + a.length + sub.length, start + a.length + sub.length + x.length];
    assert.deepEqual(tree, {
      parts: [
        { page: 0, start, end: atX, counts: { ...counts, files: 1, directories: 1, bytes: 11 } },
        { path: 'd/sub-x.xml', at: atX },
        { path: 'd/sub/b.xml', at: atB },
      ],
      end: whole,
    });
  });

  void it('ends before whatever line is behind it, also one that is of no common kind', () => {
    for (const behind of [
      lineOf('d0', stat('file')),
      lineOf('e', stat('symlink')),
      lineOf('dé', stat('file')),
      '{"path":"e","unknown":1}\n',
    ]) {
      assert.ok(take({ lines: [...LINES, behind] }).tree, behind);
    }
  });

  /** Paths that are to be looked at alone; undefined where nothing is taken. */
  const changedIn = (situation: Situation): readonly string[] | undefined =>
    take(situation).tree?.parts.flatMap((part) => ('path' in part ? [part.path] : []));

  void it('has a file looked at alone where anything of it is another', () => {
    const { mtimeNs, ctimeNs, ino } = ENTRIES['d/a.xml']!;
    const situations: Record<string, Partial<VolumeStat>> = {
      mode: { mode: 0o644 },
      uid: { uid: 0 },
      gid: { gid: 0 },
      size: { size: 13 },
      'time of the content, by 2 microseconds': { mtimeNs: mtimeNs + 2_000n },
      'time of change, by 2 microseconds': { ctimeNs: ctimeNs - 2_000n },
      inode: { ino: ino - 1n },
      'several names': { nlink: 2 },
    };
    for (const [what, more] of Object.entries(situations))
      assert.deepEqual(changedIn({ now: changed('d/a.xml', more) }), ['d/a.xml'], what);
    assert.deepEqual(changedIn({}), []);
  });

  void it('is not taken where a directory is another, or a file is none any more', () => {
    const { ctimeNs } = ENTRIES['d/sub']!;
    const situations: Record<string, Readonly<Record<string, VolumeStat>>> = {
      'the owner of a directory': changed('d/sub', { gid: 0 }),
      'time of a directory': changed('d/sub', { ctimeNs: ctimeNs + 2_000n }),
      'a link': changed('d/a.xml', { type: 'symlink' }),
      'a directory in place of a file': changed('d/a.xml', { type: 'directory' }),
      'a file in place of a directory': changed('d/sub', { type: 'file' }),
      'a device': changed('d/a.xml', { type: 'other' }),
    };
    for (const [what, now] of Object.entries(situations)) assert.equal(take({ now }).tree, undefined, what);
  });

  void it('is not taken where an entry cannot be looked at', () => {
    const lines = [LINES[0]!, lineOf('d/gone.xml', stat('file')), ...LINES.slice(1), BEHIND];
    const { tree, looked } = take({ lines });
    assert.equal(tree, undefined);
    assert.deepEqual(looked, ['d/a.xml', 'd/gone.xml']);
  });

  void it('is not looked at again by the directories on the way to what has changed, but by others', () => {
    const { tree, trees, cursor, looked } = take({ now: changed('d/sub/b.xml', { type: 'symlink' }) });
    assert.equal(tree, undefined);
    const all = ['d/a.xml', 'd/sub', 'd/sub-x.xml', 'd/sub/b.xml'];
    assert.deepEqual(looked, all);
    cursor.at = cursor.lines.indexOf(lineOf('d/sub/b.xml', ENTRIES['d/sub/b.xml']!));
    assert.equal(trees.take('d/sub/'), undefined);
    assert.deepEqual(looked, all);
    // The lines of another page, of which nothing is known.
    cursor.lines = Buffer.from(lineOf('d/sub/b.xml', ENTRIES['d/sub/b.xml']!) + BEHIND);
    cursor.at = 0;
    assert.equal(trees.take('d/sub/'), undefined);
    assert.deepEqual(looked, [...all, 'd/sub/b.xml']);
  });

  void it('has looked at alone what had not settled when the export before began', () => {
    // What numbers say of a time is a quarter of a microsecond off, and settled is told in milliseconds.
    const atMs = (ms: bigint) => (SETTLED_NS / 1_000_000n + ms) * 1_000_000n;
    const situation = (ctimeNs: bigint) => {
      const entry = { ...ENTRIES['d/a.xml']!, ctimeNs };
      return { lines: [lineOf('d/a.xml', entry), ...LINES.slice(1), BEHIND], now: { 'd/a.xml': entry } };
    };
    assert.deepEqual(changedIn(situation(atMs(-1n))), []);
    assert.deepEqual(changedIn(situation(atMs(0n))), ['d/a.xml']);
    assert.deepEqual(changedIn(situation(atMs(1n))), ['d/a.xml']);
  });

  void it('has looked at alone a file whose inode a number does not hold; with such a directory it is not taken', () => {
    const situation = (path: string, line: number) => {
      const entry = { ...ENTRIES[path]!, ino: 9_007_199_254_740_992n };
      return { lines: [...LINES.with(line, lineOf(path, entry)), BEHIND], now: { [path]: entry } };
    };
    assert.deepEqual(changedIn(situation('d/a.xml', 0)), ['d/a.xml']);
    assert.equal(take(situation('d/sub', 1)).tree, undefined);
  });

  void it('is not taken where the page ends with it: lines may have been lost', () => {
    assert.equal(take({ lines: LINES }).tree, undefined);
    assert.equal(take({ lines: [] }).tree, undefined);
  });

  void it('is not taken where the export before knew less of a directory in it', () => {
    assert.equal(take({ incomplete: ['d/sub'] }).tree, undefined);
    assert.ok(take({ incomplete: ['d/other'] }).tree);
  });

  void it('is not taken with what exports leave out', () => {
    const path = 'd/.wso2.restoring-0123456789ab';
    const entry = stat('directory');
    const { tree, looked } = take({ lines: [lineOf(path, entry), ...LINES, BEHIND], now: { [path]: entry } });
    assert.equal(tree, undefined);
    assert.deepEqual(looked, []);
  });

  void it('is not taken with lines that no export writes', () => {
    const [a = '', sub = '', x = '', b = ''] = LINES;
    const situations: Record<string, readonly string[]> = {
      'in another order': [sub, a, x, b],
      twice: [a, a, sub, x, b],
      'in a directory that has no line': [a, x, b],
      'one that leads out': [a.replace('d/a.xml', 'd/../a.xml'), sub, x, b],
      'another name for itself': [a.replace('d/a.xml', 'd/./a.xml'), sub, x, b],
      'zeros before the time of a directory': [a, sub.replace('"mtimeNs":"', '"mtimeNs":"0'), x, b],
      'no line': [a, 'x', sub, x, b],
    };
    for (const [what, lines] of Object.entries(situations)) {
      assert.equal(take({ lines: [...lines, BEHIND] }).tree, undefined, what);
    }
  });

  void it('has looked at alone a file of which a line says what no export writes', () => {
    const [a = '', ...others] = LINES;
    const situations: Record<string, string> = {
      'zeros before a time': a.replace('"mtimeNs":"', '"mtimeNs":"0'),
      'zeros before an inode': a.replace('"ino":"', '"ino":"0'),
      'a time before 1970': a.replace('"mtimeNs":"', '"mtimeNs":"-'),
      'a content that is more than its pack': a.replace('"length":900', '"length":1001'),
      'a piece of another size': fileLine(fileLineStart('d/a.xml', ENTRIES['d/a.xml']!), content(10)),
    };
    for (const [what, line] of Object.entries(situations))
      assert.deepEqual(changedIn({ lines: [line, ...others, BEHIND] }), ['d/a.xml'], what);
    assert.deepEqual(changedIn({ packBytes: 899 }), ['d/a.xml', 'd/sub-x.xml', 'd/sub/b.xml']);
    assert.deepEqual(changedIn({ packBytes: 900 }), []);
  });

  void it('of more than 32 KiB of lines is not begun with', () => {
    const many = (count: number) => {
      const entries = Array.from({ length: count }, (_, index) => [`d/f${1000 + index}.xml`, stat('file')] as const);
      return {
        lines: [...entries.map(([path, entry]) => lineOf(path, entry)), BEHIND],
        now: Object.fromEntries(entries),
      };
    };
    const lineBytes = lineOf('d/f1000.xml', stat('file')).length;
    const most = Math.floor((32 * 1024) / lineBytes);
    const [only, ...rest] = take(many(most)).tree!.parts;
    assert.deepEqual(rest, []);
    assert.ok(only && 'counts' in only);
    assert.equal(only.counts.files, most);
    assert.equal(take(many(most + 1)).tree, undefined);
    assert.deepEqual(take(many(most + 1)).looked, []);
  });
});

void describe('an entry that did not change', () => {
  const [A_END, SUB_END] = [LINES[0]!.length, LINES[0]!.length + LINES[1]!.length];

  void it('is taken where the cursor is, which moves behind it', () => {
    const { trees, cursor, looked, start } = make({});
    const file = { page: 0, start, end: start + A_END, type: 'file', size: 11 };
    assert.deepEqual(trees.takeEntry('d/a.xml'), file);
    const directory = { page: 0, start: start + A_END, end: start + SUB_END, type: 'directory', size: 0 };
    assert.deepEqual(trees.takeEntry('d/sub'), directory);
    assert.deepEqual([cursor.at, looked], [start + SUB_END, ['d/a.xml', 'd/sub']]);
  });

  void it('is not taken, nor looked at, where the cursor is at another', () => {
    const { trees, cursor, looked, start } = make({});
    assert.equal(trees.takeEntry('d/sub'), undefined);
    assert.equal(trees.takeEntry('d/a.xm'), undefined);
    cursor.at = cursor.lines.length;
    assert.equal(trees.takeEntry('d/a.xml'), undefined);
    assert.deepEqual([cursor.at - cursor.lines.length, looked, start > 0], [0, [], true]);
  });

  void it('is not taken where it changed, cannot be looked at, is not sound, or the export before knew less of it', () => {
    const refused: readonly (readonly [string, Situation])[] = [
      ['d/a.xml', { now: changed('d/a.xml', { size: 12 }) }],
      ['d/a.xml', { now: changed('d/a.xml', { type: 'directory' }) }],
      ['d/a.xml', { packBytes: 899 }],
      ['d/gone.xml', { lines: [lineOf('d/gone.xml', stat('file')), BEHIND] }],
      ['d/sub', { lines: [LINES[1]!, BEHIND], incomplete: ['d/sub'] }],
      ['d/link', { lines: [lineOf('d/link', stat('symlink')), BEHIND], now: { 'd/link': stat('symlink') } }],
    ];
    for (const [path, situation] of refused) {
      const { trees, cursor, start } = make(situation);
      assert.equal(trees.takeEntry(path), undefined, path);
      assert.equal(cursor.at, start, path);
    }
  });
});
