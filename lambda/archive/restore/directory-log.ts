/**
 * The lines of directories that were made, until all is in them: only then they get their modes and times. Of a large volume they
 * are hundreds of thousands, so they are kept compressed, a tenth of their size.
 */
import { compressorOf, decodeFrame } from '../frame';

/** Lines that a thread finishes at once. */
const BYTES_AT_ONCE = 256 * 1024;

const compress = compressorOf(1);

export class DirectoryLog {
  readonly #frames: Buffer[] = [];
  #lines = Buffer.allocUnsafeSlow(BYTES_AT_ONCE);
  #length = 0;

  /** In the order of their paths. */
  add(line: Uint8Array): void {
    if (this.#length > 0 && this.#length + line.length > this.#lines.length) this.#end();
    if (line.length > this.#lines.length) this.#lines = Buffer.allocUnsafeSlow(line.length);
    this.#lines.set(line, this.#length);
    this.#length += line.length;
  }

  /** Frames of lines that {@link linesOf} gives; those that were added last come first. */
  *newestFirst(): Generator<Uint8Array> {
    this.#end();
    yield* this.#frames.toReversed();
  }

  #end(): void {
    if (this.#length > 0) this.#frames.push(Buffer.from(compress(this.#lines.subarray(0, this.#length))));
    this.#length = 0;
  }
}

/** In the order in which they were added. */
export const linesOf = (frame: Uint8Array): Buffer =>
  decodeFrame(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength));
