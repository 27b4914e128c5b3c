import { createHash } from 'node:crypto';
import { examineChanges, examineDifferences, type Examined } from '../anomaly/examine';
import { type Authenticator, type ManifestMac, signManifest } from '../authenticity';
import { addCounts, countLines, type Counts, NOTHING } from '../counts';
import { comparePaths, displayPath } from '../byte-path';
import type { SpareThreads } from '../crew/crew';
import { DryStore } from '../dry-store';
import { ArchiveDamagedError, ArchiveError, messageOf } from '../errors';
import {
  encodeManifest,
  FORMAT,
  FORMAT_VERSION,
  headerLine,
  MANIFEST_PREFIX,
  type ManifestHeader,
  manifestName,
  type PackReference,
  packKey,
  type PageReference,
} from '../manifest';
import type { ObjectStore } from '../object-store';
import { checkStored } from '../put-checked';
import { listContents, missingObjects } from '../points';
import type { Volume } from '../volume';
import type { Differences } from './differing-lines';
import { ExportRange, type RangeOptions } from './export-range';
import { Hands } from './hands';
import { loadHeader, saveHeader } from './saved-state';
import { addRange, type ExportState } from './state';
import type { BuiltPage } from './page-builder';
import { findParent, readParent, type Parent } from './parent';
import type { Remark, Remarks } from './remark';
import type { ExportSettings } from './session';
import { packsOfPages } from './taken-content';

