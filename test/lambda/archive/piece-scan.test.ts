import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isSha256At, PieceScan, sha256At, writeSha256 } from '../../../lambda/archive/piece-scan';
import { encodePage } from '../../../lambda/archive/page';

const OWNED = { mode: 0o644, uid: 0, gid: 0, mtimeNs: '1' };
const hex = (digit: string) => digit.repeat(64);

interface Line {
  readonly path: string;
  readonly type: string;
  readonly sha256?: string;
  readonly pieces?: readonly { readonly pack: string; readonly size: number }[];
}

const linesOf = (entries: readonly Line[]) =>
  Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));

function scanned(lines: Buffer) {
  const scan = new PieceScan(lines);
  const found = [];
  while (scan.nextFile()) {
    const pieces = [];
    do pieces.push([sha256At(lines, scan.pack), scan.size]);
    while (scan.nextPiece());
    found.push({ start: scan.start, sha256: sha256At(lines, scan.sha256), pieces });
  }
  return found;
}

function parsed(lines: Buffer) {
  let at = 0;
  return lines
    .toString('utf8')
    .split('\n')
    .flatMap((line) => {
      const start = at;
      at += Buffer.byteLength(line) + 1;
      if (line === '') return [];
      const { sha256, pieces = [] } = JSON.parse(line) as Line;
      return pieces.length === 0 ? [] : [{ start, sha256, pieces: pieces.map(({ pack, size }) => [pack, size]) }];
    });
}

const name = fc.oneof(
  fc.string({
    minLength: 1,
    unit: fc.constantFrom('[', ']', '{', '}', '"', '\\', ':', ',', 's', 'a', 'ü', '\n', '\udc80'),
  }),
  fc.constantFrom('","pieces":[{"pack":"', 's":[{', '[', '}]}\n', 'pieces":['),
);
const sha256 = fc.string({ minLength: 64, maxLength: 64, unit: fc.constantFrom('0', '9', 'a', 'f') });
const piece = fc.record({
  pack: sha256,
  offset: fc.nat(),
  length: fc.nat(),
  skip: fc.nat(),
  size: fc.integer({ min: 1, max: 2 ** 40 }),
});
const entry = fc.oneof(
  fc.record({ path: name, type: fc.constant('directory') }),
  fc.record({ path: name, type: fc.constant('symlink'), target: name }),
  fc
    .record({ path: name, sha256, pieces: fc.array(piece, { maxLength: 3 }), unstable: fc.boolean() })
    .map(({ path, sha256, pieces, unstable }) => ({
      ...{ path, type: 'file', ...OWNED, size: 1, ctimeNs: '1', ino: '1', sha256, pieces },
      ...(unstable ? { unstable } : {}),
    })),
);

test('Reading lines where they stand finds what parsing them finds, whatever the names', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
      const lines = linesOf(entries as Line[]);
      assert.deepEqual(scanned(lines), parsed(lines));
    }),
    { numRuns: 500 },
  );
});

test('A page names the packs of all pieces, each once and sorted', () => {
  const file = (path: string, ...packs: readonly string[]) => ({
    ...{ path, type: 'file', ...OWNED, size: 1, ctimeNs: '1', ino: '1', sha256: hex('0') },
    pieces: packs.map((digit) => ({ pack: hex(digit), offset: 0, length: 1, skip: 0, size: 1 })),
  });
  const page = encodePage(linesOf([file('a', 'c', 'b'), file('b'), file('c', 'b'), file('d', 'a', 'c', 'c')]));
  assert.deepEqual(page.packs, [hex('a'), hex('b'), hex('c')]);
});

test('A SHA-256 is compared and read where it stands', () => {
  const text = '0123456789abcdef'.repeat(4);
  const lines = Buffer.from(`x${text}y`);
  assert.equal(isSha256At(lines, 1, text), true);
  assert.equal(isSha256At(lines, 0, text), false);
  assert.equal(isSha256At(lines, 1, `${text.slice(0, 63)}e`), false);
  assert.equal(isSha256At(lines, 1, ''), false);
  const bytes = new Uint8Array(32);
  writeSha256(lines, 1, bytes);
  assert.equal(Buffer.from(bytes).toString('hex'), text);
});

test('A line that breaks off is an error, not an endless search', () => {
  assert.throws(
    () => scanned(Buffer.from(`"sha256":"${hex('0')}","pieces":[{"pack":"${hex('a')}"`)),
    /middle of a line/,
  );
});
