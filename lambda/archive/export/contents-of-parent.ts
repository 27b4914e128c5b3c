/** What the parent stores, for the table of contents that all threads share. */
import { FRAME_BYTES, keyOf } from './frame-writer';
import { createHash } from 'node:crypto';
import { ContentTable, newSegment } from './content-table';

const NEWLINE = 10;
/** `"sha256":"`, 64 digits, `","pieces":[` */
const SHA256 = Buffer.from('"sha256":"');
const SIZE = Buffer.from('"size":');

/** The table on the main thread: makes its segments, and fills in what the parent stores when somebody first asks. */
export class SharedContents {
  readonly #segments: SharedArrayBuffer[] = [];
  readonly #table = new ContentTable();
  #filled: Promise<void> | undefined;

  constructor(
    private readonly counter: Int32Array,
    private readonly parentPages: number,
    private readonly pageOf: (page: number) => Promise<SharedArrayBuffer>,
  ) {}

  async segment(index: number): Promise<SharedArrayBuffer> {
    await (this.#filled ??= this.#fill());
    if (index >= this.#segments.length) this.#grow();
    return this.#segments[index]!;
  }

  #grow(): void {
    const segment = newSegment();
    this.#segments.push(segment);
    this.#table.add(segment);
    Atomics.store(this.counter, 0, this.#segments.length);
  }

  async #fill(): Promise<void> {
    const segments: SharedArrayBuffer[] = [];
    const table = new ContentTable();
    const claim = (sha256: string, page: number, start: number) => {
      while (table.claim(keyOf(sha256), { kind: 'parent', page, start }) === 'full') {
        const segment = newSegment();
        segments.push(segment);
        table.add(segment);
      }
    };
    for (let page = 0; page < this.parentPages; page += 1) {
      const lines = Buffer.from(await this.pageOf(page));
      for (let at = 0; at < lines.length;) {
        const next = lines.indexOf(NEWLINE, at) + 1;
        const start = at;
        at = next;
        const sha256At = lines.indexOf(SHA256, start);
        // Directories and links have none, empty files no pieces.
        if (sha256At < 0 || sha256At > next) continue;
        if (lines.toString('latin1', sha256At + 75, sha256At + 88) === ',"pieces":[]}') continue;
        claim(lines.toString('latin1', sha256At + 10, sha256At + 74), page, start);
        const size = Number.parseInt(lines.toString('latin1', lines.indexOf(SIZE, start) + SIZE.length, sha256At), 10);
        if (size > FRAME_BYTES / 2) claim(createHash('sha256').update(`size ${size}`).digest('hex'), page, start);
      }
    }
    // Only now, whole: a thread that asks meanwhile waits for it.
    for (const segment of segments) {
      this.#segments.push(segment);
      this.#table.add(segment);
    }
    Atomics.store(this.counter, 0, this.#segments.length);
  }
}
