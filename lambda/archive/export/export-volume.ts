import { createHash } from 'node:crypto';
import { addCounts, countLines, type Counts, NOTHING } from '../counts';
import { comparePaths, displayPath } from '../byte-path';
import { type Crew, defaultCrewSize, GrowingCrew, MAX_CREW_SIZE, SoloCrew, ThreadCrew } from '../crew/crew';
import { DryStore } from '../dry-store';
import { ArchiveError, messageOf } from '../errors';
import {
  encodeManifest,
  FORMAT,
  FORMAT_VERSION,
  MANIFEST_PREFIX,
  manifestName,
  type PackReference,
  packKey,
  type PageReference,
} from '../manifest';
import type { ObjectStore } from '../object-store';
import { checkStored } from '../put-checked';
import { DirectoryVolume, type Volume } from '../volume';
import { ExportRange, type RangeOutcome } from './export-range';
import type { BuiltPage } from './page-builder';
import { findParent, type Parent } from './parent';
import type { Remark } from './remark';
import { ExportSession, type ExportSettings } from './session';

export interface ExportOptions {
  readonly volume: Volume;
  readonly store: ObjectStore;
  /** Name of the volume, for the manifest. */
  readonly volumeName: string;
  /** Relative to `<IS_HOME>`: what is left out depends on it. */
  readonly mountedAt: string;
  /** Read every file. Default: when the last full read is 7 days old or older. */
  readonly fullRead?: boolean;
  /** Reads what an export would read, and writes nothing. */
  readonly dryRun?: boolean;
  /** Default: as many as there are cores, more where the volume's calls take long; 0 works on the calling thread alone. */
  readonly threads?: number;
  readonly now?: () => Date;
  readonly onProgress?: (progress: ExportProgress) => void;
}

export interface ExportProgress {
  /** Entries that were visited. */
  readonly entriesDone: number;
  /** As many as the export before had; undefined in the first. */
  readonly entriesExpected: number | undefined;
  readonly filesRead: number;
  readonly bytesRead: number;
}

export interface ExportOutcome {
  /** Key in the bucket, the store's prefix included. */
  readonly manifestKey: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly counts: Counts;
  readonly filesRead: number;
  readonly bytesRead: number;
  readonly bytesStored: number;
  readonly excluded: readonly Remark[];
  /** What could not be read or never held still. */
  readonly problems: readonly Remark[];
  readonly warnings: readonly Remark[];
}

const FULL_READ_EVERY_MS = 7 * 24 * 3600 * 1000;
/**
 * A file that changed this shortly before its export may change again within the same tick of the file server's clock,
 * or of one that is a little off: it is read again next time.
 */
const SETTLED_NS = 2_000_000_000n;

/**
 * Exports a volume: packs first, then pages, then the manifest, which is what makes it a point.
 *
 * @throws ArchiveError when the volume is not there, or empty where it was not, or the store refuses; no point exists then
 */
export async function exportVolume(options: ExportOptions): Promise<ExportOutcome> {
  const { volume, now = () => new Date() } = options;
  const store = options.dryRun ? new DryStore(options.store) : options.store;
  const started = now();
  const root = rootOf(volume);
  const { parent, present, warnings } = await findParent(store);
  const fullRead =
    (options.fullRead ?? false) ||
    !parent ||
    started.getTime() - Date.parse(parent.header.fullReadAt) >= FULL_READ_EVERY_MS;

  const expected = parent && countLines(parent.header.counts);
  const settings = settingsOf(options, parent, fullRead);
  const { crew, threads } = handsOf(options, settings, parent);
  let range: RangeOutcome;
  try {
    range = await new ExportRange({
      store,
      crew,
      parent,
      present,
      segmentCounter: settings.segmentCounter,
      items: [{ kind: 'hole', path: '' }],
      isTimeUp: () => false,
      onLatency: (callMs) => {
        if (threads && options.threads === undefined) threads.size = threadsFor(callMs);
      },
      onProgress: ({ entries, filesRead, bytesRead }) =>
        options.onProgress?.({ entriesDone: entries, entriesExpected: expected, filesRead, bytesRead }),
    }).run();
  } finally {
    await crew.close();
  }
  const counts = range.pages.reduce((sum, page) => addCounts(sum, page.counts), NOTHING);
  refuseNothing(volume, parent, range, counts);
  const ended = now();
  const remarks = {
    excluded: byPath(range.remarks.excluded),
    problems: byPath(range.remarks.problems),
    warnings: byPath([...warnings, ...range.remarks.warnings]),
  };
  const body = encodeManifest({
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    volume: options.volumeName,
    mountedAt: options.mountedAt,
    startedAt: started.toISOString(),
    endedAt: ended.toISOString(),
    fullReadAt: fullRead ? started.toISOString() : parent!.header.fullReadAt,
    ...(parent ? { parent: parent.name } : {}),
    counts,
    ...referencesOf(range.pages, [...range.packs, ...(parent?.header.packs ?? [])]),
    root,
    ...remarks,
  });
  return {
    manifestKey: store.prefix + (await commit(store, started, body)),
    startedAt: started.toISOString(),
    endedAt: ended.toISOString(),
    counts,
    filesRead: range.filesRead,
    bytesRead: range.bytesRead,
    bytesStored: range.bytesStored + body.length,
    ...remarks,
  };
}

