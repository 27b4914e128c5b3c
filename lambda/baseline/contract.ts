/**
 * Event contract of the baseline function (primary Region, in the network of the volumes): keeps the entire server directory that a
 * volume holds, once for each product version. The first deployment calls it, and a schedule once a day: so a volume that was
 * still empty, or holds a new product version now, gets its baseline without anybody.
 *
 * Environment: `BUCKET` (artifact bucket), `DEPLOYMENT`, `MOUNT_PATH` (where `<IS_HOME>` is), and `PRODUCT_VERSION` where
 * README.txt in it is not to say it. The event is ignored.
 *
 * Fails where a file of the server directory cannot be read, or the archive cannot be written: a baseline is whole, or is none.
 */
export interface BaselineResult {
  readonly deployment: string;
  /**
   * `made`: now. `is-there`: that of this version was made before, and nothing was compared. `none`: there is no server directory
   * yet, or its version is not known.
   */
  readonly outcome: 'made' | 'is-there' | 'none';
  /** Null: not known. */
  readonly productVersion: string | null;
  /** A sentence where the outcome is `none`. */
  readonly reason?: string;
}

/** What is at `baselineNoteKey` since the function was last called and made no baseline: for `status`. */
export interface BaselineNote {
  readonly formatVersion: 1;
  readonly deployment: string;
  /** ISO 8601: since when it is so. */
  readonly at: string;
  readonly reason: string;
}
