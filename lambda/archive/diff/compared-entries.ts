import { comparePaths } from '../byte-path';
import { EntryChecker } from '../check-entries';
import type { ManifestEntry } from '../entry';
import { ArchiveDamagedError } from '../errors';
import type { ManifestHeader } from '../manifest';
import type { ObjectStore } from '../object-store';
import { readPages } from '../points';
import { equalLines } from './equal-lines';

export interface StoredPoint {
  /** Key in the bucket, the store's prefix included. */
  readonly manifestKey: string;
  readonly header: ManifestHeader;
}

/** Lines of a point, and where they are from. */
export interface LineSource {
  /** Of the point, for messages. */
  readonly manifestKey: string;
  readonly header: Pick<ManifestHeader, 'packs'>;
  /** Each whole lines, in order. */
  readonly lines: AsyncIterator<Buffer>;
}

/** The same path in two points, or in one of them. */
export interface ComparedEntry {
  readonly before?: ManifestEntry;
  readonly after?: ManifestEntry;
}

/**
 * The entries of two points side by side whose lines are not the same, in the order of their paths. Pages that both have
 * are not read, lines that both have are not parsed: what they list is the same in both.
 *
 * @throws ArchiveDamagedError when a page of either is missing, cut short or changed, or a line that differs is none
 */
export function comparedEntries(
  store: ObjectStore,
  before: StoredPoint,
  after: StoredPoint,
): AsyncGenerator<ComparedEntry> {
  const common = new Set(before.header.pages.map(({ key }) => key));
  const shared = new Set(after.header.pages.map(({ key }) => key).filter((key) => common.has(key)));
  const ownLines = (point: StoredPoint): LineSource => {
    const { manifestKey, header } = point;
    const needsPage = (index: number) => !shared.has(header.pages[index]!.key);
    const selection = { needsPage, isWanted: () => true };
    return { ...point, lines: readPages(store, manifestKey, header, selection, (_, __, lines) => lines) };
  };
  return comparedLines(ownLines(before), ownLines(after));
}

/**
 * As {@link comparedEntries}, of some of their lines: all that differ are among them.
 *
 * @throws ArchiveDamagedError when a line that differs is none
 */
export async function* comparedLines(before: LineSource, after: LineSource): AsyncGenerator<ComparedEntry> {
  const [a, b] = [new LineReader(before), new LineReader(after)];
  for (;;) {
    const [more, moreOfOther] = [await a.isThere(), await b.isThere()];
    if (!more && !moreOfOther) return;
    if (more && moreOfOther) {
      const equal = equalLines(a, b);
      a.skip(equal);
      b.skip(equal);
      if (a.isAtEnd || b.isAtEnd) continue;
    }
    const order = !more ? 1 : !moreOfOther ? -1 : comparePaths(a.entry.path, b.entry.path);
    yield { ...(order <= 0 ? { before: a.take() } : {}), ...(order >= 0 ? { after: b.take() } : {}) };
  }
}

class LineReader {
  lines: Buffer = Buffer.alloc(0);
  at = 0;
  readonly #source: AsyncIterator<Buffer>;
  readonly #manifestKey: string;
  readonly #checker: EntryChecker;
  #next: { readonly entry: ManifestEntry; readonly end: number } | undefined;

  constructor({ manifestKey, header, lines }: LineSource) {
    this.#manifestKey = manifestKey;
    this.#source = lines;
    this.#checker = new EntryChecker(header, (problem) => new ArchiveDamagedError(manifestKey, problem));
  }

  get isAtEnd(): boolean {
    return this.at === this.lines.length;
  }

  /** Whether there is another line; what stands at {@link at} then. */
  async isThere(): Promise<boolean> {
    if (!this.isAtEnd) return true;
    const { done, value } = await this.#source.next();
    if (done === true) return false;
    if (value.at(-1) !== NEWLINE) throw new ArchiveDamagedError(this.#manifestKey, 'a page is cut short');
    [this.lines, this.at] = [value, 0];
    return true;
  }

  get entry(): ManifestEntry {
    // Only what differs is parsed, so nothing is said of what stands around it.
    this.#next ??= this.#checker.entryAt(this.lines, this.at);
    return this.#next.entry;
  }

  take(): ManifestEntry {
    const { entry } = this;
    this.skip(this.#next!.end - this.at);
    return entry;
  }

  skip(bytes: number): void {
    if (bytes > 0) this.#next = undefined;
    this.at += bytes;
  }
}

const NEWLINE = 10;
