import type { Answer, Job } from './crew/effect';
import type { ObjectStore } from './object-store';
import { ArchiveDamagedError } from './errors';
import { decodeOf, fetchRange, type Frame, planRanges, type Range } from './ranges';

/** Fetches that are under way before they are asked for. */
const AHEAD = 2;

/** The main thread's part: fetches the ranges of one task, the next ones while one is worked on. */
export class RangeFetcher {
  #ranges: readonly Range[] = [];
  readonly #fetching = new Map<number, Promise<Buffer>>();

  constructor(private readonly store: ObjectStore) {}

  /** @param question the ranges at first, then the number of the one that is wanted */
  async answer(question: readonly Range[] | number): Promise<Answer> {
    if (typeof question !== 'number') {
      this.#ranges = question;
      this.#start(0);
      return { value: undefined };
    }
    this.#start(question);
    const fetched = await this.#fetching.get(question)!;
    this.#fetching.delete(question);
    // Memory that this range has for itself can change hands; a part of something larger is copied.
    const own =
      fetched.byteOffset === 0 && fetched.buffer.byteLength === fetched.length && fetched.buffer instanceof ArrayBuffer;
    const bytes = own ? (fetched as Uint8Array<ArrayBuffer>) : new Uint8Array(fetched);
    return { value: bytes, transfer: [bytes.buffer as ArrayBuffer] };
  }

  #start(from: number): void {
    for (let index = from; index < Math.min(from + AHEAD, this.#ranges.length); index += 1) {
      if (this.#fetching.has(index)) continue;
      const fetching = fetchRange(this.store, this.#ranges[index]!);
      fetching.catch(() => {});
      this.#fetching.set(index, fetching);
    }
  }
}

/** The thread's part: frames in the order in which they were planned. */
export class FrameSource {
  #ranges: readonly Range[] = [];
  #current = -1;
  #bytes: Buffer = Buffer.alloc(0);
  #failure: unknown;

  constructor(private readonly prefix: string) {}

  *plan(frames: Iterable<Frame>): Job<void> {
    this.#ranges = planRanges(frames);
    this.#current = -1;
    this.#bytes = Buffer.alloc(0);
    yield { ask: 'range', with: this.#ranges };
  }

  /** @throws ArchiveDamagedError when it cannot be had; those after it still can */
  *frame(frame: Frame): Job<Buffer> {
    while (this.#current < 0 || !holds(this.#ranges[this.#current]!, frame)) {
      if (this.#current + 1 >= this.#ranges.length) throw new Error('a frame was asked for that was not planned');
      this.#current += 1;
      this.#failure = undefined;
      try {
        const bytes = (yield { ask: 'range', with: this.#current }) as Uint8Array<ArrayBuffer>;
        this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      } catch (error) {
        if (!(error instanceof ArchiveDamagedError)) throw error;
        this.#failure = error;
      }
    }
    if (this.#failure !== undefined) throw this.#failure;
    const start = frame.offset - this.#ranges[this.#current]!.offset;
    return decodeOf(this.prefix, frame, this.#bytes.subarray(start, start + frame.length));
  }
}

const holds = (range: Range, { pack, offset, length }: Frame) =>
  range.pack === pack && offset >= range.offset && offset + length <= range.offset + range.length;
