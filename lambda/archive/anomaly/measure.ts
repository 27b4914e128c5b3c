import pMap from 'p-map';
import type { FileEntry, Piece } from '../entry';
import type { ComparedEntry, StoredPoint } from '../diff/compared-entries';
import { MANIFEST_PREFIX } from '../manifest';
import type { ObjectStore } from '../object-store';
import { cut, decodeOf, fetchRange } from '../ranges';
import { BYTES_LOOKED_AT, isNoise, LEAST_BYTES } from './entropy';
import type { PointChanges } from './judge';

/** Of changed files, so many are looked at. */
const MAX_LOOKED = 200;
/** Each is of a frame, in which many of the files are that one export has stored. */
const READS_IN_FLIGHT = 8;
/** Files that are gone, of which a new one may be the encrypted copy: `users.xml` and `users.xml.locked`. */
const MAX_GONE = 10_000;

interface ChangedFile {
  readonly before: FileEntry;
  readonly after: FileEntry;
}

export interface KnownChanges {
  /** The entries whose lines differ. */
  readonly differing: AsyncIterable<ComparedEntry>;
  /** Paths of those of them that look like noise now, where that was looked at. */
  readonly noisy: ReadonlySet<string> | undefined;
}

/**
 * What differs from an earlier point. Of some of the changed files the beginning is read where it is stored.
 *
 * @throws ArchiveDamagedError when a page of either is missing, cut short or changed, or a line that differs is none
 */
export async function measureChanges(
  store: ObjectStore,
  before: StoredPoint,
  { differing, noisy }: KnownChanges,
): Promise<PointChanges> {
  let [added, changed, removed] = [0, 0, 0];
  const sample = new Sample();
  const gone = new Map<string, FileEntry>();
  for await (const pair of differing) {
    const [old, now] = [fileOf(pair.before), fileOf(pair.after)];
    if (old && now) {
      if (old.sha256 === now.sha256) continue;
      changed += 1;
      sample.add({ before: old, after: now });
    } else if (old) {
      removed += 1;
      if (gone.size < MAX_GONE) gone.set(old.path, old);
    } else if (now) {
      added += 1;
      const copied = originalOf(now.path, gone);
      if (copied) sample.add({ before: copied, after: now });
    }
  }
  const looked = sample.files;
  const count = noisy
    ? (files: readonly ChangedFile[]) => countTurned(store, files, ({ path }) => noisy.has(path))
    : (files: readonly ChangedFile[]) => countNoise(store, files);
  const noise = await pMap(byFrame(looked), count, { concurrency: READS_IN_FLIGHT });
  return {
    since: before.manifestKey.slice((store.prefix + MANIFEST_PREFIX).length),
    files: before.header.counts.files,
    added,
    changed,
    removed,
    looked: looked.length,
    noise: noise.reduce((sum, count) => sum + count, 0),
  };
}

const fileOf = (entry: { readonly type: string } | undefined) =>
  entry?.type === 'file' ? (entry as FileEntry) : undefined;

/** A name that was made longer: its path comes after that of the original. */
function originalOf(path: string, gone: ReadonlyMap<string, FileEntry>): FileEntry | undefined {
  // The dot that a name begins with makes nothing longer. Nor would the search end there: what is before 0 is searched from 0.
  const name = path.lastIndexOf('/') + 1;
  for (let dot = path.lastIndexOf('.'); dot > name; dot = path.lastIndexOf('.', dot - 1)) {
    const original = gone.get(path.slice(0, dot));
    if (original) return original;
  }
  return undefined;
}

/** Of any number of files a part that does not depend on their order: those whose SHA-256 are the smallest. */
class Sample {
  #files: ChangedFile[] = [];

  get files(): readonly ChangedFile[] {
    this.#cut();
    return this.#files;
  }

  add(file: ChangedFile): void {
    if (Math.min(file.before.size, file.after.size) < LEAST_BYTES) return;
    this.#files.push(file);
    if (this.#files.length > MAX_LOOKED * 2) this.#cut();
  }

  #cut(): void {
    this.#files = this.#files.toSorted((a, b) => (a.after.sha256 < b.after.sha256 ? -1 : 1)).slice(0, MAX_LOOKED);
  }
}

/** Those together whose content now begins in the same frame. */
function byFrame(files: readonly ChangedFile[]): Iterable<readonly ChangedFile[]> {
  return Map.groupBy(files, ({ after }) => {
    const { pack, offset } = firstPieceOf(after);
    return `${pack}:${offset}`;
  }).values();
}

/** How many of them turned to noise. */
async function countNoise(store: ObjectStore, files: readonly ChangedFile[]): Promise<number> {
  const frame = await frameOf(store, files[0]!.after);
  return countTurned(store, files, (after) => isNoise(beginningOf(store, after, frame)));
}

/** What they were is looked at only where they are noise now. */
async function countTurned(
  store: ObjectStore,
  files: readonly ChangedFile[],
  isNoiseNow: (after: FileEntry) => boolean,
): Promise<number> {
  let noise = 0;
  for (const { before, after } of files) {
    if (isNoiseNow(after) && !isNoise(beginningOf(store, before, await frameOf(store, before)))) noise += 1;
  }
  return noise;
}

/** There is one: files of a sample have content. */
const firstPieceOf = ({ pieces }: FileEntry): Piece => pieces[0]!;

async function frameOf(store: ObjectStore, file: FileEntry): Promise<Buffer> {
  const piece = firstPieceOf(file);
  return decodeOf(store.prefix, piece, await fetchRange(store, piece));
}

const beginningOf = (store: ObjectStore, file: FileEntry, frame: Buffer): Buffer =>
  cut(store.prefix, firstPieceOf(file), frame).subarray(0, BYTES_LOOKED_AT);
