/** The points of an archive: which there are, and which of them can be restored. */
import pMap from 'p-map';
import { suspicionOf } from './anomaly/trust';
import { type Authenticator, distrust } from './authenticity';
import { displayPath } from './byte-path';
import { type CheckedEntries, EntryChecker } from './check-entries';
import type { ManifestEntry } from './entry';
import { ArchiveDamagedError, ArchiveError } from './errors';
import { release } from './frame';
import type { Damaged } from './json-checks';
import { decodeManifest, MANIFEST_PREFIX, PACK_PREFIX, PAGE_PREFIX, stampOf } from './manifest';
import type { ManifestHeader, PageReference, SignedManifest } from './manifest';
import { getInto, type ObjectStore } from './object-store';
import { decodeStoredPage, MAX_PAGE_BYTES, type StoredPage } from './page';

export interface Point {
  /** Key in the bucket, the store's prefix included. */
  readonly manifestKey: string;
  /** Absent when the manifest is damaged. */
  readonly header?: ManifestHeader;
  /** Every pack and page that it names is there, with its size, and it is authentic where that is asked for. */
  readonly complete: boolean;
  /**
   * Why it is not complete: each object that is missing or has another size, the damage of the manifest, or why nothing says that
   * it is one of ours.
   */
  readonly problems: readonly string[];
  /** Whether the manifest has a MAC, and whether that is right; absent when the manifest is damaged. */
  readonly signature?: 'none' | 'not checked' | 'right' | 'wrong';
  /** False: it is not to be relied on, whatever else is right. Absent when nobody asked, or the manifest is damaged. */
  readonly authentic?: boolean;
  /** Why it is not to be restored before a person looked at it; absent: nothing is suspicious, or somebody did. */
  readonly suspicion?: string;
}

const MANIFESTS_IN_FLIGHT = 8;

/** Keys in the bucket, oldest first. */
export const listManifests = async (store: ObjectStore): Promise<string[]> =>
  Array.from((await listManifestSizes(store)).keys());

