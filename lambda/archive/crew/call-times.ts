/** How long the calls of a file system take, in a thread: whether more threads, that wait at the same time, pay. */

const SAMPLES = 32;
/** A clock reading costs a tenth of a local call: so one call of so many is timed. */
const TIMED_ONE_OF = 16;

export class CallTimes {
  #calls = 0;
  #samples: number[] = [];
  /**
   * In milliseconds, what a call takes when nothing else is in its way: a thread that had to wait for a core has not waited for
   * the volume. 0 as long as there are too few.
   */
  typical = 0;

  /** @param call of the file system, whose time is perhaps taken */
  of<T>(call: () => T): T {
    this.#calls += 1;
    if (this.#calls % TIMED_ONE_OF !== 1) return call();
    const started = performance.now();
    const result = call();
    this.#add(performance.now() - started);
    return result;
  }

  #add(ms: number): void {
    this.#samples.push(ms);
    if (this.#samples.length < SAMPLES) return;
    this.typical = this.#samples.sort((a, b) => a - b)[SAMPLES / 4]!;
    this.#samples = [];
  }
}
