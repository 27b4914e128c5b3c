/** What is stored already, for the table of contents that all threads share. */
import { createHash } from 'node:crypto';
import { comparePaths } from '../byte-path';
import { ContentTable, newSegment } from './content-table';
import { FRAME_BYTES, keyOf } from './frame-writer';
import { firstPathOf, type Item } from './item';
import type { TakenContent } from './taken-content';

const NEWLINE = 10;
/** `"sha256":"`, 64 digits, `","pieces":[` */
const SHA256 = Buffer.from('"sha256":"');
const SIZE = Buffer.from('"size":');

/** Segments of the table, each of 32,768 contents and 1.7 MB. */
export interface ContentLimits {
  readonly all: number;
  /** What was stored before takes at most so many, so that there is room for what this run stores. */
  readonly known: number;
}

/** A million contents in 54.5 MB, whatever the size of the volume. */
export const CONTENT_LIMITS: ContentLimits = { all: 32, known: 24 };

/** The table on the main thread: makes its segments, and fills in what is stored when somebody first asks. */
export class SharedContents {
  readonly #segments: SharedArrayBuffer[] = [];
  readonly #table = new ContentTable();
  #filled: Promise<void> | undefined;

  constructor(
    private readonly counter: Int32Array,
    /** In the order in which they are looked at: as long as there is room. */
    private readonly pages: readonly number[],
    private readonly pageOf: (page: number) => Promise<SharedArrayBuffer>,
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
    const claim = (sha256: string, page: number, start: number) => {
      while (!full && table.claim(keyOf(sha256), { kind: 'parent', page, start }) === 'full') {
        full = segments.length >= this.limits.known;
        if (full) break;
        const segment = newSegment();
        segments.push(segment);
        table.add(segment);
      }
    };
    for (const page of this.pages) {
      if (full) break;
      const lines = Buffer.from(await this.pageOf(page));
      for (let at = 0; at < lines.length;) {
        const next = lines.indexOf(NEWLINE, at) + 1;
        const start = at;
        at = next;
        const sha256At = lines.indexOf(SHA256, start);
        // Directories and links have none, empty files no pieces.
        if (sha256At < 0 || sha256At > next) continue;
        if (lines.toString('latin1', sha256At + 75, sha256At + 88) === ',"pieces":[]}') continue;
        const size = Number.parseInt(lines.toString('latin1', lines.indexOf(SIZE, start) + SIZE.length, sha256At), 10);
        const text = lines.toString('latin1', sha256At - 1, next);
        if (page < this.taken.pages && !this.taken.isSound(page, text, size)) continue;
        claim(text.slice(11, 75), page, start);
        if (size > FRAME_BYTES / 2) claim(createHash('sha256').update(`size ${size}`).digest('hex'), page, start);
      }
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
