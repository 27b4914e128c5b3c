/**
 * Event contract of the function that reads a volume: one turn of an export, called by the export (`../export`).
 *
 * Environment: `BUCKET` (artifact bucket), `DEPLOYMENT`, `VOLUME` (name), `MOUNT_PATH` (where the volume is mounted),
 * `MOUNTED_AT` (the path below `<IS_HOME>` that the volume holds: `repository`), and, for tests, `TURN_SECONDS`: how long a
 * turn goes on beginning with something new. Default: the first 5 minutes, the others until 2 minutes before the function's
 * time-out.
 */
import type { ExportResult } from '../export/contract';

export type TurnEvent =
  /** Begins an export, and ends it where the time suffices. */
  | { readonly action: 'begin'; readonly fullRead?: boolean }
  /** Goes on with a shard. */
  | { readonly action: 'continue'; readonly state: string }
  /** Makes the point out of all shards, in their order. */
  | { readonly action: 'finish'; readonly states: readonly string[] };

/** `states` are the keys of the shards' states in the archive: those are too large for an answer. */
export type BeginAnswer = FinishAnswer | { readonly states: readonly string[] };

export interface ContinueAnswer {
  readonly state: string;
  readonly done: boolean;
}

export interface FinishAnswer {
  readonly result: Omit<ExportResult, 'turns'>;
}
