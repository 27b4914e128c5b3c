/**
 * How far an export is: what one turn leaves to the next. It can be parted into shards, which go on beside each other, and
 * put together again: each is a run of the manifest's order.
 */
import type { Ownership } from '../entry';
import { decodeFrame, encodeFrame } from '../frame';
import type { PackReference } from '../manifest';
import type { Item } from './item';
import type { BuiltPage } from './page-builder';
import { noRemarks, type Remarks } from './remark';

/** What one run over a part of the volume has done, and what it left. */
export interface RangeOutcome {
  /** Done, in order. */
  readonly pages: readonly BuiltPage[];
  readonly packs: readonly PackReference[];
  readonly remarks: Remarks;
  readonly filesRead: number;
  readonly bytesRead: number;
  readonly bytesStored: number;
  /** To be done, after the pages; empty when it is all done. */
  readonly left: readonly Item[];
  /** Of inodes with several names, what was found before: the name that carries the content. */
  readonly firstNames: readonly (readonly [inode: string, path: string])[];
}

/** The same of all turns so far, and what the export has begun with. */
export interface ExportState extends RangeOutcome {
  readonly startedAt: string;
  readonly fullRead: boolean;
  /** Name of its manifest. */
  readonly parent: string | undefined;
  readonly root: Ownership;
}

export const addRange = (state: ExportState, range: RangeOutcome): ExportState => ({
  ...state,
  pages: [...state.pages, ...range.pages],
  packs: [...state.packs, ...range.packs],
  remarks: addRemarks(state.remarks, range.remarks),
  filesRead: state.filesRead + range.filesRead,
  bytesRead: state.bytesRead + range.bytesRead,
  bytesStored: state.bytesStored + range.bytesStored,
  left: range.left,
  firstNames: range.firstNames,
});

const addRemarks = (a: Remarks, b: Remarks): Remarks => ({
  excluded: [...a.excluded, ...b.excluded],
  problems: [...a.problems, ...b.problems],
  warnings: [...a.warnings, ...b.warnings],
});

/**
 * Parts what is left into at most so many runs; the first goes on from what is done. Names of one inode that come into
 * different shards become files of their own there.
 */
export function splitState(state: ExportState, shards: number): ExportState[] {
  const size = Math.max(1, Math.ceil(state.left.length / shards));
  const runs: ExportState[] = [];
  for (let at = 0; at < state.left.length; at += size) {
    const left = state.left.slice(at, at + size);
    runs.push(at === 0 ? { ...state, left } : { ...emptied(state), left });
  }
  return runs.length > 0 ? runs : [state];
}

const emptied = (state: ExportState): ExportState => ({
  ...state,
  pages: [],
  packs: [],
  remarks: noRemarks(),
  filesRead: 0,
  bytesRead: 0,
  bytesStored: 0,
  left: [],
});

/** The inverse of {@link splitState}, of shards that are done, in their order. */
export const joinStates = (shards: readonly ExportState[]): ExportState =>
  shards.reduce((sum, shard) => addRange(sum, { ...shard, left: [...sum.left, ...shard.left] }));

/** A state that decodes to more is refused. */
const MAX_STATE_BYTES = 512 * 1024 * 1024;

export const encodeState = (state: ExportState): Buffer =>
  encodeFrame(
    Buffer.from(
      JSON.stringify(state, (_, value: unknown) => {
        if (typeof value === 'bigint') return { bigint: String(value) };
        return value instanceof Uint8Array ? { bytes: Buffer.from(value).toString('base64') } : value;
      }),
    ),
  );

export const decodeState = (bytes: Buffer): ExportState =>
  JSON.parse(decodeFrame(bytes, MAX_STATE_BYTES).toString('utf8'), (_, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    const keys = Object.keys(value);
    if (keys.length !== 1) return value;
    if ('bigint' in value) return BigInt(value.bigint as string);
    return 'bytes' in value && typeof value.bytes === 'string'
      ? new Uint8Array(Buffer.from(value.bytes, 'base64'))
      : value;
  }) as ExportState;