/** By their keys in the bucket, oldest first. */
export async function listManifestSizes(store: ObjectStore): Promise<ReadonlyMap<string, number>> {
  const sizes: [key: string, bytes: number][] = [];
  for await (const { key, bytes } of store.list(MANIFEST_PREFIX)) {
    if (key.endsWith('.jsonl.zst')) sizes.push([store.prefix + key, bytes]);
  }
  return new Map(sizes.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Size by relative key, of packs and pages. */
export async function listContents(store: ObjectStore): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  await Promise.all(
    [PACK_PREFIX, PAGE_PREFIX].map(async (prefix) => {
      for await (const { key, bytes } of store.list(prefix)) sizes.set(key, bytes);
    }),
  );
  return sizes;
}

/** As {@link listContents}, while manifests are read: its failure is that of whoever waits for it. */
export function beginListContents(store: ObjectStore): ReturnType<typeof listContents> {
  const present = listContents(store);
  present.catch(() => {});
  return present;
}

/** A line for each object that the manifest names and that is not there as it should be. */
export function missingObjects(
  { packs, pages }: Pick<ManifestHeader, 'packs' | 'pages'>,
  present: ReadonlyMap<string, number>,
): string[] {
  const missing = (what: string, objects: readonly { readonly key: string; readonly bytes: number }[]) =>
    objects.flatMap(({ key, bytes }) => {
      const size = present.get(key);
      if (size === undefined) return [`the ${what} ${key} is missing`];
      return size === bytes ? [] : [`the ${what} ${key} has ${size} bytes instead of ${bytes}`];
    });
  return [...missing('pack', packs), ...missing('page', pages)];
}

/**
 * Newest first. At the DR site a manifest may have arrived before its packs: such a point is not complete, and says so.
 *
 * @param authenticator what is not authentic by it is not complete either; without it nobody asks
 * @param onFound told of the size of the largest manifest before any is read
 */
export async function listPoints(
  store: ObjectStore,
  authenticator?: Authenticator,
  onFound?: (manifestBytes: number) => void,
): Promise<readonly Point[]> {
  // Manifests before packs: a point that is committed between the two lists is then not seen, instead of seen half.
  const sizes = await listManifestSizes(store);
  const keys = Array.from(sizes.keys()).reverse();
  onFound?.(Array.from(sizes.values()).reduce((most, bytes) => Math.max(most, bytes), 0));
  const present = beginListContents(store);
  const points = await pMap(keys, (manifestKey) => examinePoint(store, manifestKey, present, authenticator), {
    concurrency: MANIFESTS_IN_FLIGHT,
  });
  // Also where no manifest had it waited for.
  await present;
  return points;
}

export async function examinePoint(
  store: ObjectStore,
  manifestKey: string,
  present: ReadonlyMap<string, number> | Promise<ReadonlyMap<string, number>>,
  authenticator?: Authenticator,
): Promise<Point> {
  let signed: SignedManifest;
  try {
    signed = await readSigned(store, manifestKey);
  } catch (error) {
    if (!(error instanceof ArchiveDamagedError)) throw error;
    return { manifestKey, complete: false, problems: [error.problem] };
  }
  const { header, mac } = signed;
  const doubt = authenticator && (await distrust(store.prefix, signed, authenticator));
  const problems = [...(doubt === undefined ? [] : [doubt]), ...missingObjects(header, await present)];
  const suspicion = await suspicionOf(store, manifestKey, header);
  return {
    manifestKey,
    header,
    complete: problems.length === 0,
    problems,
    ...(authenticator && { authentic: doubt === undefined }),
    signature: !mac ? 'none' : !authenticator ? 'not checked' : doubt === undefined ? 'right' : 'wrong',
    ...(suspicion === undefined ? {} : { suspicion }),
  };
}

export interface ChosenPoint extends Point {
  /** Newer ones that would have been chosen, were they complete and not suspicious; newest first. */
  readonly passedOver: readonly Point[];
}

export interface ChoiceOptions {
  /** What is not authentic by it is not chosen; without it nobody asks. */
  readonly authenticator?: Authenticator | undefined;
  /** Also what its export found suspicious. */
  readonly alsoSuspicious?: boolean;
}

/**
 * The newest complete point that is not suspicious, or the newest that had ended at a time.
 *
 * @throws ArchiveError when there is none, with what is wrong with those that are there
 */
export async function choosePoint(
  store: ObjectStore,
  at?: Date,
  { authenticator, alsoSuspicious = false }: ChoiceOptions = {},
): Promise<ChosenPoint> {
  const listed = await listPoints(store, authenticator);
  const points = alsoSuspicious ? listed : listed.map(withSuspicion);
  const inTime = at ? points.filter((point) => hadEndedBy(point, at)) : points;
  const index = inTime.findIndex(({ complete, problems }) => complete && problems.length === 0);
  if (index >= 0) return { ...inTime[index]!, passedOver: inTime.slice(0, index) };
  const when = at ? ` that had ended by ${at.toISOString()}` : '';
  const why = inTime.map(({ manifestKey, problems }) => `\n  ${manifestKey}: ${problems.join('; ')}`).join('');
  const oldest = points.at(-1)?.header?.endedAt;
  const since = inTime.length === points.length || oldest === undefined ? '' : `: the oldest there ended at ${oldest}`;
  throw new ArchiveError(
    why
      ? `no complete point${when} is in ${store.description}:${why}`
      : `no point${when} is in ${store.description}${since}`,
  );
}

const withSuspicion = (point: Point): Point =>
  point.suspicion === undefined ? point : { ...point, problems: [...point.problems, `suspicious: ${point.suspicion}`] };

/**
 * The manifest whose name begins so.
 *
 * @throws ArchiveError where none does, or several do
 */
export async function findManifest(store: ObjectStore, name: string): Promise<string> {
  const found = (await listManifests(store)).filter((key) => key.includes(`/${name}`) || key.startsWith(name));
  if (found.length === 1) return found[0]!;
  throw new ArchiveError(
    `\`${name}\` must be the beginning of the name of one manifest, got ${found.length} in ${store.description}`,
  );
}

/** Of one whose manifest is damaged, only its start is known, by its name. */
const hadEndedBy = ({ manifestKey, header }: Point, at: Date): boolean =>
  header ? Date.parse(header.endedAt) <= at.getTime() : nameOf(manifestKey) <= stampOf(at);

const nameOf = (manifestKey: string) => manifestKey.slice(manifestKey.lastIndexOf('/') + 1);

/**
 * The manifest proper: everything about a point but its entries.
 *
 * @param manifestKey key in the bucket, the store's prefix included
 * @throws ArchiveDamagedError when it is missing, cut short or changed
 */
export const readHeader = async (store: ObjectStore, manifestKey: string): Promise<ManifestHeader> =>
  (await readSigned(store, manifestKey)).header;

/** As {@link readHeader}, with who says that they wrote it. */
export async function readSigned(store: ObjectStore, manifestKey: string): Promise<SignedManifest> {
  const folder = store.prefix + MANIFEST_PREFIX;
  if (!manifestKey.startsWith(folder)) {
    throw new ArchiveError(`\`manifestKey\` must begin with ${folder}, got ${manifestKey}`);
  }
  const body = await store.get(manifestKey.slice(store.prefix.length));
  if (!body) throw new ArchiveDamagedError(manifestKey, 'the manifest is missing');
  return decodeManifest(manifestKey, body);
}

export type { StoredPage } from './page';

/**
 * The lines of one page, compared with the SHA-256 that its name says.
 *
 * @throws ArchiveDamagedError that names the page
 */
export async function readPage(store: ObjectStore, { key, bytes }: StoredPage): Promise<Buffer> {
  const name = store.prefix + key;
  const damaged: Damaged = (problem, cause) => new ArchiveDamagedError(name, problem, { cause });
  // Nobody's word is taken for more memory than any page needs.
  if (bytes > MAX_PAGE_BYTES) throw damaged(`the page is to have ${bytes} bytes, more than any has`);
  const memory = Buffer.allocUnsafeSlow(bytes);
  try {
    const length = await getInto(store, key, memory);
    if (length === undefined) throw damaged(PAGE_IS_MISSING);
    return decodeStoredPage({ key, bytes }, memory.subarray(0, length), length, damaged);
  } finally {
    release(memory);
  }
}

export const PAGE_IS_MISSING = 'the page is missing';

export interface EntryPage extends CheckedEntries {
  readonly lines: Buffer;
}

export interface EntrySelection {
  /** Of the page with this index; others are not fetched. */
  readonly needsPage: (index: number) => boolean;
  readonly isWanted: (path: string) => boolean;
  /** Told of a page that is damaged, which is then left out. Default: it is thrown. */
  readonly onDamage?: (error: ArchiveDamagedError) => void;
}

const EVERYTHING: EntrySelection = { needsPage: () => true, isWanted: () => true };

/**
 * The entries of a point, page by page in the order of their paths, checked.
 *
 * @throws ArchiveDamagedError when they are not what an export writes, or would lead a restore astray
 */
export const readEntries = (
  store: ObjectStore,
  manifestKey: string,
  header: ManifestHeader,
  selection: EntrySelection = EVERYTHING,
): AsyncGenerator<EntryPage> =>
  readPages(store, manifestKey, header, selection, (checker, page, lines) => ({
    ...checker.entriesOf(page, lines, selection.isWanted),
    lines,
  }));

/**
 * As {@link readEntries}, for whoever needs no object for each entry.
 *
 * @param take has the checker go along the lines of a page, and says what was found
 */
export async function* readPages<T>(
  store: ObjectStore,
  manifestKey: string,
  header: ManifestHeader,
  selection: EntrySelection,
  take: (checker: EntryChecker, page: PageReference, lines: Buffer) => T,
): AsyncGenerator<T> {
  const checker = new EntryChecker(header, (problem) => new ArchiveDamagedError(manifestKey, problem));
  const wanted = header.pages.filter((_, index) => selection.needsPage(index));
  const fetching: Promise<Buffer>[] = [];
  for (const [index, page] of wanted.entries()) {
    while (fetching.length < Math.min(index + PAGES_AHEAD, wanted.length)) {
      const next = readPage(store, wanted[fetching.length]!);
      // It is awaited in its turn; until then its failure is nobody's.
      next.catch(() => {});
      fetching.push(next);
    }
    let taken: T;
    try {
      const lines = await fetching[index]!;
      delete fetching[index];
      taken = take(checker, page, lines);
    } catch (error) {
      if (!(error instanceof ArchiveDamagedError) || !selection.onDamage) throw error;
      checker.skip();
      selection.onDamage(error);
      continue;
    }
    yield taken;
  }
}

const PAGES_AHEAD = 3;

export interface Manifest {
  readonly header: ManifestHeader;
  /** Sorted by the bytes of their paths. */
  readonly entries: readonly ManifestEntry[];
}

/**
 * A point with all its entries in memory: about 1 kB each. {@link readEntries} gives them page by page.
 *
 * @throws ArchiveDamagedError when a part of it is missing, cut short or changed
 */
export async function readManifest(store: ObjectStore, manifestKey: string): Promise<Manifest> {
  const header = await readHeader(store, manifestKey);
  const entries: ManifestEntry[] = [];
  const files = new Set<string>();
  for await (const page of readEntries(store, manifestKey, header)) {
    for (const entry of page.entries) {
      if (entry.type === 'file') files.add(entry.path);
      if (entry.type === 'hardlink' && !files.has(entry.target)) {
        throw new ArchiveDamagedError(
          manifestKey,
          `the hard link ${displayPath(entry.path)} is to ${displayPath(entry.target)}, which is no file of it`,
        );
      }
      entries.push(entry);
    }
  }
  return { header, entries };
}