export interface ExportOptions {
  readonly volume: Volume;
  readonly store: ObjectStore;
  /** Name of the volume, for the manifest. */
  readonly volumeName: string;
  /** Relative to `<IS_HOME>`: what is left out depends on it. */
  readonly mountedAt: string;
  /** Read every file. Default: when the last full read is 7 days old or older. */
  readonly fullRead?: boolean;
  /**
   * Takes nothing from the points that are there: everything is read and stored anew. So what a verification has found
   * damaged is mended: an object that comes out the same is written over, anything else is not needed any more.
   */
  readonly withoutParent?: boolean;
  /**
   * Name of the point that unchanged files are taken from, null for none: where somebody else has looked whether it is authentic.
   * Default: the newest that is whole and, with an `authenticator`, authentic.
   */
  readonly parent?: string | null;
  /** For the warnings: what was said of points that are not taken from. */
  readonly passedOver?: readonly Remark[];
  /** Signs the manifest. Default: it is not signed. */
  readonly authenticator?: Authenticator | undefined;
  /** Reads what an export would read, and writes nothing. */
  readonly dryRun?: boolean;
  /** Default: as many as there are cores, more where the volume's calls take long; 0 works on the calling thread alone. */
  readonly threads?: number;
  /** Threads to take before any is started. Default: none; then a small volume is exported without starting any. */
  readonly spare?: SpareThreads | undefined;
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

export interface ExportOutcome extends Examined {
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
  const dry = options.dryRun ? { ...options, store: new DryStore(options.store) } : options;
  const { state, parent, examined } = await beginAndTurn(dry, () => false);
  return makePoint(dry, state, parent, examined);
}

/**
 * Exports a volume, or begins with it where the time does not suffice.
 *
 * @returns the point, or the state to go on from
 * @throws ArchiveError as {@link exportVolume} does
 */
export async function exportOrBegin(
  options: ExportOptions,
  isTimeUp: () => boolean,
): Promise<{ readonly outcome: ExportOutcome } | { readonly state: ExportState }>;
/** @param end what to do when everything is read */
export async function exportOrBegin<Ended>(
  options: ExportOptions,
  isTimeUp: () => boolean,
  end: EndOfExport<Ended>,
): Promise<{ readonly outcome: Ended } | { readonly state: ExportState }>;
export async function exportOrBegin<Ended>(
  options: ExportOptions,
  isTimeUp: () => boolean,
  end: EndOfExport<Ended | ExportOutcome> = makePoint,
) {
  const { state, parent, examined } = await beginAndTurn(options, isTimeUp);
  return state.left.length > 0 ? { state } : { outcome: await end(options, state, parent, examined) };
}

type EndOfExport<Ended> = (
  options: ExportOptions,
  state: ExportState,
  parent: Parent | undefined,
  /** Where one turn did all of it, and not much differs. Default: the point is compared with its parent as they are stored. */
  examined?: Examined,
) => Promise<Ended>;

/**
 * Begins an export that is done in several turns, each perhaps by another process. Nothing is read yet but the top.
 *
 * @throws ArchiveError when the volume is not there
 */
export async function beginExport(options: ExportOptions): Promise<ExportState> {
  return (await begin(options)).state;
}

/** An export under way, with the point that it takes from. */
interface Begun {
  readonly state: ExportState;
  readonly parent: Parent | undefined;
}

/** After its first turn. */
interface Turned extends Begun {
  readonly examined: Examined | undefined;
}

const beginAndTurn = (options: ExportOptions, isTimeUp: () => boolean): Promise<Turned> =>
  withHands(options, async (hands) => {
    const { state, parent } = await begin(options, hands);
    let examining: Promise<Examined | undefined> | undefined;
    const onDifferences = (differences: Differences, packs: readonly PackReference[]) => {
      const named = [...packs, ...(parent?.header.packs ?? [])];
      examining = parent && examineDifferences(options.store, parent, named, differences);
      // It is awaited behind the turn; until then its failure is nobody's.
      examining?.catch(() => {});
    };
    // A dry run stores nothing that could be looked at.
    const begun = options.dryRun ? { state, parent } : { state, parent, onDifferences };
    const turned = await turn(options, begun, isTimeUp, hands);
    return { state: turned, parent, examined: await examining };
  });

async function withHands<T>({ volume, threads, spare }: ExportOptions, work: (hands: Hands) => Promise<T>): Promise<T> {
  const hands = new Hands(volume, threads, spare);
  try {
    return await work(hands);
  } finally {
    await hands.close();
  }
}

async function begin(options: ExportOptions, hands?: Hands): Promise<Begun> {
  const { volume, now = () => new Date() } = options;
  const started = now();
  const root = rootOf(volume);
  const { parent: newest, warnings } = await parentToTake(options, hands);
  if (newest && isEmpty(volume)) refuseEmpty(volume, newest);
  const parent = options.withoutParent ? undefined : newest;
  const fullRead = (options.fullRead ?? false) || !parent || isFullReadDue(parent.header, started);
  const state: ExportState = {
    startedAt: started.toISOString(),
    fullRead,
    parent: parent?.name,
    root,
    pages: [],
    packs: [],
    remarks: {
      excluded: [],
      problems: [],
      warnings: [...warnings, ...(options.passedOver ?? []), ...aheadOf(started, parent)],
    },
    filesRead: 0,
    bytesRead: 0,
    bytesStored: 0,
    left: [{ kind: 'hole', path: '' }],
    firstNames: [],
  };
  return { state, parent };
}

async function parentToTake(
  { store, parent, authenticator }: ExportOptions,
  hands: Hands | undefined,
): ReturnType<typeof findParent> {
  if (parent === undefined) {
    const onFound = (manifestBytes: number) => hands?.expect(manifestBytes);
    return findParent(store, { ...(authenticator && { authenticator }), onFound });
  }
  return { parent: parent === null ? undefined : await readParent(store, parent), warnings: [] };
}

/** Clocks of machines that keep them right. */
const CLOCKS_DIFFER_MS = 60_000;

/** Also when it lies in the future, by a clock that was wrong: else there would be none until then. */
function isFullReadDue({ fullReadAt }: ManifestHeader, now: Date): boolean {
  const age = now.getTime() - Date.parse(fullReadAt);
  return age < 0 || age >= FULL_READ_EVERY_MS;
}

/** A point of the future stays the newest for as long: a restore would take it and not what is exported until then. */
function aheadOf(now: Date, parent: Parent | undefined): Remark[] {
  if (!parent || Date.parse(parent.header.startedAt) <= now.getTime() + CLOCKS_DIFFER_MS) return [];
  const reason = `this point began at ${parent.header.startedAt}, and it is ${now.toISOString()} now: one of the clocks is wrong, and the newest point is not the latest until it is deleted`;
  return [{ path: parent.name, reason }];
}

const parentOf = ({ store }: ExportOptions, { parent }: ExportState) =>
  parent === undefined ? undefined : readParent(store, parent);

/**
 * Goes on with an export until it is done or the time is up, at least by a task. What the state says is done is not read
 * again; what was done in a turn that died is.
 *
 * @throws ArchiveError when the store refuses
 */
export async function continueExport(
  options: ExportOptions,
  state: ExportState,
  isTimeUp: () => boolean = () => false,
): Promise<ExportState> {
  const parent = await parentOf(options, state);
  return withHands(options, (hands) => turn(options, { state, parent }, isTimeUp, hands));
}

async function turn(
  options: ExportOptions,
  { state, parent, onDifferences }: Begun & Pick<RangeOptions, 'onDifferences'>,
  isTimeUp: () => boolean,
  hands: Hands,
): Promise<ExportState> {
  const { store } = options;
  const settings = settingsOf(options, parent, state.fullRead);
  const crew = hands.begin(settings, parent ? countLines(parent.header.counts) : 0);
  const range = new ExportRange({
    store,
    crew,
    parent,
    segmentCounter: settings.segmentCounter,
    items: state.left,
    ownPages: state.pages,
    firstNames: state.firstNames,
    isTimeUp,
    onDifferences,
    onLatency: (callMs) => hands.noteLatency(callMs),
    onProgress: ({ entries, filesRead, bytesRead }) =>
      options.onProgress?.({
        entriesDone: entries,
        entriesExpected: parent && countLines(parent.header.counts),
        filesRead,
        bytesRead,
      }),
  });
  return addRange(state, await range.run());
}

/**
 * Makes the point of an export that is done.
 *
 * @throws ArchiveError when nothing could be read, or nothing is there where the point before has something
 */
export async function finishExport(options: ExportOptions, state: ExportState): Promise<ExportOutcome>;
/** @param end what to do when everything is read */
export async function finishExport<Ended>(
  options: ExportOptions,
  state: ExportState,
  end: EndOfExport<Ended>,
): Promise<Ended>;
export async function finishExport<Ended>(
  options: ExportOptions,
  state: ExportState,
  end: EndOfExport<Ended | ExportOutcome> = makePoint,
) {
  return end(options, state, await parentOf(options, state));
}

/** An export that is done but for who signs its manifest. */
export interface PreparedExport {
  /** Key of what is kept of it. */
  readonly prepared: string;
  /** Of the header's line, by which it is signed. */
  readonly headerSha256: string;
  readonly outcome: Omit<ExportOutcome, 'manifestKey'>;
}

/** The end of an export in a place that cannot sign: {@link sealExport} goes on, with what somebody else has signed. */
export async function prepareExport(
  options: ExportOptions,
  state: ExportState,
  parent: Parent | undefined,
  examined?: Examined,
): Promise<PreparedExport> {
  const { store } = options;
  const { line, outcome } = await headerOf(options, state, parent, examined);
  return { prepared: await saveHeader(store, line), headerSha256: sha256Of(line), outcome };
}

/**
 * Writes the manifest of an export that was prepared.
 *
 * @throws ArchiveError when what was prepared is gone, or its objects are
 */
export async function sealExport(
  store: ObjectStore,
  prepared: string,
  mac: ManifestMac,
): Promise<{ readonly manifestKey: string; readonly bytes: number }> {
  const line = await loadHeader(store, prepared);
  const header = JSON.parse(line.toString('utf8')) as ManifestHeader;
  await checkNamed(store, header);
  const body = encodeManifest(line, mac);
  return {
    manifestKey: store.prefix + (await commit(store, new Date(header.startedAt), body)),
    bytes: body.length,
  };
}

/** The end of an export: its point. */
export async function makePoint(
  options: ExportOptions,
  state: ExportState,
  parent: Parent | undefined,
  examined?: Examined,
): Promise<ExportOutcome> {
  const { store, authenticator } = options;
  const { line, outcome } = await headerOf(options, state, parent, examined);
  const mac = authenticator && (await signManifest(store.prefix, sha256Of(line), authenticator));
  const body = encodeManifest(line, mac);
  return {
    manifestKey: store.prefix + (await commit(store, new Date(state.startedAt), body)),
    ...outcome,
    bytesStored: outcome.bytesStored + body.length,
  };
}

/** Everything of the manifest but its author. */
async function headerOf(
  options: ExportOptions,
  state: ExportState,
  parent: Parent | undefined,
  examined?: Examined,
): Promise<{ readonly line: Buffer; readonly outcome: Omit<ExportOutcome, 'manifestKey'> }> {
  const { volume, store, now = () => new Date() } = options;
  if (state.left.length > 0) throw new ArchiveError('the export is not done: go on with it first');
  const counts = state.pages.reduce((sum, page) => addCounts(sum, page.counts), NOTHING);
  refuseNothing(volume, parent, state.remarks, counts);
  const ended = now();
  const remarks = {
    excluded: byPath(state.remarks.excluded),
    problems: byPath(state.remarks.problems),
    warnings: byPath(state.remarks.warnings),
  };
  const references = referencesOf(state.pages, [...state.packs, ...(parent?.header.packs ?? [])]);
  const header: ManifestHeader = {
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    volume: options.volumeName,
    mountedAt: options.mountedAt,
    startedAt: state.startedAt,
    endedAt: ended.toISOString(),
    fullReadAt: state.fullRead ? state.startedAt : parent!.header.fullReadAt,
    ...(parent ? { parent: parent.name } : {}),
    counts,
    ...references,
    root: state.root,
    ...remarks,
  };
  const [found] = await Promise.all([
    // A dry run stored nothing that could be looked at.
    parent && !options.dryRun ? (examined ?? examineChanges(store, parent, header)) : {},
    checkNamed(store, references),
  ]);
  return {
    line: headerLine({ ...header, ...found }),
    outcome: {
      startedAt: state.startedAt,
      endedAt: ended.toISOString(),
      counts,
      filesRead: state.filesRead,
      bytesRead: state.bytesRead,
      bytesStored: state.bytesStored,
      ...remarks,
      ...found,
    },
  };
}

const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Also what was there before may have gone since: an export can take days. */
async function checkNamed(store: ObjectStore, named: Pick<ManifestHeader, 'packs' | 'pages'>): Promise<void> {
  const [missing] = missingObjects(named, await listContents(store));
  if (missing !== undefined)
    throw new ArchiveDamagedError(store.prefix, `${missing} after the export: nothing names it`);
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
  parentPacks: parent ? packsOfPages(parent.header) : [],
  parentIncomplete: incompleteIn(parent),
  settledNs: parent ? BigInt(Date.parse(parent.header.startedAt)) * 1_000_000n - SETTLED_NS : 0n,
  frameCounter: new Int32Array(new SharedArrayBuffer(4)),
  segmentCounter: new Int32Array(new SharedArrayBuffer(4)),
});

