/**
 * The baseline: the entire server directory, once for each product version. A record, written on condition, makes it one; its
 * objects are content-addressed, never changed, and locked where the bucket has object lock.
 */
import { createHash } from 'node:crypto';
import { ArchiveError, messageOf } from '../archive/errors';
import { type ExportOutcome, type ExportProgress, exportVolume } from '../archive/export/export-volume';
import type { ObjectStore } from '../archive/object-store';
import { readHeader } from '../archive/points';
import { DirectoryVolume } from '../archive/volume';
import { compareTree, type TreeDifference } from './compare-tree';

/** Under the baseline's prefix. Without it, what else is there is an attempt that did not end. */
export const RECORD_KEY = 'baseline.json';

/** What the record says. */
export interface BaselineRecord {
  readonly formatVersion: 1;
  readonly deployment: string;
  readonly productVersion: string;
  /** Key in the bucket of the manifest. */
  readonly manifestKey: string;
  readonly createdAt: string;
  readonly files: number;
  readonly bytes: number;
}

export interface BaselineOptions {
  readonly store: ObjectStore;
  readonly deployment: string;
  readonly productVersion: string;
  /** The server directory: `<IS_HOME>`. */
  readonly directory: string;
  /** Locks every object until then, where the bucket has object lock. Default: for as long as the bucket itself says. */
  readonly lockUntil?: Date;
  readonly dryRun?: boolean;
  readonly onProgress?: (progress: ExportProgress) => void;
}

export type BaselineOutcome =
  | {
      readonly outcome: 'made' | 'would-make';
      readonly record: BaselineRecord | null;
      readonly exported: Pick<ExportOutcome, 'counts' | 'bytesStored' | 'excluded'>;
      /** ISO 8601; null: the bucket has no object lock. */
      readonly lockedUntil: string | null;
    }
  | { readonly outcome: 'is-there'; readonly record: BaselineRecord }
  | { readonly outcome: 'differs'; readonly record: BaselineRecord; readonly differences: readonly TreeDifference[] };

/** @throws ArchiveError where a file could not be read: a baseline is whole, or is none */
export async function makeBaseline(options: BaselineOptions): Promise<BaselineOutcome> {
  const { store, dryRun = false } = options;
  const existing = await readRecord(store);
  if (existing) return compare(options, existing);

  const exported = await exportVolume({
    volume: new DirectoryVolume(options.directory),
    store,
    volumeName: `baseline-${options.productVersion}`,
    mountedAt: '',
    fullRead: true,
    dryRun,
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  });
  const [problem] = exported.problems;
  if (problem)
    throw new ArchiveError(
      `${problem.path}: ${problem.reason}: there is no baseline without it; repeat it when that is mended`,
    );
  const { counts, bytesStored, excluded } = exported;
  if (dryRun) {
    return { outcome: 'would-make', record: null, exported: { counts, bytesStored, excluded }, lockedUntil: null };
  }
  const record: BaselineRecord = {
    formatVersion: 1,
    deployment: options.deployment,
    productVersion: options.productVersion,
    manifestKey: exported.manifestKey,
    createdAt: exported.endedAt,
    files: counts.files,
    bytes: counts.bytes,
  };
  // Before the record: what it names can then not be deleted any more.
  const lockedUntil = await lock(options, exported.manifestKey);
  if ((await writeRecord(store, record)) === 'exists') {
    const other = await readRecord(store);
    if (!other) throw new ArchiveError(`${store.description}${RECORD_KEY} vanished as it was written: repeat it`);
    return compare(options, other);
  }
  if (lockedUntil !== null) await store.extendLock(RECORD_KEY, new Date(lockedUntil));
  return { outcome: 'made', record, exported: { counts, bytesStored, excluded }, lockedUntil };
}

async function compare({ store, directory }: BaselineOptions, record: BaselineRecord): Promise<BaselineOutcome> {
  const differences = await compareTree(store, record.manifestKey, new DirectoryVolume(directory));
  return differences.length === 0 ? { outcome: 'is-there', record } : { outcome: 'differs', record, differences };
}

export async function readRecord(store: ObjectStore): Promise<BaselineRecord | undefined> {
  const body = await store.get(RECORD_KEY);
  if (!body) return undefined;
  try {
    const record = JSON.parse(body.toString()) as BaselineRecord;
    if (record.formatVersion === 1 && typeof record.manifestKey === 'string') return record;
    throw new Error(`formatVersion is ${JSON.stringify(record.formatVersion)}`);
  } catch (error) {
    throw new ArchiveError(
      `${store.description}${RECORD_KEY} is no record of a baseline that this release can read: ${messageOf(error)}`,
    );
  }
}

function writeRecord(store: ObjectStore, record: BaselineRecord): Promise<'created' | 'exists'> {
  const body = Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`);
  return store.put(RECORD_KEY, body, createHash('sha256').update(body).digest('hex'));
}

/** Until when everything that the baseline needs is locked; null: the bucket has no object lock. */
async function lock({ store, lockUntil }: BaselineOptions, manifestKey: string): Promise<string | null> {
  const retention = await store.defaultRetention();
  if (!retention) {
    if (lockUntil) throw new ArchiveError(`${store.description} has no object lock: leave out --lock-for`);
    return null;
  }
  const until = lockUntil ?? new Date(Date.now() + retention.days * 86_400_000);
  const { packs, pages } = await readHeader(store, manifestKey);
  const keys = [...packs, ...pages].map(({ key }) => key);
  for (const key of [...keys, manifestKey.slice(store.prefix.length)]) await store.extendLock(key, until);
  return until.toISOString();
}