function rootOf(volume: Volume) {
  let stat;
  try {
    stat = volume.stat('');
  } catch (error) {
    throw new ArchiveError(
      `the volume ${volume.description} cannot be read (${messageOf(error)}): is the share mounted?`,
      { cause: error },
    );
  }
  if (stat.type !== 'directory')
    throw new ArchiveError(`the volume ${volume.description} must be a directory, got a ${stat.type}`);
  const { mode, uid, gid, mtimeNs } = stat;
  return { mode, uid, gid, mtimeNs: String(mtimeNs) };
}

const settingsOf = ({ mountedAt }: ExportOptions, parent: Parent | undefined, fullRead: boolean): ExportSettings => ({
  mountedAt,
  fullRead,
  parentFirsts: parent?.header.pages.map(({ first }) => first) ?? [],
  settledNs: parent ? BigInt(Date.parse(parent.header.startedAt)) * 1_000_000n - SETTLED_NS : 0n,
  frameCounter: new Int32Array(new SharedArrayBuffer(4)),
  segmentCounter: new Int32Array(new SharedArrayBuffer(4)),
});

interface Hands {
  readonly crew: Crew;
  /** Those that can be more. */
  readonly threads: ThreadCrew | undefined;
}

/** Only a folder of this machine can be read by other threads. */
function handsOf(
  { volume, threads: wanted }: ExportOptions,
  settings: ExportSettings,
  parent: Parent | undefined,
): Hands {
  const solo = () => new SoloCrew(new ExportSession(volume, settings));
  if (!(volume instanceof DirectoryVolume) || wanted === 0) return { crew: solo(), threads: undefined };
  const request = { kind: 'export', root: volume.description, settings } as const;
  const threads = new ThreadCrew(request, wanted ?? defaultCrewSize());
  const large = wanted !== undefined || (parent && countLines(parent.header.counts) > LARGE_ENTRIES);
  return { crew: large ? threads.warmUp() : new GrowingCrew(solo(), threads, SOLO_TASKS), threads };
}

/** With so many entries in the parent, the threads are started at once. */
const LARGE_ENTRIES = 3000;
/** Visits, and the pages that come of them. */
const SOLO_TASKS = 3;

/** Threads that wait cost memory, so that there are not more of them than the waiting is worth. */
const threadsFor = (callMs: number) =>
  Math.min(MAX_CREW_SIZE, Math.max(defaultCrewSize(), Math.round(defaultCrewSize() + callMs * 16)));

/** A share that is not mounted, or that lets nothing be read, must not become a point. */
function refuseNothing(volume: Volume, parent: Parent | undefined, { remarks }: RangeOutcome, counts: Counts): void {
  const [problem] = remarks.problems;
  if (countLines(counts) === 0 && parent && parent.header.counts.files > 0 && !problem) {
    throw new ArchiveError(
      `${volume.description} is empty, but the export before (${parent.name}) holds ${parent.header.counts.files} files: is the share mounted?`,
    );
  }
  if (problem && counts.files === 0) {
    throw new ArchiveError(
      `no file of ${volume.description} could be read, the first was ${displayPath(problem.path)}: ${problem.reason}`,
    );
  }
}

const byPath = (remarks: readonly Remark[]): Remark[] =>
  remarks
    .toSorted((a, b) => comparePaths(a.path, b.path))
    .map(({ path, reason }) => ({ path: displayPath(path), reason }));

/** The packs that the pages need, and the pages with their indexes. */
function referencesOf(pages: readonly BuiltPage[], known: readonly PackReference[]) {
  const byKey = new Map(known.map((pack) => [pack.key, pack]));
  const packs: PackReference[] = [];
  const indexes = new Map<string, number>();
  const indexOf = (sha256: string) => {
    const key = packKey(sha256);
    const index = indexes.get(key) ?? packs.push(byKey.get(key)!) - 1;
    indexes.set(key, index);
    return index;
  };
  return {
    pages: pages.map(({ key, bytes, first, counts, packs: needed }): PageReference => {
      return { key, bytes, first, counts, packs: needed.map(indexOf) };
    }),
    packs,
  };
}

/** Writes the manifest, after which the point exists. */
async function commit(store: ObjectStore, started: Date, body: Buffer): Promise<string> {
  const sha256 = createHash('sha256').update(body).digest('hex');
  const key = manifestName(started, sha256);
  await store.put(key, body, sha256);
  // Not before it was looked at: success may have been claimed for a body that never arrived whole.
  await checkStored(store, [{ key, bytes: body.length, sha256 }], [MANIFEST_PREFIX], 0);
  return key;
}
