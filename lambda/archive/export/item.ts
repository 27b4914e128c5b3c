/** What a visit gives for a part of the tree, in the order of the manifest. */
import { addCounts, countOne, NOTHING, type Counts } from '../counts';
import type { VolumeStat } from '../volume';

export type Item = LinesItem | SpanItem | HoleItem | LinkedItem;

/** New lines; where a piece is, is said by {@link pieceInFrame} until its pack is finished. */
export interface LinesItem {
  readonly kind: 'lines';
  /** Bytes and not text, so that they change hands between threads and weigh nothing on the main thread's heap. */
  readonly lines: Uint8Array<ArrayBuffer>;
  /** That the pieces name, each once. */
  readonly frames: readonly number[];
  readonly counts: Counts;
}

/** Lines of one page of the parent that hold as they are. */
export interface SpanItem {
  readonly kind: 'span';
  readonly page: number;
  readonly start: number;
  end: number;
  counts: Counts;
}

/** Something that is still to be visited: what is in a directory, or the rest of it. */
export interface HoleItem {
  readonly kind: 'hole';
  readonly path: string;
  /** Sorted names of the directory that are to be visited, parted by slashes; all when absent. */
  readonly names?: string;
  /** Of changed files: not before it is known what is stored already. */
  readonly waits?: true;
}

/** Where it begins; for a directory as a whole, the path of the directory. */
export const firstPathOf = ({ path, names }: HoleItem): string =>
  [path, names?.split('/', 1)[0] ?? ''].filter((part) => part !== '').join('/');

/** A file with more names than one: which of them carries the content is known only in the order of the manifest. */
export interface LinkedItem {
  readonly kind: 'linked';
  readonly path: string;
  readonly stat: VolumeStat;
  /** Its line in the parent, if there is one; the text of a hard link's. */
  readonly line?: {
    readonly page: number;
    readonly start: number;
    readonly end: number;
    readonly unchanged: boolean;
    readonly text: string;
  };
}

/** Lines as they come: a text that is written at once is garbage while it is young, which costs nothing. */
export class LineBuffer {
  #bytes = Buffer.allocUnsafeSlow(256 * 1024);
  #length = 0;

  add(text: string): void {
    // A character is at most three bytes for each of its units.
    const room = this.#length + text.length * 3;
    if (room > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(room, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length += this.#bytes.write(text, this.#length, 'utf8');
  }

  /** What was added, in memory of its own; the next begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const lines = new Uint8Array(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return lines;
  }

  /** After a task that has failed. */
  clear(): void {
    this.#length = 0;
  }
}

export class ItemList {
  readonly #items: Item[] = [];
  #frames = new Set<number>();
  #counts: Counts = { ...NOTHING };
  #hasLines = false;

  /** @param lines used by this list alone until all was taken from it */
  constructor(private readonly lines: LineBuffer) {}

  addLine(text: string, type: 'file' | 'directory' | 'symlink' | 'hardlink', size = 0, frames: readonly number[] = []) {
    this.lines.add(text);
    this.#hasLines = true;
    for (const frame of frames) this.#frames.add(frame);
    countOne(this.#counts, type, size);
  }

  addSpan(
    page: number,
    start: number,
    end: number,
    type: 'file' | 'directory' | 'symlink' | 'hardlink',
    size = 0,
  ): void {
    const span = this.#spanUpTo(page, start, end);
    countOne(span.counts, type, size);
  }

  addTree({ page, start, end, counts }: Omit<SpanItem, 'kind'>): void {
    const span = this.#spanUpTo(page, start, end);
    span.counts = addCounts(span.counts, counts);
  }

  #spanUpTo(page: number, start: number, end: number): SpanItem {
    this.#endLines();
    let last = this.#items.at(-1);
    if (last?.kind !== 'span' || last.page !== page || last.end !== start) {
      this.#items.push((last = { kind: 'span', page, start, end, counts: { ...NOTHING } }));
    }
    last.end = end;
    return last;
  }

  add(item: HoleItem | LinkedItem): void {
    this.#endLines();
    this.#items.push(item);
  }

  /** A file that is to be visited when it is known what is stored already. */
  addWaiting(path: string, name: string): void {
    this.#endLines();
    const last = this.#items.at(-1);
    if (last?.kind === 'hole' && last.waits && last.path === path) {
      this.#items[this.#items.length - 1] = { ...last, names: `${last.names}/${name}` };
    } else this.#items.push({ kind: 'hole', path, names: name, waits: true });
  }

  take(): Item[] {
    this.#endLines();
    return this.#items;
  }

  #endLines(): void {
    if (!this.#hasLines) return;
    const frames = Array.from(this.#frames);
    this.#items.push({ kind: 'lines', lines: this.lines.take(), frames, counts: this.#counts });
    this.#hasLines = false;
    this.#frames = new Set();
    this.#counts = { ...NOTHING };
  }
}

export const linesItem = (text: string, frames: readonly number[], counts: Counts): LinesItem => ({
  kind: 'lines',
  // Not out of Node's pool: that could not change hands.
  lines: new Uint8Array(Buffer.from(text)),
  frames,
  counts,
});

/** A piece of a frame that is not in a pack yet. No path can look like it: the quotes in it would be escaped. */
export const pieceInFrame = (frame: number, skip: number, size: number) =>
  `{"frame":${frame},"skip":${skip},"size":${size}}`;

export interface FramePlace {
  /** SHA-256 of the pack. */
  readonly pack: string;
  readonly offset: number;
  readonly length: number;
}

/** Puts in where the frames came to be. */
export const resolvePieces = (text: string, places: ReadonlyMap<number, FramePlace>): string =>
  text.replace(/"frame":(\d+)/g, (_, frame: string) => {
    const { pack, offset, length } = places.get(Number(frame))!;
    return `"pack":"${pack}","offset":${offset},"length":${length}`;
  });
