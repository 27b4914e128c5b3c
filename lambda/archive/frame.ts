import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { promisify } from 'node:util';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** No frame of a pack holds more than this when decoded; a reader refuses one that does. Part of the format. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/**
 * One zstd frame, with its checksum (zstd's default of leaving it out lets a flipped bit pass), decoded again before
 * anybody relies on it.
 */
export async function encodeFrame(raw: Buffer): Promise<Buffer> {
  const frame = await compress(raw, {
    params: { [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_compressionLevel]: 3 },
    pledgedSrcSize: raw.length,
  });
  if (!(await decompress(frame, { maxOutputLength: Math.max(raw.length, 1) })).equals(raw)) {
    throw new Error(
      `zstd gave back other bytes than it was given (${raw.length} bytes): this machine is not to be trusted`,
    );
  }
  return frame;
}

/**
 * Decodes exactly one frame. node:zlib (22 and 24) accepts a frame that is cut short and drops every frame after the
 * first, both in silence: so a frame comes here alone, cut out by its offset and length, and the caller compares size
 * and SHA-256 of what it takes from it.
 */
export const decodeFrame = (frame: Buffer, maxBytes = MAX_FRAME_BYTES): Promise<Buffer> =>
  decompress(frame, { maxOutputLength: maxBytes });
