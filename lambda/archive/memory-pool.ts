/** Memory that all threads share and that is used again: what is never freed is no work for the garbage collector. */
export class MemoryPool {
  readonly #free: SharedArrayBuffer[] = [];

  /** At least so many bytes, with whatever was in them before. */
  take(bytes: number): SharedArrayBuffer {
    const index = this.#free.findIndex((memory) => memory.byteLength >= bytes);
    if (index >= 0) return this.#free.splice(index, 1)[0]!;
    // One that is too small makes way for the larger.
    this.#free.pop();
    return new SharedArrayBuffer(roundUp(bytes));
  }

  give(memory: SharedArrayBuffer): void {
    this.#free.push(memory);
  }
}

const MIB = 1024 * 1024;

/** Objects of one kind have about the same size: so that one memory does for most of them. */
const roundUp = (bytes: number) => Math.max(1, Math.ceil(bytes / MIB)) * MIB;
