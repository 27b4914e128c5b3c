import pMap from 'p-map';
import type { FileEntry } from '../entry';
import { comparedEntries, type StoredPoint } from '../diff/compared-entries';
import { MANIFEST_PREFIX } from '../manifest';
import type { ObjectStore } from '../object-store';
import { cut, decodeOf, fetchRange } from '../ranges';
import { isNoise, LEAST_BYTES } from './entropy';
import type { PointChanges } from './judge';

/** Of changed files, so many are looked at: each is two small reads of S3. */
const MAX_LOOKED = 200;
const READS_IN_FLIGHT = 8;
/** Of each, so much: noise shows at once. */
const BYTES_LOOKED_AT = 64 * 1024;
/** Files that are gone, of which a new one may be the encrypted copy: `users.xml` and `users.xml.locked`. */
const MAX_GONE = 10_000;

interface ChangedFile {
  readonly before: FileEntry;
  readonly after: FileEntry;
}

/**
 * What differs between a point and an earlier one. Only the pages are read that one of them does not have, only lines
 * that differ are parsed, and of some of the changed files the beginning is read.
 *
 * @throws ArchiveDamagedError when a page of either is missing, cut short or changed, or a line that differs is none
 */
export async function measureChanges(
  store: ObjectStore,
  before: StoredPoint,
  after: StoredPoint,
): Promise<PointChanges> {
  let [added, changed, removed] = [0, 0, 0];
  const sample = new Sample();
  const gone = new Map<string, FileEntry>();
  for await (const pair of comparedEntries(store, before, after)) {
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
  const turned = await pMap(looked, (file) => turnedToNoise(store, file), { concurrency: READS_IN_FLIGHT });
  return {
    since: before.manifestKey.slice((store.prefix + MANIFEST_PREFIX).length),
    files: before.header.counts.files,
    added,
    changed,
    removed,
    looked: looked.length,
    noise: turned.filter(Boolean).length,
  };
}

const fileOf = (entry: { readonly type: string } | undefined) =>
  entry?.type === 'file' ? (entry as FileEntry) : undefined;

/** A name that was made longer: its path comes after that of the original. */
function originalOf(path: string, gone: ReadonlyMap<string, FileEntry>): FileEntry | undefined {
  for (let dot = path.lastIndexOf('.'); dot > path.lastIndexOf('/'); dot = path.lastIndexOf('.', dot - 1)) {
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

async function turnedToNoise(store: ObjectStore, { before, after }: ChangedFile): Promise<boolean> {
  return isNoise(await beginningOf(store, after)) && !isNoise(await beginningOf(store, before));
}

async function beginningOf(store: ObjectStore, { pieces: [piece] }: FileEntry): Promise<Buffer> {
  if (!piece) return Buffer.alloc(0);
  const frame = decodeOf(store.prefix, piece, await fetchRange(store, piece));
  return cut(store.prefix, piece, frame).subarray(0, BYTES_LOOKED_AT);
}
