/**
 * What of an export is not as in its parent, noted while its pages are built: so that neither has to be read and decoded once
 * more to be compared. On the main thread.
 */
import { ArchiveDamagedError } from '../errors';
import type { SpanItem } from './item';

/** Lines of two points that are not in both, in the order of their paths. */
export interface Differences {
  readonly before: AsyncIterator<Buffer>;
  readonly after: AsyncIterator<Buffer>;
  /** Paths of the files that were read and look like noise; undefined where that was not looked at, or they are many. */
  readonly noisy: ReadonlySet<string> | undefined;
}

export interface ParentLines {
  /** Of each page. */
  readonly keys: readonly string[];
  /** Once it was read. */
  readonly lengthOf: (page: number) => number | undefined;
  readonly withLines: <T>(page: number, look: (lines: Buffer) => T) => Promise<T>;
}

interface Span {
  readonly start: number;
  end: number;
}

/** New lines of some thousands of files. Where more is new, both points are read, as much as that may be. */
const MAX_BYTES = 4 * 1024 * 1024;
/** In memory, with the array that it is in. */
const SPAN_BYTES = 64;

export class DifferingLines {
  /** Of each page of the parent, what was taken over. */
  readonly #taken = new Map<number, Span[]>();
  readonly #added: Uint8Array[] = [];
  #bytes = 0;

  constructor(private readonly parent: ParentLines) {}

  take({ page, start, end }: Pick<SpanItem, 'page' | 'start' | 'end'>): void {
    if (this.#isOff) return;
    const spans = this.#taken.get(page) ?? [];
    this.#taken.set(page, spans);
    const last = spans.at(-1);
    if (last?.end === start) last.end = end;
    else {
      spans.push({ start, end });
      this.#count(SPAN_BYTES);
    }
  }

  /**
   * Room for the new lines of a page.
   *
   * @returns what is to be given them; undefined when they are not wanted
   */
  expect(bytes: number): ((lines: Uint8Array) => void) | undefined {
    this.#count(bytes);
    if (this.#isOff || bytes === 0) return undefined;
    const index = this.#added.push(Buffer.alloc(0)) - 1;
    return (lines) => {
      if (!this.#isOff) this.#added[index] = lines;
    };
  }

  /** When every page is built; undefined when it is too much, or there is no parent. */
  get differences(): Omit<Differences, 'noisy'> | undefined {
    return this.#isOff ? undefined : { before: this.#left(), after: this.#new() };
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (!this.#isOff) return;
    this.#taken.clear();
    this.#added.length = 0;
  }

  get #isOff(): boolean {
    return this.parent.keys.length === 0 || this.#bytes > MAX_BYTES;
  }

  async *#left(): AsyncGenerator<Buffer> {
    const { keys, lengthOf, withLines } = this.parent;
    for (const [page, key] of keys.entries()) {
      // Of a planted page they may be out of order.
      const spans = (this.#taken.get(page) ?? []).toSorted((a, b) => a.start - b.start);
      if (spans.length === 1 && spans[0]!.start === 0 && spans[0]!.end === lengthOf(page)) continue;
      const left = await withLines(page, (lines) => {
        if (lines.length === 0) throw new ArchiveDamagedError(key, 'the page is damaged');
        return Buffer.concat(between(spans, lines.length).map(({ start, end }) => lines.subarray(start, end)));
      });
      if (left.length > 0) yield left;
    }
  }

  async *#new(): AsyncGenerator<Buffer> {
    for (const lines of this.#added) {
      if (lines.length > 0) yield Buffer.from(lines.buffer, lines.byteOffset, lines.length);
    }
  }
}

/** What is in none of these, which are sorted. */
function between(spans: readonly Span[], length: number): Span[] {
  const gaps: Span[] = [];
  let at = 0;
  for (const { start, end } of spans) {
    if (start > at) gaps.push({ start: at, end: start });
    at = Math.max(at, end);
  }
  if (length > at) gaps.push({ start: at, end: length });
  return gaps;
}
