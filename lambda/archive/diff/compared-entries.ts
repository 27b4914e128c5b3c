import { comparePaths } from '../byte-path';
import type { EntryChecker } from '../check-entries';
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
export async function* comparedEntries(
  store: ObjectStore,
  before: StoredPoint,
  after: StoredPoint,
): AsyncGenerator<ComparedEntry> {
  const common = new Set(before.header.pages.map(({ key }) => key));
  const shared = new Set(after.header.pages.map(({ key }) => key).filter((key) => common.has(key)));
  const [a, b] = [new OwnLines(store, before, shared), new OwnLines(store, after, shared)];
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

/** The lines of the pages that the other point does not have, one page behind the other. */
class OwnLines {
  lines: Buffer = Buffer.alloc(0);
  at = 0;
  readonly #pages: AsyncIterator<Buffer>;
  readonly #manifestKey: string;
  #checker: EntryChecker | undefined;
  #next: { readonly entry: ManifestEntry; readonly end: number } | undefined;

  constructor(store: ObjectStore, { manifestKey, header }: StoredPoint, shared: ReadonlySet<string>) {
    this.#manifestKey = manifestKey;
    const needsPage = (index: number) => !shared.has(header.pages[index]!.key);
    const selection = { needsPage, isWanted: () => true };
    this.#pages = readPages(store, manifestKey, header, selection, (checker, _, lines) => {
      this.#checker = checker;
      return lines;
    });
  }

  get isAtEnd(): boolean {
    return this.at === this.lines.length;
  }

  /** Whether there is another line; what stands at {@link at} then. */
  async isThere(): Promise<boolean> {
    if (!this.isAtEnd) return true;
    const { done, value } = await this.#pages.next();
    if (done === true) return false;
    if (value.at(-1) !== NEWLINE) throw new ArchiveDamagedError(this.#manifestKey, 'a page is cut short');
    [this.lines, this.at] = [value, 0];
    return true;
  }

  get entry(): ManifestEntry {
    // Only what differs is parsed, so nothing is said of what stands around it.
    this.#next ??= this.#checker!.entryAt(this.lines, this.at);
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
