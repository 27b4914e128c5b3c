/** Content out of packs: frames cut out by offset and length, decoded alone, compared with what the manifest says. */
import type { Piece } from './entry';
import { ArchiveDamagedError, messageOf } from './errors';
import { decodeFrame } from './frame';
import { packKey } from './manifest';
import { getInto, type ObjectStore } from './object-store';

/** Frames that lie near each other are fetched by one request, up to this many bytes. */
export const MAX_RANGE_BYTES = 4 * 1024 * 1024;
/** What nobody wants between two frames is fetched with them, up to this many bytes. */
const MAX_GAP_BYTES = 64 * 1024;

export interface Frame {
  readonly pack: string;
  readonly offset: number;
  readonly length: number;
}

/** One fetch: a part of one pack. */
export interface Range {
  readonly pack: string;
  readonly offset: number;
  length: number;
}

/** The fetches for these frames, in their order; frames that follow each other in a pack come together. */
export function planRanges(frames: Iterable<Frame>): Range[] {
  const ranges: Range[] = [];
  for (const { pack, offset, length } of frames) {
    const last = ranges.at(-1);
    const end = last ? last.offset + last.length : 0;
    const near = last?.pack === pack && offset >= last.offset && offset - end <= MAX_GAP_BYTES;
    if (near && offset + length - last.offset <= MAX_RANGE_BYTES)
      last.length = Math.max(end, offset + length) - last.offset;
    else ranges.push({ pack, offset, length });
  }
  return ranges;
}

/**
 * @param into takes it, if it is given
 * @throws ArchiveDamagedError that names the pack, when it is missing or too short
 */
export async function fetchRange(
  store: ObjectStore,
  { pack, offset, length }: Range,
  into: Uint8Array = new Uint8Array(length),
): Promise<Buffer> {
  const key = packKey(pack);
  const bytes = await getInto(store, key, into, { offset, length });
  if (bytes === undefined) throw new ArchiveDamagedError(store.prefix + key, 'the pack is missing');
  if (bytes !== length) {
    throw new ArchiveDamagedError(store.prefix + key, `the pack is cut short: it ends before byte ${offset + length}`);
  }
  return Buffer.from(into.buffer, into.byteOffset, length);
}

/**
 * @param bytes of exactly this frame
 * @param prefix of the archive, for the message
 */
export function decodeOf(prefix: string, { pack, offset }: Frame, bytes: Buffer): Buffer {
  try {
    return decodeFrame(bytes);
  } catch (error) {
    throw new ArchiveDamagedError(
      prefix + packKey(pack),
      `the frame at byte ${offset} cannot be decoded (${messageOf(error)})`,
      { cause: error },
    );
  }
}

/** The part of a decoded frame that a piece stands for. */
export function cut(prefix: string, piece: Piece, content: Buffer): Buffer {
  const part = content.subarray(piece.skip, piece.skip + piece.size);
  if (part.length !== piece.size) {
    throw new ArchiveDamagedError(
      prefix + packKey(piece.pack),
      `the frame at byte ${piece.offset} is shorter than the manifest says`,
    );
  }
  return part;
}

export const wrongContent = (prefix: string, pieces: readonly Piece[], path: string): ArchiveDamagedError =>
  new ArchiveDamagedError(
    pieces[0] ? prefix + packKey(pieces[0].pack) : prefix,
    `the content of ${path} has another SHA-256 than the manifest says`,
  );
