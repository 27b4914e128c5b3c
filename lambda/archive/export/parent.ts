/** The point before, that an export takes from what did not change. */
import type { Authenticator } from '../authenticity';
import { MANIFEST_PREFIX, type ManifestHeader } from '../manifest';
import type { ObjectStore } from '../object-store';
import { beginListContents, examinePoint, listManifestSizes, readHeader } from '../points';
import type { Remark } from './remark';

export interface Parent {
  /** Of its manifest, below `manifests/`. */
  readonly name: string;
  readonly header: ManifestHeader;
}

export interface ParentSearch {
  /** A point that is not authentic by it is none to take from: what it says would be signed as if it were ours. */
  readonly authenticator?: Authenticator;
  /** Name of a manifest: only those that sort before it. */
  readonly before?: string;
  /** Told of the size of the newest manifest before anything else is read. */
  readonly onFound?: (manifestBytes: number) => void;
}

/** The newest point that is whole: content of an incomplete or damaged one cannot be relied on. */
export async function findParent(
  store: ObjectStore,
  { authenticator, before, onFound }: ParentSearch = {},
): Promise<{ readonly parent: Parent | undefined; readonly warnings: readonly Remark[] }> {
  const folder = store.prefix + MANIFEST_PREFIX;
  const sizes = await listManifestSizes(store);
  const keys = Array.from(sizes.keys())
    .filter((key) => before === undefined || key < folder + before)
    .reverse();
  if (keys.length === 0) return { parent: undefined, warnings: [] };
  onFound?.(sizes.get(keys[0]!)!);
  const present = beginListContents(store);
  const warnings: Remark[] = [];
  for (const key of keys) {
    const { header, complete, problems, authentic } = await examinePoint(store, key, present, authenticator);
    if (header && complete) return { parent: { name: key.slice(folder.length), header }, warnings };
    const state = !header ? 'damaged' : authentic === false ? 'not authentic' : 'incomplete';
    warnings.push({ path: key, reason: `an earlier point is ${state}: ${problems.join(', ')}` });
  }
  return { parent: undefined, warnings };
}

/** The parent that an export has begun with, by its name. */
export async function readParent(store: ObjectStore, name: string): Promise<Parent> {
  return { name, header: await readHeader(store, store.prefix + MANIFEST_PREFIX + name) };
}
