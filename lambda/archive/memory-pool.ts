/**
 * Memory that all threads share and that is used again. What is dropped instead is freed when the garbage collector of every
 * thread that has seen it came by, which for a few large pieces none of them finds worth its while.
 */
export class MemoryPool {
  readonly #free: SharedArrayBuffer[] = [];

  /** @param leastBytes of each, so that nearly all of them fit every use: what is not written to takes no memory */
  constructor(private readonly leastBytes = 0) {}

  /** At least so many bytes, with whatever was in them before. */
  take(bytes: number): SharedArrayBuffer {
    const index = this.#free.findIndex((memory) => memory.byteLength >= bytes);
    if (index >= 0) return this.#free.splice(index, 1)[0]!;
    // One that is too small makes way for the larger.
    this.#free.pop();
    return new SharedArrayBuffer(roundUp(Math.max(bytes, this.leastBytes)));
  }

  give(memory: SharedArrayBuffer): void {
    this.#free.push(memory);
  }
}

const MIB = 1024 * 1024;

/** Objects of one kind have about the same size: so that one memory does for most of them. */
const roundUp = (bytes: number) => Math.max(1, Math.ceil(bytes / MIB)) * MIB;
