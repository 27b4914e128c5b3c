/** The points of an archive: which there are, and which of them can be restored. */
import pMap from 'p-map';
import { ArchiveDamagedError, ArchiveError } from './errors';
import { decodeManifest, MANIFEST_PREFIX, PACK_PREFIX, type Manifest, type ManifestHeader } from './manifest';
import type { ObjectStore } from './object-store';

export interface Point {
  /** Key in the bucket, the store's prefix included. */
  readonly manifestKey: string;
  /** Absent when the manifest is damaged. */
  readonly header?: ManifestHeader;
  /** Every pack that it names is there, with its size. */
  readonly complete: boolean;
  /** Why it is not complete: each pack that is missing or has another size, or the damage of the manifest. */
  readonly problems: readonly string[];
}

const MANIFESTS_IN_FLIGHT = 4;

/** Keys in the bucket, oldest first. */
export async function listManifests(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(MANIFEST_PREFIX)) {
    if (key.endsWith('.jsonl.zst')) keys.push(store.prefix + key);
  }
  return keys.sort();
}

/** Size by relative key. */
export async function listPacks(store: ObjectStore): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, bytes } of store.list(PACK_PREFIX)) sizes.set(key, bytes);
  return sizes;
}

/** A line for each pack that the manifest names and that is not there as it should be. */
export function missingPacks(header: ManifestHeader, present: ReadonlyMap<string, number>): string[] {
  return header.packs.flatMap(({ key, bytes }) => {
    const size = present.get(key);
    if (size === undefined) return [`the pack ${key} is missing`];
    return size === bytes ? [] : [`the pack ${key} has ${size} bytes instead of ${bytes}`];
  });
}

/**
 * Newest first. At the DR site a manifest may have arrived before its packs: such a point is not complete, and says so.
 */
export async function listPoints(store: ObjectStore): Promise<readonly Point[]> {
  // Manifests before packs: a point that is committed between the two lists is then not seen, instead of seen half.
  const keys = (await listManifests(store)).reverse();
  const present = await listPacks(store);
  return pMap(keys, (manifestKey) => examinePoint(store, manifestKey, present), { concurrency: MANIFESTS_IN_FLIGHT });
}

async function examinePoint(
  store: ObjectStore,
  manifestKey: string,
  present: ReadonlyMap<string, number>,
): Promise<Point> {
  try {
    const { header } = await readManifest(store, manifestKey);
    const problems = missingPacks(header, present);
    return { manifestKey, header, complete: problems.length === 0, problems };
  } catch (error) {
    if (!(error instanceof ArchiveDamagedError)) throw error;
    return { manifestKey, complete: false, problems: [error.problem] };
  }
}

/**
 * The newest complete point, or the newest that had ended at a time.
 *
 * @throws ArchiveError when there is none, with what is wrong with those that are there
 */
export async function choosePoint(store: ObjectStore, at?: Date): Promise<Point> {
  const points = await listPoints(store);
  const inTime = points.filter(({ header }) => !at || !header || Date.parse(header.endedAt) <= at.getTime());
  const chosen = inTime.find(({ complete }) => complete);
  if (chosen) return chosen;
  const when = at ? ` that had ended by ${at.toISOString()}` : '';
  const why = inTime.map(({ manifestKey, problems }) => `\n  ${manifestKey}: ${problems.join('; ')}`).join('');
  throw new ArchiveError(
    why ? `no complete point${when} is in ${store.description}:${why}` : `no point${when} is in ${store.description}`,
  );
}

/**
 * @param manifestKey key in the bucket, the store's prefix included
 * @throws ArchiveDamagedError when it is missing, cut short or changed
 */
export async function readManifest(store: ObjectStore, manifestKey: string): Promise<Manifest> {
  const folder = store.prefix + MANIFEST_PREFIX;
  if (!manifestKey.startsWith(folder)) {
    throw new ArchiveError(`\`manifestKey\` must begin with ${folder}, got ${manifestKey}`);
  }
  const body = await store.get(manifestKey.slice(store.prefix.length));
  if (!body) throw new ArchiveDamagedError(manifestKey, 'the manifest is missing');
  return decodeManifest(manifestKey, body);
}
