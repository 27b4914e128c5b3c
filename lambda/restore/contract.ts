import type { ConfigurationChange, NewEndpoint } from '../../lib/deployment/configuration-changes';

/**
 * Event contract of the restore function (at each site, the restore volume mounted): puts one exported point onto the
 * restore volume, removes what an earlier call or a dead drill put there, says what a restored `deployment.toml` must say differently, or writes one
 * with which a booted copy meets nothing of production.
 *
 * The adopt function is the same with the root of the restore volume mounted, as root: it takes what AWS Backup restored to there.
 *
 * Environment: `BUCKET` (replica bucket), `MOUNT_PATH`.
 */
export type RestoreEvent =
  | RestorePointEvent
  | RemoveEvent
  | ConfigureEvent
  | IsolateEvent
  | SweepEvent
  | RecoveryDirectoriesEvent
  | AdoptEvent
  | SweepRecoveryDirectoriesEvent;

export interface RestorePointEvent {
  readonly action: 'restore';
  /** `archives/<deployment>/<volume>/` */
  readonly archivePrefix: string;
  readonly manifestKey: string;
  /** Folder on the restore volume, relative to its root, must not exist yet: `<drillId>/repository`. */
  readonly target: string;
}

export interface RemoveEvent {
  readonly action: 'remove';
  /** First path segment of a target: `<drillId>`. Removing what is not there is no error. */
  readonly target: string;
}

/** Of the reaper. What recoveries keep is never swept. */
export interface SweepEvent {
  readonly action: 'sweep';
  /** ISO 8601: folders of drills that began before it are removed. */
  readonly startedBefore: string;
}

export interface ConfigureEvent {
  readonly action: 'configure';
  /** The restored `deployment.toml`, relative to the root of the volume: `<id>/repository/conf/deployment.toml`. */
  readonly target: string;
  /** Where its databases are now. */
  readonly endpoints: readonly NewEndpoint[];
}

export interface IsolateEvent {
  readonly action: 'isolate';
  /** The restored `deployment.toml`; it stays as it is. */
  readonly target: string;
  /** Where the isolated one is written: `<drillId>/wso2is-recovery-boot/deployment.toml`. */
  readonly destination: string;
  readonly endpoints: readonly NewEndpoint[];
}

/** Of the adopt function. */
export interface RecoveryDirectoriesEvent {
  readonly action: 'recovery-directories';
}

export interface RecoveryDirectoriesResult {
  /** What restores of AWS Backup left at the root of the volume, finished or not. */
  readonly names: readonly string[];
}

/** Of the adopt function: moves what AWS Backup restored to where drills have it. */
export interface AdoptEvent {
  readonly action: 'adopt';
  /** The directories of AWS Backup that were there before it restored. */
  readonly before: readonly string[];
  /** Directory of the file system that was backed up, to which the access point of the volume leads: `/repository`, or `/`. */
  readonly path: string;
  /** Relative to the root of the volume, must not hold anything yet: `drills/<id>/repository`. */
  readonly target: string;
  /** POSIX user and group as whom the functions of drills read. */
  readonly uid: number;
  readonly gid: number;
}

/** Of the reaper, to the adopt function. */
export interface SweepRecoveryDirectoriesEvent {
  readonly action: 'sweep-recovery-directories';
  /** ISO 8601. */
  readonly before: string;
}

/** Keys and names alone, no values of the file. */
export interface IsolateResult {
  /** Where the server will listen for HTTPS. */
  readonly port: number;
  readonly changed: readonly string[];
  /** Keys of URLs that are taken for names, and were left. */
  readonly left: readonly string[];
  /** What the server must be given when it starts: `env:NAME`, `secret:ALIAS`, `sys:PROPERTY`. */
  readonly references: readonly string[];
}

export interface RestoreResult {
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly bytes: number;
  readonly durationMs: number;
}

export interface RemoveResult {
  readonly removed: boolean;
}

export interface ConfigureResult {
  /** False: there is no such file. */
  readonly found: boolean;
  readonly changes: readonly ConfigurationChange[];
}

export interface SweepResult {
  /** Names of what was removed, by this sweep and no other. */
  readonly folders: readonly string[];
  /** What could not be removed, or not whole. */
  readonly failed: readonly { readonly folder: string; readonly reason: string }[];
}
