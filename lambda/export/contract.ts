/**
 * Event contract of the export (a durable function in the primary Region): one run of the artifact export of one volume.
 *
 * Environment: `DEPLOYMENT`, `VOLUME` (names), `TURN_FUNCTION` (name of the function that reads the volume); where manifests are
 * signed, `MAC_KEYS` and `ACCEPT_UNSIGNED` (`../shared/kms-authenticator.ts`).
 * The event is ignored but for what is listed here, so that an EventBridge schedule may send anything.
 *
 * A run that finds an older one of the same volume still running fails, and says so.
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
  /** Paths that could not be read or never held still: the first 20. All are in the manifest and in the log. */
  readonly problems: readonly { readonly path: string; readonly reason: string }[];
  /** How many such paths there are. */
  readonly problemCount: number;
  /** Files that are new, gone or of another content since the point before; absent in the first. */
  readonly changed?: number;
  /** Why the point is not to be restored before a person looked at it; empty: nothing is suspicious. */
  readonly suspicious: readonly string[];
  /** Invocations of the function that reads the volume that read and came to their end; 1 for a volume that one can read. */
  readonly turns: number;
}
