/** Puts the frames of all threads into packs, and the packs into the store. On the main thread. */
import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { encodeFrame } from '../frame';
import { packKey, type PackReference } from '../manifest';
import type { ObjectStore } from '../object-store';
import { TAR_END } from '../tar';
import type { Chunk } from './frame-writer';
import type { FramePlace } from './item';

export interface PackLimits {
  /** Size of a pack. */
  readonly bytes: number;
  /** Of the tar stream in it: bounds what waits for the pack to be finished, where content compresses well. */
  readonly rawBytes: number;
  /** Packs that are filled or being put. */
  readonly buffers: number;
}

/** Five parts of a file that does not compress, with what their frames have of their own. */
export const PACK_LIMITS: PackLimits = { bytes: 20.5 * 1024 * 1024, rawBytes: 64 * 1024 * 1024, buffers: 2 };

interface OpenPack {
  readonly buffer: Buffer;
  readonly hash: Hash;
  readonly frames: { readonly number: number; readonly offset: number; readonly length: number }[];
  length: number;
  /** Of its length, what is in the hash. */
  hashed: number;
  rawBytes: number;
  contentBytes: number;
}

export class PackBuilder {
  /** Finished packs, by SHA-256. */
  readonly packs = new Map<string, PackReference>();
  bytesStored = 0;

  readonly #places = new Map<number, FramePlace>();
  readonly #free: Buffer[] = [];
  readonly #puts = new Set<Promise<void>>();
  #made = 0;
  #finished = false;
  #open: OpenPack | undefined;
  #failure: { readonly error: unknown } | undefined;
  #turn: Promise<void> = Promise.resolve();
  #listeners: (() => void)[] = [];

  constructor(
    private readonly store: ObjectStore,
    private readonly limits: PackLimits = PACK_LIMITS,
  ) {}

  /** Returns when there was room for it: whoever makes frames waits for this. */
  add(chunk: Chunk): Promise<void> {
    return (this.#turn = this.#turn.then(() => this.#add(chunk)));
  }

  /** Where a frame is, once its pack is finished. */
  placeOf(frame: number): FramePlace | undefined {
    return this.#places.get(frame);
  }

  /** Until another pack is finished, or the export has failed. */
  async nextPack(): Promise<void> {
    this.#throwFailure();
    if (this.#finished) throw new Error('a frame of the manifest is in no pack');
    await new Promise<void>((resolve) => this.#listeners.push(resolve));
    this.#throwFailure();
  }

  /** Ends the pack that is open and waits for every put. */
  async finish(): Promise<void> {
    await this.#turn;
    this.#endPack();
    this.#finished = true;
    this.#announce();
    await Promise.all(this.#puts);
    this.#throwFailure();
  }

  /** After a failure: waits until nothing is under way any more. */
  async abandon(error: unknown): Promise<void> {
    this.#fail(error);
    await Promise.allSettled([this.#turn, ...this.#puts]);
  }

  async #add({ memory, frames, rawBytes, contentBytes }: Chunk): Promise<void> {
    this.#throwFailure();
    const length = frames.reduce((sum, frame) => sum + frame.length, 0);
    const open = this.#open;
    const full =
      open && (open.length + length + END_ROOM > open.buffer.length || open.rawBytes + rawBytes > this.limits.rawBytes);
    if (full) this.#endPack();
    const pack = (this.#open ??= await this.#newPack(length));
    const start = pack.length;
    pack.buffer.set(new Uint8Array(memory, 0, length), start);
    for (const frame of frames) {
      pack.frames.push({ number: frame.number, offset: pack.length, length: frame.length });
      pack.length += frame.length;
    }
    pack.rawBytes += rawBytes;
    pack.contentBytes += contentBytes;
    // Whoever made the frames goes on with its memory meanwhile.
    setImmediate(() => hashRest(pack));
  }

  async #newPack(atLeast: number): Promise<OpenPack> {
    while (this.#free.length === 0 && this.#made >= this.limits.buffers) {
      await Promise.race(this.#puts);
      this.#throwFailure();
    }
    let buffer = this.#free.pop();
    if (!buffer) {
      this.#made += 1;
      buffer = Buffer.allocUnsafeSlow(this.limits.bytes);
    }
    if (buffer.length < atLeast + END_ROOM) buffer = Buffer.allocUnsafeSlow(atLeast + END_ROOM);
    return { buffer, hash: createHash('sha256'), frames: [], length: 0, hashed: 0, rawBytes: 0, contentBytes: 0 };
  }

  #endPack(): void {
    const pack = this.#open;
    if (!pack || pack.length === 0) return;
    this.#open = undefined;
    const end = encodeFrame(TAR_END);
    pack.buffer.set(end, pack.length);
    pack.length += end.length;
    hashRest(pack);
    const body = pack.buffer.subarray(0, pack.length);
    const sha256 = pack.hash.digest('hex');
    const reference = { key: packKey(sha256), bytes: body.length, contentBytes: pack.contentBytes, crc32: crc32(body) };
    this.packs.set(sha256, reference);
    for (const { number, offset, length } of pack.frames) this.#places.set(number, { pack: sha256, offset, length });
    const put = this.store
      .put(reference.key, body, sha256, { renew: true })
      .then(
        (result) => {
          if (result === 'created') this.bytesStored += body.length;
        },
        (error: unknown) => this.#fail(error),
      )
      .finally(() => {
        this.#puts.delete(put);
        this.#free.push(pack.buffer);
      });
    this.#puts.add(put);
    this.#announce();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#announce();
  }

  #announce(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

function hashRest(pack: OpenPack): void {
  // Of one that has ended, all is.
  if (pack.hashed === pack.length) return;
  pack.hash.update(pack.buffer.subarray(pack.hashed, pack.length));
  pack.hashed = pack.length;
}

/** For the frame that ends the tar stream. */
const END_ROOM = 64;
