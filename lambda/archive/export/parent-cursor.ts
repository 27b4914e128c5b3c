/** Goes along the lines of the parent while the tree is walked in the same order. Runs in the threads. */
import { comparePaths } from '../byte-path';
import type { Job } from '../crew/effect';
import { pathOfLine } from '../entry';
import { ArchiveError } from '../errors';
import { linesOfPage, type PageQuestion, type SharedPage } from './parent-pages';

export interface ParentLine {
  readonly page: number;
  readonly start: number;
  /** After its newline. */
  readonly end: number;
}

const NEWLINE = 10;
const KEPT_PAGES = 3;
/** Where a directory holds more, with all that is below it, reading it costs less than this. */
const PEEKED_LINES = 100;

/** Decoded pages of the parent, in the order of last use; the main thread has them fetched. */
export class ParentPages {
  readonly #pages = new Map<number, Buffer>();
  #done: number[] = [];

  constructor(
    /** Path of the first line of each page. */
    readonly firsts: readonly string[],
  ) {}

  *get(page: number): Job<Buffer> {
    const known = this.#pages.get(page);
    this.#pages.delete(page);
    const lines = known ?? (yield* this.#ask(page));
    this.#pages.set(page, lines);
    return lines;
  }

  /**
   * Before a task, when nothing looks at any page: all but the last few may be used for others. Not before: what a task got of
   * a page is in the page's memory.
   */
  trim(): void {
    for (const page of this.#pages.keys()) {
      if (this.#pages.size <= KEPT_PAGES) return;
      this.#pages.delete(page);
      this.#done.push(page);
    }
  }

  *#ask(page: number): Job<Buffer> {
    const question: PageQuestion = { page, done: this.#done };
    this.#done = [];
    return linesOfPage((yield { ask: 'page', with: question }) as SharedPage);
  }

  /** Lines that were found before, perhaps in an earlier turn: damage since then must not make them nothing. */
  *lines({ page, start, end }: ParentLine): Job<Buffer> {
    const lines = yield* this.get(page);
    if (end > lines.length)
      throw new ArchiveError('a page of the export before was damaged during this one: export anew');
    return lines.subarray(start, end);
  }
}

export class ParentCursor {
  #page = -1;
  #lines: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(private readonly pages: ParentPages) {}

  get page(): number {
    return this.#page;
  }

  get lines(): Buffer {
    return this.#lines;
  }

  /** Where the next line begins, in this page or at its end. */
  get at(): number {
    return this.#at;
  }

  /** @param at the beginning of a line of this page, or its end */
  moveTo(at: number): void {
    this.#at = at;
  }

  /** Sets it to the first line whose path is this one or comes after it. */
  *seek(path: string): Job<void> {
    const { firsts } = this.pages;
    let [low, high] = [0, firsts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comparePaths(firsts[middle]!, path) <= 0) low = middle + 1;
      else high = middle;
    }
    this.#page = Math.max(0, low - 1);
    if (this.#page >= firsts.length) return;
    this.#lines = yield* this.pages.get(this.#page);
    let [from, to] = [0, this.#lines.length];
    // Invariant: lines before `from` come before the path, lines from `to` on do not.
    while (from < to) {
      const middle = (from + to) >> 1;
      const start = this.#lines.lastIndexOf(NEWLINE, middle - 1) + 1;
      const line = middle === 0 ? 0 : Math.max(start, from);
      if (comparePaths(pathOfLine(this.#lines, line), path) < 0) from = this.#lines.indexOf(NEWLINE, line) + 1;
      else to = line;
    }
    this.#at = from;
  }

  /** The line here, when it begins with this text (of ASCII); moves behind it. The common case, so without a question. */
  take(start: string): ParentLine | undefined {
    const end = this.#at + start.length;
    if (end > this.#lines.length || this.#lines.toString('latin1', this.#at, end) !== start) return undefined;
    return this.#takeLine();
  }

  /** The line of this path, when there is one; moves behind it. */
  *find(path: string): Job<ParentLine | undefined> {
    for (;;) {
      if (this.#at >= this.#lines.length) {
        if (this.#page + 1 >= this.pages.firsts.length) return undefined;
        this.#page += 1;
        this.#lines = yield* this.pages.get(this.#page);
        this.#at = 0;
      }
      const order = comparePaths(pathOfLine(this.#lines, this.#at), path);
      if (order > 0) return undefined;
      const line = this.#takeLine();
      if (order === 0) return line;
    }
  }

  /**
   * Names in the directory with this path and a slash at its end, as the lines here say; undefined when they go on for long,
   * up to the end of their page (what is behind it may have been lost), or are not in the order that an export writes: a
   * planted page must not list an entry twice.
   */
  namesIn(prefix: string): string[] | undefined {
    const names: string[] = [];
    let at = this.#at;
    let before = prefix;
    for (let seen = 0; seen < PEEKED_LINES && at < this.#lines.length; seen += 1) {
      const path = pathOfLine(this.#lines, at);
      if (path.startsWith(prefix)) {
        const name = path.slice(prefix.length);
        // No names of a directory: a planted line must not lead out of it.
        if (/^\.{0,2}$|\0/.test(name) || comparePaths(path, before) <= 0) return undefined;
        before = path;
        if (!name.includes('/')) names.push(name);
      } else if (comparePaths(path, prefix) > 0) return names;
      at = this.#lines.indexOf(NEWLINE, at) + 1;
    }
    return undefined;
  }

  textOf({ start, end }: ParentLine): string {
    return this.#lines.toString('utf8', start, end);
  }

  /** What is behind a text that the line begins with. */
  restOf({ start, end }: ParentLine, text: string): string {
    return this.#lines.toString('latin1', start + Buffer.byteLength(text), end);
  }

  endsWith({ start, end }: ParentLine, text: string): boolean {
    return end - start > text.length && this.#lines.toString('latin1', end - text.length, end) === text;
  }

  #takeLine(): ParentLine {
    const start = this.#at;
    this.#at = this.#lines.indexOf(NEWLINE, start) + 1;
    return { page: this.#page, start, end: this.#at };
  }
}
