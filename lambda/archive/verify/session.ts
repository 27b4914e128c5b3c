/** The threads' part of a verification: takes one pack apart and compares everything that anybody wants of it. */
import { createHash, hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Job, Session } from '../crew/effect';
import { messageOf } from '../errors';
import { decodeFrame, release } from '../frame';

/** Contents of one pack, each with its pieces in it. */
export interface PackTask {
  readonly do: 'pack';
  readonly crc32: number;
  /** Holds the pack at its beginning. */
  readonly memory: SharedArrayBuffer;
  /** Of the object, which may be longer than it should be, and then than its memory. */
  readonly length: number;
  /** Hex, of each content. */
  readonly sha256: readonly string[];
  /** For each content: its index, how many pieces it has, then offset, length, skip and size of each. */
  readonly pieces: Float64Array;
}

export interface PackResult {
  /** What is wrong, with the indexes of the contents that it makes useless. */
  readonly problems: readonly { readonly problem: string; readonly contents: readonly number[] }[];
}

export class VerifySession implements Session {
  // eslint-disable-next-line require-yield -- it has all it needs
  *run(task: PackTask): Job<PackResult> {
    const bytes = Buffer.from(task.memory, 0, Math.min(task.length, task.memory.byteLength));
    const bad = new Map<string, number[]>();
    const checksum = new Checksum(bytes);
    const frames = new FrameDecoder(bytes, checksum);
    for (const at of inOrder(task.pieces)) {
      const index = task.pieces[at]!;
      const problem = problemOf(task.sha256[index]!, task.pieces, at, frames);
      if (problem !== undefined) bad.set(problem, [...(bad.get(problem) ?? []), index]);
    }
    frames.end();
    // Whatever is wrong besides: a header of the tar stream, a content that no point needs.
    if (bad.size === 0 && (task.length !== bytes.length || checksum.upTo(bytes.length) !== task.crc32)) {
      bad.set('the pack was changed: its checksum is another than the manifest says', []);
    }
    return { problems: Array.from(bad, ([problem, contents]) => ({ problem, contents })) };
  }
}

/** CRC-32 of a pack, taken along with its frames: what was just read is in the processor's cache when it is decoded. */
class Checksum {
  #value = 0;
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  upTo(end: number): number {
    if (end > this.#at) {
      this.#value = crc32(this.bytes.subarray(this.#at, end), this.#value);
      this.#at = end;
    }
    return this.#value;
  }
}

const CONTENT_NUMBERS = 2;
const PIECE_NUMBERS = 4;

/** Where each content begins in the list, in the order of their frames, so that each frame is decoded once. */
function inOrder(pieces: Float64Array): Uint32Array {
  const starts: number[] = [];
  for (let at = 0; at < pieces.length; at += CONTENT_NUMBERS + pieces[at + 1]! * PIECE_NUMBERS) starts.push(at);
  const offsetOf = (at: number) => pieces[at + CONTENT_NUMBERS]!;
  return Uint32Array.from(starts).sort((a, b) => offsetOf(a) - offsetOf(b));
}

/** Keeps the frame that was decoded last. */
class FrameDecoder {
  #offset = -1;
  #length = -1;
  #result: Buffer | string = '';

  constructor(
    private readonly pack: Buffer,
    private readonly checksum: Checksum,
  ) {}

  /** The decoded frame, until the next is asked for; or what is wrong with it. */
  decode(offset: number, length: number): Buffer | string {
    if (this.#offset === offset && this.#length === length) return this.#result;
    this.end();
    this.#offset = offset;
    this.#length = length;
    return (this.#result = this.#decode(offset, offset + length));
  }

  #decode(start: number, end: number): Buffer | string {
    if (end > this.pack.length) return `the pack is cut short: it ends before byte ${end}`;
    this.checksum.upTo(end);
    try {
      return decodeFrame(this.pack.subarray(start, end));
    } catch (error) {
      return `the frame at byte ${start} cannot be decoded (${messageOf(error)})`;
    }
  }

  /** Gives back the memory of the last frame. */
  end(): void {
    if (typeof this.#result !== 'string') release(this.#result);
    this.#result = '';
    this.#offset = -1;
  }
}

function problemOf(sha256: string, pieces: Float64Array, start: number, frames: FrameDecoder): string | undefined {
  const end = start + CONTENT_NUMBERS + pieces[start + 1]! * PIECE_NUMBERS;
  const digest = pieces[start + 1]! > 1 ? createHash('sha256') : undefined;
  let only: Buffer = Buffer.alloc(0);
  for (let at = start + CONTENT_NUMBERS; at < end; at += PIECE_NUMBERS) {
    const [offset, skip, size] = [pieces[at]!, pieces[at + 2]!, pieces[at + 3]!];
    const content = frames.decode(offset, pieces[at + 1]!);
    if (typeof content === 'string') return content;
    only = content.subarray(skip, skip + size);
    if (only.length !== size) return `the frame at byte ${offset} is shorter than the manifest says`;
    digest?.update(only);
  }
  const found = digest ? digest.digest('hex') : hash('sha256', only, 'hex');
  return found === sha256 ? undefined : 'a content has another SHA-256 than the manifest says';
}
