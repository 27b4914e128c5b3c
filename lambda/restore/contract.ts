import type { ConfigurationChange, NewEndpoint } from '../../lib/deployment/configuration-changes';

/**
 * Event contract of the restore function (at each site, the restore volume mounted): puts one exported point onto the
 * restore volume, removes what an earlier call or a dead drill put there, says what a restored `deployment.toml` must say differently, or writes one
 * with which a booted copy meets nothing of production.
 *
 * Environment: `BUCKET` (replica bucket), `MOUNT_PATH`.
 */
export type RestoreEvent = RestorePointEvent | RemoveEvent | ConfigureEvent | IsolateEvent | SweepEvent;

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
  /** Names of what was removed. */
  readonly folders: readonly string[];
}
