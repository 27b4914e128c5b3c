/** The threads' part of a verification: takes one pack apart and compares everything that anybody wants of it. */
import { createHash, hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Job, Session } from '../crew/effect';
import { messageOf } from '../errors';
import { decodeFrame } from '../frame';

/** Contents of one pack, each with its pieces in it. */
export interface PackTask {
  readonly do: 'pack';
  readonly crc32: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Hex, of each content. */
  readonly sha256: readonly string[];
  /** For each content: how many pieces, then offset, length, skip and size of each. */
  readonly pieces: Float64Array;
}

export interface PackResult {
  /** What is wrong, with the indexes of the contents that it makes useless. */
  readonly problems: readonly { readonly problem: string; readonly contents: readonly number[] }[];
}

export class VerifySession implements Session {
  // eslint-disable-next-line require-yield -- it has all it needs
  *run(task: PackTask): Job<PackResult> {
    const bytes = Buffer.from(task.bytes.buffer, task.bytes.byteOffset, task.bytes.byteLength);
    const bad = new Map<string, number[]>();
    const decode = frameDecoder(bytes);
    for (const { index, pieces } of contentsOf(task)) {
      const problem = problemOf(task.sha256[index]!, pieces, decode);
      if (problem !== undefined) bad.set(problem, [...(bad.get(problem) ?? []), index]);
    }
    // Whatever is wrong besides: a header of the tar stream, a content that no point needs.
    if (bad.size === 0 && crc32(bytes) !== task.crc32) {
      bad.set('the pack was changed: its checksum is another than the manifest says', []);
    }
    return { problems: Array.from(bad, ([problem, contents]) => ({ problem, contents })) };
  }
}

interface PlacedPiece {
  readonly offset: number;
  readonly length: number;
  readonly skip: number;
  readonly size: number;
}

/** In the order of their frames, so that each is decoded once. */
function contentsOf({
  pieces,
}: PackTask): readonly { readonly index: number; readonly pieces: readonly PlacedPiece[] }[] {
  const contents: { readonly index: number; readonly pieces: readonly PlacedPiece[] }[] = [];
  for (let at = 0; at < pieces.length;) {
    const count = pieces[at]!;
    const own: PlacedPiece[] = [];
    for (let piece = 0; piece < count; piece += 1) {
      const [offset, length, skip, size] = pieces.subarray(at + 1 + piece * 4, at + 5 + piece * 4);
      own.push({ offset: offset!, length: length!, skip: skip!, size: size! });
    }
    contents.push({ index: contents.length, pieces: own });
    at += 1 + count * 4;
  }
  return contents.sort((a, b) => a.pieces[0]!.offset - b.pieces[0]!.offset);
}

/** Keeps the frame that was decoded last. */
function frameDecoder(pack: Buffer) {
  let last: { readonly offset: number; readonly length: number; readonly result: Buffer | string } | undefined;
  return ({ offset, length }: PlacedPiece): Buffer | string => {
    if (last?.offset === offset && last.length === length) return last.result;
    let result: Buffer | string;
    try {
      result =
        offset + length > pack.length
          ? `the pack is cut short: it ends before byte ${offset + length}`
          : decodeFrame(pack.subarray(offset, offset + length));
    } catch (error) {
      result = `the frame at byte ${offset} cannot be decoded (${messageOf(error)})`;
    }
    last = { offset, length, result };
    return result;
  };
}

function problemOf(
  sha256: string,
  pieces: readonly PlacedPiece[],
  decode: (piece: PlacedPiece) => Buffer | string,
): string | undefined {
  const digest = pieces.length > 1 ? createHash('sha256') : undefined;
  let only: Buffer = Buffer.alloc(0);
  for (const piece of pieces) {
    const content = decode(piece);
    if (typeof content === 'string') return content;
    only = content.subarray(piece.skip, piece.skip + piece.size);
    if (only.length !== piece.size) return `the frame at byte ${piece.offset} is shorter than the manifest says`;
    digest?.update(only);
  }
  const found = digest ? digest.digest('hex') : hash('sha256', only, 'hex');
  return found === sha256 ? undefined : 'a content has another SHA-256 than the manifest says';
}
