/**
 * Event contract of the export function (primary Region): one run of the artifact export of one volume.
 *
 * Environment: `BUCKET` (artifact bucket), `DEPLOYMENT`, `VOLUME` (name), `MOUNT_PATH` (where the volume is mounted),
 * `MOUNTED_AT` (the path below `<IS_HOME>` that the volume holds: `repository`).
 * The event is ignored but for what is listed here, so that an EventBridge schedule may send anything.
 */
export interface ExportEvent {
  /** Read every file again, also those that look unchanged. Default: every 7 days, by the parent's manifest. */
  readonly fullRead?: boolean;
}

export interface ExportResult {
  readonly deployment: string;
  readonly volume: string;
  /** Key of the manifest: the point that this export made. */
  readonly manifestKey: string;
  /** ISO 8601; content is as of some moment between the two. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly files: number;
  readonly bytes: number;
  /** Files whose content was read in this run, and what was put to S3. */
  readonly filesRead: number;
  readonly bytesStored: number;
  /** Paths that could not be read or never held still; named in the manifest too. */
  readonly problems: readonly { readonly path: string; readonly reason: string }[];
}
