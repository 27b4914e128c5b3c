/** Content out of packs: frames cut out by offset and length, decoded alone, compared with what the manifest says. */
import { createHash } from 'node:crypto';
import { ArchiveDamagedError, messageOf } from './errors';
import { decodeFrame } from './frame';
import type { FileEntry, Manifest, PackReference, Piece } from './manifest';
import type { ObjectStore } from './object-store';

/** Frames that lie behind each other are fetched by one request, up to this many bytes. */
const MAX_RANGE_BYTES = 8 * 1024 * 1024;

export interface Frame {
  readonly pack: number;
  readonly offset: number;
  readonly length: number;
}

/** One fetch: neighbouring frames of one pack. */
export interface FrameRange {
  readonly pack: number;
  readonly frames: readonly Frame[];
}

/** The fetches for these frames: each frame once, neighbours together, in the order of the packs. */
export function planRanges(frames: Iterable<Frame>): FrameRange[] {
  const unique = new Map<string, Frame>();
  for (const { pack, offset, length } of frames) unique.set(`${pack}:${offset}:${length}`, { pack, offset, length });
  const sorted = [...unique.values()].sort((a, b) => a.pack - b.pack || a.offset - b.offset);
  const ranges: { pack: number; frames: Frame[] }[] = [];
  for (const frame of sorted) {
    const range = ranges.at(-1);
    const first = range?.frames[0];
    const last = range?.frames.at(-1);
    const neighbour = range && first && last && range.pack === frame.pack && last.offset + last.length === frame.offset;
    if (neighbour && frame.offset + frame.length - first.offset <= MAX_RANGE_BYTES) range.frames.push(frame);
    else ranges.push({ pack: frame.pack, frames: [frame] });
  }
  return ranges;
}

export const frameId = ({ offset, length }: { readonly offset: number; readonly length: number }) =>
  `${offset}:${length}`;

/**
 * The decoded frames of one range, by {@link frameId}.
 *
 * @throws ArchiveDamagedError that names the pack
 */
export async function* fetchFrames(
  store: ObjectStore,
  packs: readonly PackReference[],
  range: FrameRange,
): AsyncGenerator<{ readonly frame: Frame; readonly content: Buffer }> {
  const { key } = packs[range.pack]!;
  const start = range.frames[0]!.offset;
  const end = range.frames.at(-1)!.offset + range.frames.at(-1)!.length;
  const bytes = await store.get(key, { offset: start, length: end - start });
  if (!bytes) throw new ArchiveDamagedError(store.prefix + key, 'the pack is missing');
  if (bytes.length !== end - start) {
    throw new ArchiveDamagedError(store.prefix + key, `the pack is cut short: it ends before byte ${end}`);
  }
  for (const frame of range.frames) {
    yield { frame, content: await decode(store.prefix + key, frame, bytes.subarray(frame.offset - start)) };
  }
}

/** @param bytes of the pack, from the frame's offset on */
export async function decode(key: string, frame: Frame, bytes: Buffer): Promise<Buffer> {
  try {
    return await decodeFrame(bytes.subarray(0, frame.length));
  } catch (error) {
    throw new ArchiveDamagedError(key, `the frame at byte ${frame.offset} cannot be decoded (${messageOf(error)})`, {
      cause: error,
    });
  }
}

/** The part of a decoded frame that a piece stands for. */
export function cut(key: string, piece: Piece, content: Buffer): Buffer {
  const part = content.subarray(piece.skip, piece.skip + piece.size);
  if (part.length !== piece.size) {
    throw new ArchiveDamagedError(key, `the frame at byte ${piece.offset} is shorter than the manifest says`);
  }
  return part;
}

/**
 * A file's content in order, its SHA-256 checked at the end: do not rely on what came before the end.
 *
 * @throws ArchiveDamagedError that names the pack and the path
 */
export async function* readFile(store: ObjectStore, { header }: Manifest, entry: FileEntry): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  // In the order of the file, which is the order in the packs but where a file shares content with another.
  for (let at = 0; at < entry.pieces.length;) {
    const run = neighbours(entry.pieces, at);
    let index = at;
    for await (const { content } of fetchFrames(store, header.packs, { pack: run[0]!.pack, frames: run })) {
      const part = cut(store.prefix + header.packs[run[0]!.pack]!.key, entry.pieces[index]!, content);
      hash.update(part);
      yield part;
      index += 1;
    }
    at += run.length;
  }
  if (hash.digest('hex') !== entry.sha256) throw contentDamaged(store, header.packs, entry);
}

/** Pieces from `at` on whose frames follow each other in one pack. */
function neighbours(pieces: readonly Piece[], at: number): readonly Piece[] {
  const first = pieces[at]!;
  let end = at + 1;
  for (; end < pieces.length; end += 1) {
    const [last, next] = [pieces[end - 1]!, pieces[end]!];
    if (next.pack !== first.pack || next.offset !== last.offset + last.length) break;
    if (next.offset + next.length - first.offset > MAX_RANGE_BYTES) break;
  }
  return pieces.slice(at, end);
}

export function contentDamaged(
  store: ObjectStore,
  packs: readonly PackReference[],
  entry: FileEntry,
): ArchiveDamagedError {
  const piece = entry.pieces[0];
  const key = piece ? store.prefix + packs[piece.pack]!.key : store.prefix;
  return new ArchiveDamagedError(key, `the content of ${entry.path} has another SHA-256 than the manifest says`);
}

/** Takes content to its end, for the checks that are made on the way. */
export async function drain(content: AsyncIterable<Buffer>): Promise<void> {
  const chunks = content[Symbol.asyncIterator]();
  while (!(await chunks.next()).done);
}
