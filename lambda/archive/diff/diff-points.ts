import { comparePaths, displayPath } from '../byte-path';
import { EntryChecker } from '../check-entries';
import type { FileEntry, ManifestEntry } from '../entry';
import { ArchiveDamagedError } from '../errors';
import type { ManifestHeader } from '../manifest';
import type { ObjectStore } from '../object-store';
import { readHeader, readPage } from '../points';

export interface Difference {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'type' | 'content' | 'target' | 'metadata';
  readonly before?: DescribedEntry;
  readonly after?: DescribedEntry;
}

/** What a difference can be in; a hard link shows the content of its file by its target. */
export interface DescribedEntry {
  readonly type: ManifestEntry['type'];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
}

/**
 * How one point differs from another, in the order of their paths. Pages that both have are not read.
 *
 * @param before key of a manifest in the bucket, the store's prefix included
 * @throws ArchiveDamagedError when a part of either is missing, cut short or changed
 */
export async function* diffPoints(store: ObjectStore, before: string, after: string): AsyncGenerator<Difference> {
  const [first, second] = await Promise.all([readHeader(store, before), readHeader(store, after)]);
  const common = new Set(first.pages.map(({ key }) => key));
  const shared = new Set(second.pages.map(({ key }) => key).filter((key) => common.has(key)));
  const a = ownEntries(store, before, first, shared);
  const b = ownEntries(store, after, second, shared);
  let [left, right] = [await a.next(), await b.next()];
  while (!left.done || !right.done) {
    const order = left.done ? 1 : right.done ? -1 : comparePaths(left.value.path, right.value.path);
    if (order === 0) {
      const change = changeOf(left.value!, right.value!);
      if (change !== undefined) {
        const path = displayPath(left.value!.path);
        yield { path, change, before: describe(left.value!), after: describe(right.value!) };
      }
      [left, right] = [await a.next(), await b.next()];
    } else if (order < 0) {
      yield { path: displayPath(left.value!.path), change: 'removed', before: describe(left.value!) };
      left = await a.next();
    } else {
      yield { path: displayPath(right.value!.path), change: 'added', after: describe(right.value!) };
      right = await b.next();
    }
  }
}

/** The entries of the pages that the other point does not have. */
async function* ownEntries(
  store: ObjectStore,
  manifestKey: string,
  header: ManifestHeader,
  shared: ReadonlySet<string>,
): AsyncGenerator<ManifestEntry, undefined> {
  const checker = new EntryChecker(header, (problem) => new ArchiveDamagedError(manifestKey, problem));
  for (const page of header.pages) {
    if (shared.has(page.key)) checker.skip();
    else yield* checker.entriesOf(page, await readPage(store, page)).entries;
  }
  return undefined;
}

function changeOf(a: ManifestEntry, b: ManifestEntry): Difference['change'] | undefined {
  if (a.type !== b.type) return 'type';
  if (a.type === 'file' && a.sha256 !== (b as FileEntry).sha256) return 'content';
  if ('target' in a && 'target' in b && a.target !== b.target) return 'target';
  const same = a.mode === b.mode && a.uid === b.uid && a.gid === b.gid && a.mtimeNs === b.mtimeNs;
  return same ? undefined : 'metadata';
}

function describe(entry: ManifestEntry): DescribedEntry {
  const { type, mode, uid, gid, mtimeNs } = entry;
  const common = { type, mode, uid, gid, mtimeNs };
  if (entry.type === 'file') return { ...common, size: entry.size, sha256: entry.sha256 };
  return entry.type === 'directory' ? common : { ...common, target: displayPath(entry.target) };
}
