/** Fills frames with small files, and cuts large ones into frames of their own. Runs in the threads. */
import { createHash, hash } from 'node:crypto';
import type { Job } from '../crew/effect';
import { encodeFrame, release } from '../frame';
import { TAR_BLOCK, tarHeader, tarPadding, type TarMember } from '../tar';

/** A frame's content, so what a restore of one small file has to fetch and decode at most (before compression). */
export const FRAME_BYTES = 1024 * 1024;
/** A longer file is several members of the tar stream, so that those of two threads do not mix. */
export const PART_BYTES = 4 * 1024 * 1024;

/** A part that does not compress, with what its frames have of their own. */
const CHUNK_BYTES = PART_BYTES + PART_BYTES / 128 + 64 * 1024;

/** Frames that belong behind each other in one pack: whole members. */
export interface Chunk {
  /** Shared memory with the frames behind each other; the writer fills it again after the answer. */
  readonly memory: SharedArrayBuffer;
  readonly frames: readonly { readonly number: number; readonly length: number }[];
  /** Of the tar stream, before compression. */
  readonly rawBytes: number;
  /** Of the files in it. */
  readonly contentBytes: number;
}

export interface FrameWriterOptions {
  /** Numbers of frames, shared by all threads. */
  readonly counter: Int32Array;
}

export class FrameWriter {
  readonly #raw = Buffer.alloc(FRAME_BYTES);
  readonly #large = Buffer.alloc(FRAME_BYTES + TAR_BLOCK);
  readonly #memory = new Uint8Array(new SharedArrayBuffer(CHUNK_BYTES));
  #staged = 0;
  #frames: { number: number; length: number }[] = [];
  #length = 0;
  #content = 0;
  #number = -1;
  #header: Buffer = Buffer.alloc(0);

  constructor(private readonly options: FrameWriterOptions) {}

  /** Room for a small file's content; ends the frame when it has not got it. */
  *roomFor(member: TarMember): Job<Buffer> {
    const room = this.roomNow(member);
    if (room) return room;
    yield* this.endFrame();
    return this.roomNow(member)!;
  }

  /** As {@link roomFor}; undefined when the frame has to be ended first. */
  roomNow(member: TarMember): Buffer | undefined {
    this.#header = tarHeader(member);
    const total = this.#header.length + member.size + tarPadding(member.size);
    if (this.#length > 0 && this.#length + total > this.#raw.length) return undefined;
    if (total > this.#raw.length) throw new Error(`${member.path}: ${member.size} bytes do not fit into a frame`);
    if (this.#number < 0) this.#number = this.#takeNumbers(1);
    const start = this.#length + this.#header.length;
    return this.#raw.subarray(start, start + member.size);
  }

  /** Where the content would be that {@link roomFor} made room for. */
  get place(): { readonly frame: number; readonly skip: number } {
    return { frame: this.#number, skip: this.#length + this.#header.length };
  }

  /**
   * Makes what was read into the room part of the frame: all of `announced` bytes, as the header says, zeros from `read` on.
   */
  keep(announced: number, read: number): void {
    this.#header.copy(this.#raw, this.#length);
    const start = this.#length + this.#header.length;
    this.#length = start + announced + tarPadding(announced);
    this.#raw.fill(0, start + read, this.#length);
    this.#content += announced;
  }

  *endFrame(): Job<void> {
    if (this.#length === 0) return;
    this.#stage(this.#number, this.#raw.subarray(0, this.#length));
    yield* this.#send(this.#length, this.#content);
    this.#content = 0;
    this.#number = -1;
    this.#length = 0;
  }

  /**
   * Stores a large file as it is read: exactly `size` bytes, zeros from where it ends early.
   *
   * @param read fills a buffer with what is at a position; gives fewer bytes at the end of the file
   */
  *large(member: TarMember, read: (buffer: Buffer, position: number) => number) {
    const { size } = member;
    const first = this.#takeNumbers(largeFrames(size));
    const digest = createHash('sha256');
    let number = first;
    let length = 0;
    const parts = Math.ceil(size / PART_BYTES);
    for (let part = 0; part < parts; part += 1) {
      const start = part * PART_BYTES;
      const end = Math.min(size, start + PART_BYTES);
      const header = tarHeader(parts === 1 ? member : partOf(member, part, end - start));
      this.#stage(number++, header);
      for (let position = start; position < end; position += FRAME_BYTES) {
        const wanted = Math.min(FRAME_BYTES, end - position);
        const padding = position + wanted === end ? tarPadding(end - start) : 0;
        const content = this.#large.subarray(0, wanted);
        const got = read(content, position);
        this.#large.fill(0, got, wanted + padding);
        length += got;
        // What is hashed is what would be restored: after a short read, only what came before.
        if (length === position + got) digest.update(content.subarray(0, got));
        this.#stage(number++, this.#large.subarray(0, wanted + padding));
      }
      yield* this.#send(header.length + (end - start) + tarPadding(end - start), end - start);
    }
    return { first, length, sha256: digest.digest('hex') };
  }

  /** Compresses a frame behind those that wait already. */
  #stage(number: number, raw: Buffer): void {
    const frame = encodeFrame(raw);
    if (this.#staged + frame.length > this.#memory.length) throw new Error('a chunk is larger than its memory');
    this.#memory.set(frame, this.#staged);
    this.#staged += frame.length;
    this.#frames.push({ number, length: frame.length });
    release(frame);
  }

  *#send(rawBytes: number, contentBytes: number): Job<void> {
    const chunk: Chunk = { memory: this.#memory.buffer, frames: this.#frames, rawBytes, contentBytes };
    yield { ask: 'chunk', with: chunk };
    this.#staged = 0;
    this.#frames = [];
  }

  #takeNumbers(count: number): number {
    return Atomics.add(this.options.counter, 0, count);
  }
}

const partOf = (member: TarMember, index: number, size: number): TarMember => ({
  ...member,
  path: `${member.path}.part-${String(index + 1).padStart(5, '0')}`,
  size,
});

/** Frames of a large file: one for each part's header, one for each MiB. */
const largeFrames = (size: number) => Math.ceil(size / PART_BYTES) + Math.ceil(size / FRAME_BYTES);

/** Where the content of a large file is, from the number of its first frame: `[frame, size]` in order. */
export function largePieces(first: number, size: number): readonly (readonly [frame: number, size: number])[] {
  const perPart = PART_BYTES / FRAME_BYTES;
  return Array.from({ length: Math.ceil(size / FRAME_BYTES) }, (_, index) => [
    first + index + Math.floor(index / perPart) + 1,
    Math.min(FRAME_BYTES, size - index * FRAME_BYTES),
  ]);
}

export const digestOf = (bytes: Buffer): string => hash('sha256', bytes, 'hex');

const KEY = Buffer.alloc(32);
const KEY_WORDS = new Int32Array(KEY.buffer, KEY.byteOffset, 8);

/** The table's key of a SHA-256; valid until the next call. */
export function keyOf(sha256: string): Int32Array {
  KEY.write(sha256, 'hex');
  return KEY_WORDS;
}

export const sha256Of = (text: string): string => hash('sha256', text, 'hex');

/** Under the SHA-256 of this, the table knows that a content of the size is stored. */
export const sizeKey = (size: number): string => `size ${size}`;

export const fitsInFrame = (member: TarMember): boolean =>
  member.size <= FRAME_BYTES - 8 * TAR_BLOCK && member.path.length < 1024;
