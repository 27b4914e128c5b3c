/** Which files are restored together. */

/** Content of the files of one task; a longer file is a task of its own. */
const BATCH_BYTES = 8 * 1024 * 1024;
const BATCH_FILES = 2000;

/** A file of a page: where its line is, and where its content begins. */
export interface PlacedFile {
  readonly start: number;
  readonly size: number;
  /** SHA-256 of the pack; empty for an empty file. */
  readonly pack: string;
  readonly offset: number;
}

/** Pack by pack; what is in one frame stays in the order in which it was. */
export const byPlace = (a: PlacedFile, b: PlacedFile): number =>
  a.pack === b.pack ? a.offset - b.offset : a.pack < b.pack ? -1 : 1;

/** Files in the order of the frames that they are in, a frame's files together. */
export function* fileBatches(files: readonly PlacedFile[]): Generator<readonly number[]> {
  let batch: number[] = [];
  let bytes = 0;
  let last: PlacedFile | undefined;
  for (const file of files.toSorted(byPlace)) {
    const isOfLastFrame = last !== undefined && byPlace(last, file) === 0;
    if (!isOfLastFrame && batch.length > 0 && (bytes >= BATCH_BYTES || batch.length >= BATCH_FILES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    last = file;
    batch.push(file.start);
    bytes += file.size;
  }
  if (batch.length > 0) yield batch;
}
