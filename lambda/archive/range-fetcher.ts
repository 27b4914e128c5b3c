import type { Answer, Job } from './crew/effect';
import type { ObjectStore } from './object-store';
import { ArchiveDamagedError } from './errors';
import { MemoryPool } from './memory-pool';
import { decodeOf, fetchRange, type Frame, MAX_RANGE_BYTES, planRanges, type Range } from './ranges';

/** For ranges: all but the longest frames fit into each. */
export const rangeMemory = (): MemoryPool => new MemoryPool(MAX_RANGE_BYTES);

/** The main thread's part: fetches the ranges of one task, the next ones while one is worked on. */
export class RangeFetcher {
  #ranges: readonly Range[] = [];
  readonly #fetching = new Map<number, { readonly memory: SharedArrayBuffer; readonly done: Promise<unknown> }>();

  /**
   * @param pool that all tasks share: {@link rangeMemory}
   * @param ahead fetches that are under way before they are asked for, the one that is wanted counted in
   */
  constructor(
    private readonly store: ObjectStore,
    private readonly pool: MemoryPool,
    private readonly ahead: number,
  ) {}

  /** @param question the ranges at first, then the number of the one that is wanted: those before it are not looked at any more */
  async answer(question: readonly Range[] | number): Promise<Answer> {
    if (typeof question !== 'number') {
      this.#ranges = question;
      this.#start(0);
      return { value: undefined };
    }
    await this.#giveBack(question);
    this.#start(question);
    const { memory, done } = this.#fetching.get(question)!;
    await done;
    return { value: memory };
  }

  /** After the task. */
  end(): Promise<void> {
    return this.#giveBack(this.#ranges.length);
  }

  #start(from: number): void {
    for (let index = from; index < Math.min(from + this.ahead, this.#ranges.length); index += 1) {
      if (this.#fetching.has(index)) continue;
      const range = this.#ranges[index]!;
      const memory = this.pool.take(range.length);
      const done = fetchRange(this.store, range, new Uint8Array(memory, 0, range.length));
      done.catch(() => {});
      this.#fetching.set(index, { memory, done });
    }
  }

  /** What is still being written to must not be used for anything else. */
  async #giveBack(before: number): Promise<void> {
    for (const [index, { memory, done }] of this.#fetching) {
      if (index >= before) continue;
      this.#fetching.delete(index);
      await done.catch(() => {});
      this.pool.give(memory);
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
        this.#bytes = Buffer.from((yield { ask: 'range', with: this.#current }) as SharedArrayBuffer);
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
