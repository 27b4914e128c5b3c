/** What is stored already, for the table of contents that all threads share. */
import { comparePaths } from '../byte-path';
import { ContentTable, newSegment } from './content-table';
import { numberBefore, piecesAt, sha256Before, writeSha256 } from '../piece-scan';
import { FRAME_BYTES, keyOf, sha256Of, sizeKey } from './frame-writer';
import { firstPathOf, type Item } from './item';

const BEFORE_SHA256 = '"sha256":"'.length;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET_END = 0x5d;

/**
 * Finds what is stored by the lines of a page. Directories and links have no content, empty files no pieces. It is looked for and
 * no more: what a line says is parsed, and judged, by who takes something from it.
 *
 * @param onContent told where the digits of its SHA-256 begin; false when it wants no more
 */
function findContents(lines: Buffer, onContent: (sha256: number) => boolean): void {
  for (let at = piecesAt(lines, 0); at >= 0; at = piecesAt(lines, at + 1)) {
    const sha256 = sha256Before(at);
    if (lines[sha256 - 1] === QUOTE && lines[at + 1] !== BRACKET_END && !onContent(sha256)) return;
  }
}

/** Between the size and the SHA-256: `"ctimeNs":"1","ino":"1",`. */
const QUOTES_BEHIND_SIZE = 8;

/** What the line says that the file's size is: its digits are before the time of change. Any number where it is not so. */
function sizeBefore(lines: Buffer, sha256: number): number {
  let at = sha256 - BEFORE_SHA256 - 1;
  for (let quotes = 0; at > 0 && quotes < QUOTES_BEHIND_SIZE; at -= 1) if (lines[at] === QUOTE) quotes += 1;
  return lines[at] === COMMA ? numberBefore(lines, at) : 0;
}

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
  #stopped = false;

  constructor(
    private readonly counter: Int32Array,
    /** In the order in which they are looked at: as long as there is room. */
    private readonly pages: readonly number[],
    /** Has somebody look at the lines of a page, which are not to be kept. */
    private readonly withPage: (page: number, look: (lines: Buffer) => void) => Promise<void>,
    private readonly limits: ContentLimits = CONTENT_LIMITS,
  ) {}

  /** Undefined when there are no more: the table is full. */
  async segment(index: number): Promise<SharedArrayBuffer | undefined> {
    await this.fill();
    if (index >= this.#segments.length && index < this.limits.all) this.#grow();
    return this.#segments[index];
  }

  /** Whether it is known what is stored: threads see it by the number of segments. */
  get isFilled(): boolean {
    return this.#segments.length > 0;
  }

  /** Looks what is stored, the first time. */
  fill(): Promise<void> {
    return (this.#filled ??= this.#fill());
  }

  /** Nobody will ask any more: what is under way ends with the page that it is at. */
  stop(): void {
    this.#stopped = true;
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
    const claim = (key: Int32Array, page: number, sha256: number) => {
      while (!full && table.claim(key, { kind: 'parent', page, sha256 }) === 'full') {
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
      if (full || this.#stopped) break;
      await this.withPage(page, (lines) => {
        findContents(lines, (sha256) => {
          writeSha256(lines, sha256, keyBytes);
          claim(key, page, sha256);
          const size = sizeBefore(lines, sha256);
          if (size > FRAME_BYTES / 2) claim(keyOf(sha256Of(sizeKey(size))), page, sha256);
          return !full;
        });
      });
    }
    // Only now, whole: a thread that asks meanwhile waits for it.
    for (const segment of segments) {
      this.#segments.push(segment);
      this.#table.add(segment);
    }
    if (this.#segments.length === 0) this.#grow();
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
