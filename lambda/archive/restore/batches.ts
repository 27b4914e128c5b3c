import type { FileEntry } from '../entry';
import { byPlace } from './session';

/** Content of the files of one task; a longer file is a task of its own. */
const BATCH_BYTES = 8 * 1024 * 1024;
const BATCH_FILES = 2000;

/** Files in the order of the frames that they are in, a frame's files together. */
export function* fileBatches(
  files: readonly { readonly entry: FileEntry; readonly start: number }[],
): Generator<readonly number[]> {
  let batch: number[] = [];
  let bytes = 0;
  let frame = '';
  for (const { entry, start } of files.toSorted((a, b) => byPlace(a.entry, b.entry))) {
    const [piece] = entry.pieces;
    const own = piece ? `${piece.pack}:${piece.offset}` : '';
    if (batch.length > 0 && own !== frame && (bytes >= BATCH_BYTES || batch.length >= BATCH_FILES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    frame = own;
    batch.push(start);
    bytes += entry.size;
  }
  if (batch.length > 0) yield batch;
}
