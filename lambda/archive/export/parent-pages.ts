/** Pages of the parent, decoded, in memory that the threads share: on the main thread, which has them fetched. */
import { pathOfLine } from '../entry';
import { ArchiveDamagedError } from '../errors';
import { release } from '../frame';
import type { PageReference } from '../manifest';
import { MemoryPool } from '../memory-pool';
import type { ObjectStore } from '../object-store';
import { readPage, type StoredPage } from '../points';

/**
 * Decoded pages that are kept: all of a volume of a hundred thousand files, whose pages are asked for twice where some
 * lines of each changed. Of a larger one, the last.
 */
const KEPT_BYTES = 64 * 1024 * 1024;
/** Of the memory of a page; nearly all have less. */
const MEMORY_BYTES = 8 * 1024 * 1024;
const NEWLINE = 10;

/** A page that lines are taken from. */
export type KnownPage = StoredPage & Pick<PageReference, 'first'>;

/** The lines of a page, which are longer than it: the rest is whatever was in the memory before. */
export interface SharedPage {
  readonly memory: SharedArrayBuffer;
  readonly length: number;
}

export const linesOfPage = ({ memory, length }: SharedPage): Buffer => Buffer.from(memory, 0, length);

/** What a thread asks. */
export interface PageQuestion {
  readonly page: number;
  /** Pages that it got before and does not look at any more. */
  readonly done: readonly number[];
}

interface Kept {
  readonly lines: Promise<SharedPage>;
  /** Those who look at it: until they are done, its memory is not used for another. */
  users: number;
}

export class ParentPageCache {
  readonly #lengths = new Map<number, number>();
  readonly #pages = new Map<number, Kept>();
  readonly #memory = new MemoryPool(MEMORY_BYTES);

  constructor(
    private readonly store: ObjectStore,
    private readonly pages: readonly KnownPage[],
    /** Says whether a page that is damaged is to count as empty: then all that it lists is read as if it were new. */
    private readonly isDispensable: (page: number, damage: ArchiveDamagedError) => boolean,
    private readonly keptBytes = KEPT_BYTES,
  ) {}

  lengthOf(page: number): number | undefined {
    return this.#lengths.get(page);
  }

  /** Whoever gets one says when they are {@link done} with it, a thread by its next question. */
  get({ page, done }: PageQuestion): Promise<SharedPage> {
    for (const other of done) this.done(other);
    const kept = this.#take(page);
    kept.users += 1;
    // What is asked for next is in all likelihood the page behind it.
    if (page + 1 < this.pages.length && !this.#lengths.has(page + 1)) this.#take(page + 1);
    return kept.lines;
  }

  done(page: number): void {
    this.#pages.get(page)!.users -= 1;
    this.#letGo();
  }

  #take(page: number): Kept {
    const kept = this.#pages.get(page) ?? { lines: this.#read(page), users: 0 };
    this.#pages.delete(page);
    this.#pages.set(page, kept);
    return kept;
  }

  /** The one that was asked for the longest time ago goes first; one that is being read is none of them. */
  #letGo(): void {
    let kept = 0;
    for (const page of this.#pages.keys()) kept += this.#lengths.get(page) ?? 0;
    for (const [page, { lines, users }] of this.#pages) {
      if (kept <= this.keptBytes || this.#pages.size === 1) return;
      const length = this.#lengths.get(page);
      if (users > 0 || length === undefined) continue;
      kept -= length;
      this.#pages.delete(page);
      void lines.then(({ memory }) => this.#memory.give(memory));
    }
  }

  #read(page: number): Promise<SharedPage> {
    const known = this.pages[page]!;
    const reading = readPage(this.store, known)
      .then((lines) => {
        if (lines.at(-1) === NEWLINE && pathOfLine(lines, 0) === known.first) return lines;
        throw new ArchiveDamagedError(this.store.prefix + known.key, 'the page is not what its manifest says');
      })
      .catch((error: unknown) => {
        // Of one that was sound before, lines are in use by their places.
        const isFirst = !this.#lengths.has(page);
        if (isFirst && error instanceof ArchiveDamagedError && this.isDispensable(page, error)) return Buffer.alloc(0);
        throw error;
      })
      .then((lines) => {
        const { length } = lines;
        const memory = this.#memory.take(length);
        Buffer.from(memory).set(lines);
        this.#lengths.set(page, length);
        release(lines);
        this.#letGo();
        return { memory, length };
      });
    reading.catch(() => {});
    return reading;
  }
}
