import { displayPath } from '../byte-path';
import type { FileEntry, ManifestEntry } from '../entry';
import type { ObjectStore } from '../object-store';
import { readHeader } from '../points';
import { comparedEntries } from './compared-entries';

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
 * How one point differs from another, in the order of their paths. Pages that both have are not read, lines that both have are
 * not parsed.
 *
 * @param before key of a manifest in the bucket, the store's prefix included
 * @throws ArchiveDamagedError when a page of either is missing, cut short or changed, or a line that differs is none
 */
export async function* diffPoints(store: ObjectStore, before: string, after: string): AsyncGenerator<Difference> {
  const [first, second] = await Promise.all([readHeader(store, before), readHeader(store, after)]);
  for await (const pair of comparedEntries(
    store,
    { manifestKey: before, header: first },
    { manifestKey: after, header: second },
  )) {
    if (pair.before && pair.after) {
      const change = changeOf(pair.before, pair.after);
      if (change === undefined) continue;
      yield {
        path: displayPath(pair.before.path),
        change,
        before: describe(pair.before),
        after: describe(pair.after),
      };
    } else if (pair.before) {
      yield { path: displayPath(pair.before.path), change: 'removed', before: describe(pair.before) };
    } else if (pair.after) {
      yield { path: displayPath(pair.after.path), change: 'added', after: describe(pair.after) };
    }
  }
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
