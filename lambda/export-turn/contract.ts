/**
 * Event contract of the function that reads a volume: one turn of an export, called by the export (`../export`).
 *
 * Environment: `BUCKET` (artifact bucket), `DEPLOYMENT`, `VOLUME` (name), `MOUNT_PATH` (where the volume is mounted),
 * `MOUNTED_AT` (the path below `<IS_HOME>` that the volume holds: `repository`), and, for tests, `TURN_SECONDS`: how long a
 * turn goes on beginning with something new. Default: the first 5 minutes, the others until 2 minutes before the function's
 * time-out.
 */
import type { ManifestMac } from '../archive/authenticity';
import type { Remark } from '../archive/export/remark';
import type { ExportResult } from '../export/contract';

export type TurnEvent =
  /** Names the newest whole point, for who can tell whether it is authentic: KMS cannot be reached from here. */
  | { readonly action: 'look'; readonly before?: string }
  /** Begins an export, and ends it where the time suffices. */
  | ({ readonly action: 'begin'; readonly fullRead?: boolean } & Partial<Looked>)
  /** Goes on with a shard. */
  | { readonly action: 'continue'; readonly state: string }
  /** Makes the point out of all shards, in their order. */
  | { readonly action: 'finish'; readonly states: readonly string[]; readonly sign?: boolean }
  /** Writes the manifest of an export that is done, with its MAC. */
  | { readonly action: 'seal'; readonly prepared: string; readonly mac: ManifestMac };

/** Of an export that is signed. */
export interface Looked {
  /** Name of the point to take from; null: none. */
  readonly parent: string | null;
  readonly passedOver: readonly Remark[];
  readonly sign: true;
}

export interface LookAnswer {
  /** Absent: there is none. */
  readonly found?: { readonly name: string; readonly headerSha256: string; readonly mac?: ManifestMac };
  /** What was said of newer points that are not whole. */
  readonly passedOver: readonly Remark[];
}

/** `states` are the keys of the shards' states in the archive: those are too large for an answer. */
export type BeginAnswer = FinishAnswer | { readonly states: readonly string[] };

export interface ContinueAnswer {
  readonly state: string;
  readonly done: boolean;
}

export type FinishAnswer =
  | { readonly result: Omit<ExportResult, 'turns'> }
  /** To be signed, by the SHA-256 of its header. */
  | {
      readonly unsigned: Omit<ExportResult, 'turns' | 'manifestKey'>;
      readonly prepared: string;
      readonly headerSha256: string;
    };

export interface SealAnswer {
  readonly manifestKey: string;
  readonly bytes: number;
}
