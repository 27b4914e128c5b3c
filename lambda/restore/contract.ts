/**
 * Event contract of the restore function (DR Region, the restore volume mounted): puts one exported point onto the
 * restore volume, or removes what an earlier call put there.
 *
 * Environment: `BUCKET` (replica bucket), `MOUNT_PATH`.
 */
export type RestoreEvent = RestorePointEvent | RemoveEvent;

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