/** By the remarks of the parent, as they are displayed. */
function incompleteIn(parent: Parent | undefined): ReadonlySet<string> {
  const { excluded = [], problems = [], warnings = [] } = parent?.header ?? {};
  const paths = [...excluded, ...problems, ...warnings].map(({ path }) => path);
  return new Set(paths.flatMap((path) => [path, path.slice(0, Math.max(0, path.lastIndexOf('/')))]));
}

function isEmpty(volume: Volume): boolean {
  try {
    return volume.readDirectory('').length === 0;
  } catch {
    // Said by the walk.
    return false;
  }
}

/** A share that is not mounted must not become a point. */
function refuseEmpty(volume: Volume, { name, header }: Parent): void {
  if (header.counts.files === 0) return;
  throw new ArchiveError(
    `${volume.description} is empty, but the export before (${name}) holds ${header.counts.files} files: is the share mounted?`,
  );
}

/** Nor one that lets nothing be read. */
function refuseNothing(volume: Volume, parent: Parent | undefined, remarks: Remarks, counts: Counts): void {
  const [problem] = remarks.problems;
  if (countLines(counts) === 0 && parent && !problem) refuseEmpty(volume, parent);
  if (problem && counts.files === 0) {
    throw new ArchiveError(
      `no file of ${volume.description} could be read, the first was ${displayPath(problem.path)}: ${problem.reason}`,
    );
  }
}

/** Each once: several turns may have met the same. */
const byPath = (remarks: readonly Remark[]): Remark[] =>
  remarks
    .toSorted((a, b) => comparePaths(a.path, b.path))
    .filter(({ path, reason }, index, sorted) => {
      const before = sorted[index - 1];
      return before?.path !== path || before.reason !== reason;
    })
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
  const sha256 = sha256Of(body);
  const key = manifestName(started, sha256);
  await store.put(key, body, sha256);
  // Not before it was looked at: success may have been claimed for a body that never arrived whole.
  await checkStored(store, [{ key, bytes: body.length, sha256 }], [MANIFEST_PREFIX], 0);
  return key;
}
