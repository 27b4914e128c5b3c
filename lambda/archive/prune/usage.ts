/** What the points that stay need: objects as a whole, and how much of each pack. */
import { EntryChecker } from '../check-entries';
import type { FileEntry } from '../entry';
import { ArchiveDamagedError } from '../errors';
import { type ManifestHeader, type PackReference, sha256OfKey } from '../manifest';
import type { ObjectStore } from '../object-store';
import { readPage } from '../points';

/** Keys of all packs and pages that these points name. */
export function objectsOf(headers: Iterable<ManifestHeader>): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const { packs, pages } of headers) for (const { key } of [...packs, ...pages]) keys.add(key);
  return keys;
}

export interface KeptPoint {
  readonly manifestKey: string;
  readonly header: ManifestHeader;
}

/** The entries of files of all pages of these points, each page once. */
export async function* filesOf(store: ObjectStore, points: readonly KeptPoint[]): AsyncGenerator<FileEntry> {
  const seen = new Set<string>();
  for (const { manifestKey, header } of points) {
    const checker = new EntryChecker(header, (problem) => new ArchiveDamagedError(manifestKey, problem));
    for (const page of header.pages) {
      if (seen.has(page.key)) {
        checker.skip();
        continue;
      }
      seen.add(page.key);
      for (const entry of checker.entriesOf(page, await readPage(store, page)).entries) {
        if (entry.type === 'file') yield entry;
      }
    }
  }
}

/** Bytes of content that somebody needs, by pack; what several files share counts once. */
export async function liveBytes(
  store: ObjectStore,
  points: readonly KeptPoint[],
): Promise<ReadonlyMap<string, number>> {
  const live = new Map<string, number>();
  const seen = new Map<string, Set<number>>();
  for await (const { pieces } of filesOf(store, points)) {
    for (const { pack, offset, skip, size } of pieces) {
      let places = seen.get(pack);
      if (!places) seen.set(pack, (places = new Set()));
      const place = offset * 2 ** 24 + skip;
      if (places.has(place)) continue;
      places.add(place);
      live.set(pack, (live.get(pack) ?? 0) + size);
    }
  }
  return live;
}

/** Packs of which less than this part is needed are written anew without the rest. */
const HALF = 0.5;

/** SHA-256 of the packs that are more than half empty. */
export function halfEmptyPacks(packs: Iterable<PackReference>, live: ReadonlyMap<string, number>): ReadonlySet<string> {
  const empty = new Set<string>();
  for (const { key, contentBytes } of packs) {
    const sha256 = sha256OfKey(key);
    if ((live.get(sha256) ?? 0) < contentBytes * HALF) empty.add(sha256);
  }
  return empty;
}
