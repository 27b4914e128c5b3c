import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ObjectStore } from '../archive/object-store';
import { restorePoint } from '../archive/restore/restore-point';
import type { Logger } from '../shared/log';
import { startOfDrill } from '../drill/drill-id';
import { pathOnVolume } from '../shared/mount-path';
import { changesOfFile } from './configure';
import { isolateFile } from './isolate';
import { removeFolders } from './remove-folders';
import { adopt, recoveryDirectories, sweepRecoveryDirectories } from './recovery-directory';
import type {
  ConfigureEvent,
  ConfigureResult,
  IsolateResult,
  RecoveryDirectoriesResult,
  RemoveEvent,
  RemoveResult,
  RestoreEvent,
  RestorePointEvent,
  RestoreResult,
  SweepEvent,
  SweepResult,
} from './contract';

export interface RestoreSurroundings {
  readonly mountPath: string;
  /** The archive under a prefix of the bucket. */
  readonly storeOf: (archivePrefix: string) => ObjectStore;
  readonly log: Logger;
  /** Milliseconds; for the duration that is reported. */
  readonly now?: () => number;
}

export type AnyResult =
  RestoreResult | RemoveResult | ConfigureResult | IsolateResult | SweepResult | RecoveryDirectoriesResult;

/**
 * Restores a point onto the restore volume, removes what a restore put there, or compares its `deployment.toml`.
 *
 * @throws Error when the event is not one of those of contract.ts, or the restore fails; nothing is at the target then
 */
export async function restoreArtifacts(event: unknown, surroundings: RestoreSurroundings): Promise<AnyResult> {
  const parsed = parse(event);
  const { mountPath, now = () => Date.now() } = surroundings;
  switch (parsed.action) {
    case 'restore':
      return restore(parsed, surroundings);
    case 'remove':
      return remove(parsed, surroundings);
    case 'sweep':
      return sweep(parsed, surroundings);
    case 'configure':
      return changesOfFile(await pathOnVolume(mountPath, parsed.target), parsed.target, parsed.endpoints);
    case 'isolate': {
      const destination = await pathOnVolume(mountPath, parsed.destination);
      return isolateFile(await pathOnVolume(mountPath, parsed.target), parsed.target, destination, parsed.endpoints);
    }
    case 'recovery-directories':
      return { names: await recoveryDirectories(mountPath) };
    case 'adopt': {
      const adopted = await adopt(parsed, { mountPath, now });
      surroundings.log.info('adopted', { target: parsed.target, ...adopted });
      return adopted;
    }
    case 'sweep-recovery-directories': {
      const swept = await sweepRecoveryDirectories(mountPath, Date.parse(parsed.before));
      surroundings.log.info('swept', { ...swept });
      return swept;
    }
  }
}

async function restore(event: RestorePointEvent, surroundings: RestoreSurroundings): Promise<RestoreResult> {
  const { mountPath, storeOf, log, now = () => Date.now() } = surroundings;
  const started = now();
  const target = await pathOnVolume(mountPath, event.target);
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  const outcome = await restorePoint({
    store: storeOf(event.archivePrefix),
    manifestKey: event.manifestKey,
    target,
  });
  // An access point that forces its owner gives a warning a file: the first says what there is to know.
  const [first] = outcome.warnings;
  if (first) log.warn('restored with warnings', { warnings: outcome.warnings.length, first });
  const result: RestoreResult = {
    // A hard link is a file of the tree, as whoever counts the tree sees it.
    files: outcome.files + outcome.hardlinks,
    directories: outcome.directories,
    symlinks: outcome.symlinks,
    bytes: outcome.bytes,
    durationMs: now() - started,
  };
  log.info('restored', { manifestKey: event.manifestKey, target: event.target, ...result });
  return result;
}

async function remove(event: RemoveEvent, { mountPath, log }: RestoreSurroundings): Promise<RemoveResult> {
  const target = await pathOnVolume(mountPath, event.target);
  const removed = await lstat(target).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
      throw error;
    },
  );
  await rm(target, { recursive: true, force: true, maxRetries: 3 });
  log.info('removed', { target: event.target, removed });
  return { removed };
}

async function sweep({ startedBefore }: SweepEvent, { mountPath, log }: RestoreSurroundings): Promise<SweepResult> {
  const old = (await readdir(mountPath)).filter((name) => {
    const start = startOfDrill(name);
    return start !== undefined && start <= Date.parse(startedBefore);
  });
  const swept = await removeFolders(mountPath, old);
  log.info('swept', { ...swept });
  return swept;
}

function parse(event: unknown): RestoreEvent {
  const fields: Readonly<Record<string, unknown>> = typeof event === 'object' && event !== null ? { ...event } : {};
  const text = (name: string): string => {
    const value = fields[name];
    if (typeof value === 'string' && value !== '') return value;
    throw new Error(`\`${name}\` must be a text, got ${JSON.stringify(value)}`);
  };
  switch (fields['action']) {
    case 'restore':
      return {
        action: 'restore',
        archivePrefix: text('archivePrefix'),
        manifestKey: text('manifestKey'),
        target: text('target'),
      };
    case 'remove': {
      const target = text('target');
      if (target.includes('/')) throw new Error(`\`target\` must be the first folder alone, got ${target}`);
      return { action: 'remove', target };
    }
    case 'configure':
      return { action: 'configure', target: text('target'), endpoints: endpointsOf(fields['endpoints']) };
    case 'sweep': {
      const startedBefore = text('startedBefore');
      if (!Number.isNaN(Date.parse(startedBefore))) return { action: 'sweep', startedBefore };
      throw new Error(`\`startedBefore\` must be a time, got ${startedBefore}`);
    }
    case 'recovery-directories':
      return { action: 'recovery-directories' };
    case 'adopt':
      return {
        action: 'adopt',
        before: textsOf(fields['before']),
        path: text('path'),
        target: text('target'),
        uid: idOf('uid', fields['uid']),
        gid: idOf('gid', fields['gid']),
      };
    case 'sweep-recovery-directories': {
      const before = text('before');
      if (!Number.isNaN(Date.parse(before))) return { action: 'sweep-recovery-directories', before };
      throw new Error(`\`before\` must be a time, got ${before}`);
    }
    case 'isolate':
      return {
        action: 'isolate',
        target: text('target'),
        destination: text('destination'),
        endpoints: endpointsOf(fields['endpoints']),
      };
    default:
      throw new Error(
        '`action` must be restore, remove, configure, isolate, sweep, recovery-directories, adopt or ' +
          `sweep-recovery-directories, got ${JSON.stringify(fields['action'])}`,
      );
  }
}

function textsOf(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw new Error('`before` must be a list of names');
}

function idOf(name: string, value: unknown): number {
  if (Number.isInteger(value) && Number(value) >= 0) return Number(value);
  throw new Error(`\`${name}\` must be a number of a POSIX user or group, got ${JSON.stringify(value)}`);
}

function endpointsOf(value: unknown): ConfigureEvent['endpoints'] {
  const isEndpoint = (each: unknown) =>
    typeof each === 'object' &&
    each !== null &&
    'host' in each &&
    typeof each.host === 'string' &&
    'port' in each &&
    Number.isInteger(each.port) &&
    'datasources' in each &&
    Array.isArray(each.datasources);
  if (Array.isArray(value) && value.every(isEndpoint)) return value as ConfigureEvent['endpoints'];
  throw new Error('`endpoints` must be a list of hosts and ports with their datasources');
}
