/** What is stored already, for the table of contents that all threads share. */
import { comparePaths } from '../byte-path';
import { CommonLine } from '../common-line';
import { ContentTable, newSegment } from './content-table';
import { PieceScan, writeSha256 } from '../piece-scan';
import { FRAME_BYTES, keyOf, sha256Of, sizeKey } from './frame-writer';
import { firstPathOf, type Item } from './item';
import type { TakenContent } from './taken-content';

const NEWLINE = 10;
const SIZE = Buffer.from('"size":');
const BEFORE_SHA256 = ',"sha256":"'.length;

interface Content {
  /** Where its line begins, and in it the digits of its SHA-256. */
  readonly start: number;
  readonly sha256: number;
  readonly size: number;
}

/**
 * What is stored by the lines of a page, as far as they can be relied on. Directories and links have no content, empty files no pieces.
 *
 * @param taken looks at pages of the parent; those of this export itself are sound
 */
function* contentsIn(lines: Buffer, page: number, taken: TakenContent): Generator<Content> {
  const isOfParent = page < taken.pages;
  const line = new CommonLine(lines);
  for (let start = 0, next: number; start < lines.length; start = next) {
    if (line.read(start)) {
      next = line.end;
      if (line.isDirectory || (isOfParent && !taken.isCommonSound(page, line))) continue;
      yield { start, sha256: line.sha256, size: line.size };
      continue;
    }
    next = lines.indexOf(NEWLINE, start) + 1;
    const found = placeOfSha256(lines.subarray(start, next));
    if (found === undefined) continue;
    const sha256 = start + found;
    const size = sizeIn(lines, start, sha256);
    if (isOfParent && !taken.isSound(page, lines.toString('latin1', sha256 - BEFORE_SHA256, next), size)) continue;
    yield { start, sha256, size };
  }
}

/** In a line; undefined where it has no pieces, or is none that an export writes. */
function placeOfSha256(line: Buffer): number | undefined {
  const scan = new PieceScan(line);
  try {
    return scan.nextFile() ? scan.sha256 : undefined;
  } catch {
    return undefined;
  }
}

/** What the line says its file's size is. */
const sizeIn = (lines: Buffer, start: number, sha256: number) =>
  Number.parseInt(lines.toString('latin1', lines.indexOf(SIZE, start) + SIZE.length, sha256), 10);

/** Segments of the table, each of 32,768 contents and 1.7 MB. */
export interface ContentLimits {
  readonly all: number;
  /** What was stored before takes at most so many, so that there is room for what this run stores. */
  readonly known: number;
}

/** A quarter of a million contents in 13.6 MB, whatever the size of the volume. */
export const CONTENT_LIMITS: ContentLimits = { all: 8, known: 6 };

/** The table on the main thread: makes its segments, and fills in what is stored when somebody first asks. */
export class SharedContents {
  readonly #segments: SharedArrayBuffer[] = [];
  readonly #table = new ContentTable();
  #filled: Promise<void> | undefined;

  constructor(
    private readonly counter: Int32Array,
    /** In the order in which they are looked at: as long as there is room. */
    private readonly pages: readonly number[],
    /** Has somebody look at the lines of a page, which are not to be kept. */
    private readonly withPage: (page: number, look: (lines: Buffer) => void) => Promise<void>,
    private readonly taken: TakenContent,
    private readonly limits: ContentLimits = CONTENT_LIMITS,
  ) {}

  /** Undefined when there are no more: the table is full. */
  async segment(index: number): Promise<SharedArrayBuffer | undefined> {
    await (this.#filled ??= this.#fill());
    if (index >= this.#segments.length && index < this.limits.all) this.#grow();
    return this.#segments[index];
  }

  #grow(): void {
    const segment = newSegment();
    this.#segments.push(segment);
    this.#table.add(segment);
    Atomics.store(this.counter, 0, this.#segments.length);
  }

  async #fill(): Promise<void> {
    const segments: SharedArrayBuffer[] = [];
    const table = new ContentTable();
    let full = false;
    const claim = (key: Int32Array, page: number, start: number) => {
      while (!full && table.claim(key, { kind: 'parent', page, start }) === 'full') {
        full = segments.length >= this.limits.known;
        if (full) break;
        const segment = newSegment();
        segments.push(segment);
        table.add(segment);
      }
    };
    const key = new Int32Array(8);
    const keyBytes = new Uint8Array(key.buffer);
    for (const page of this.pages) {
      if (full) break;
      await this.withPage(page, (lines) => {
        for (const { start, sha256, size } of contentsIn(lines, page, this.taken)) {
          if (full) break;
          writeSha256(lines, sha256, keyBytes);
          claim(key, page, start);
          if (size > FRAME_BYTES / 2) claim(keyOf(sha256Of(sizeKey(size))), page, start);
        }
      });
    }
    // Only now, whole: a thread that asks meanwhile waits for it.
    for (const segment of segments) {
      this.#segments.push(segment);
      this.#table.add(segment);
    }
    Atomics.store(this.counter, 0, this.#segments.length);
  }
}

/**
 * What to look at first, since the table holds a part of a very large volume only: what this export has made last, then the
 * parent from where the export goes on, since a file that was moved or copied is most often near to where it was.
 *
 * @param parent its pages; those of this export are numbered behind them
 */
export function pagesInOrder(
  items: readonly Item[],
  parent: readonly { readonly first: string }[],
  ownPages: number,
): number[] {
  const own = Array.from({ length: ownPages }, (_, index) => parent.length + ownPages - 1 - index);
  const hole = items.find((item) => item.kind === 'hole');
  const path = hole ? firstPathOf(hole) : '';
  const start = Math.max(
    0,
    parent.findLastIndex(({ first }) => comparePaths(first, path) <= 0),
  );
  return [...own, ...parent.map((_, index) => (start + index) % parent.length)];
}
