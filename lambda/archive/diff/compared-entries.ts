import { comparePaths } from '../byte-path';
import { EntryChecker } from '../check-entries';
import type { ManifestEntry } from '../entry';
import { ArchiveDamagedError } from '../errors';
import type { ManifestHeader } from '../manifest';
import type { ObjectStore } from '../object-store';
import { readPage } from '../points';

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
 * The entries of two points side by side, in the order of their paths. Pages that both have are not read: what they list is
 * the same in both.
 *
 * @throws ArchiveDamagedError when a part of either is missing, cut short or changed
 */
export async function* comparedEntries(
  store: ObjectStore,
  before: StoredPoint,
  after: StoredPoint,
): AsyncGenerator<ComparedEntry> {
  const common = new Set(before.header.pages.map(({ key }) => key));
  const shared = new Set(after.header.pages.map(({ key }) => key).filter((key) => common.has(key)));
  const a = ownEntries(store, before, shared);
  const b = ownEntries(store, after, shared);
  let [left, right] = [await a.next(), await b.next()];
  while (!left.done || !right.done) {
    const order = left.done ? 1 : right.done ? -1 : comparePaths(left.value.path, right.value.path);
    yield {
      ...(order <= 0 && !left.done ? { before: left.value } : {}),
      ...(order >= 0 && !right.done ? { after: right.value } : {}),
    };
    if (order <= 0) left = await a.next();
    if (order >= 0) right = await b.next();
  }
}

/** The entries of the pages that the other point does not have. */
async function* ownEntries(
  store: ObjectStore,
  { manifestKey, header }: StoredPoint,
  shared: ReadonlySet<string>,
): AsyncGenerator<ManifestEntry, undefined> {
  const checker = new EntryChecker(header, (problem) => new ArchiveDamagedError(manifestKey, problem));
  for (const page of header.pages) {
    if (shared.has(page.key)) checker.skip();
    else yield* checker.entriesOf(page, await readPage(store, page)).entries;
  }
  return undefined;
}
