/** Reads one file, stores its content unless it is stored already, and says what its line is. Runs in the threads. */
import { createHash } from 'node:crypto';
import { BYTES_LOOKED_AT, isNoise } from '../anomaly/entropy';
import type { Job } from '../crew/effect';
import { codeOf, isAnswer } from '../errors';
import type { TarMember } from '../tar';
import type { Volume, VolumeFile, VolumeStat } from '../volume';
import { fileLine, fileLineStart } from '../entry';
import { type ContentPlace, ContentTable } from './content-table';
import { digestOf, fitsInFrame, FRAME_BYTES, FrameWriter, keyOf, largePieces, sha256Of, sizeKey } from './frame-writer';
import { pieceInFrame } from './item';
import { ParentPages } from './parent-cursor';
import type { TakenContent } from './taken-content';
import { addFailure, type Remarks } from './remark';

const READ_ATTEMPTS = 3;
const RETRY_WAIT_MS = 50;
const NEWLINE = 10;

export interface ReadOutcome {
  readonly line: string;
  readonly size: number;
  readonly sha256: string;
  /** That its pieces name. */
  readonly frames: readonly number[];
}

export interface ParentContent {
  readonly sha256: string;
  readonly sameStat: boolean;
  readonly unstable: boolean;
}

interface ReadContent {
  readonly size: number;
  readonly sha256: string;
  readonly isNoisy: boolean;
  /** Of a large file, whose frames are there already. */
  store?(): Job<Pieces>;
}

/** `"pieces":[...]`, and the frames that are named in it. */
interface Pieces {
  readonly text: string;
  readonly frames: readonly number[];
}

const NO_PIECES: Pieces = { text: '"pieces":[]', frames: [] };

export class FileReader {
  readonly #buffer = Buffer.allocUnsafeSlow(FRAME_BYTES);
  filesRead = 0;
  bytesRead = 0;
  /** Paths of those that look like noise, where somebody wants to know. */
  noisy: string[] | undefined;
  /** Then a content that is not in it is stored, perhaps again. */
  #tableIsFull = false;

  constructor(
    private readonly volume: Volume,
    private readonly frames: FrameWriter,
    private readonly contents: ContentTable,
    private readonly pages: ParentPages,
    private readonly taken: TakenContent,
    /** Count of the table's segments, shared by all threads. */
    private readonly segments: Int32Array,
  ) {}

  /**
   * Undefined, with a remark, when it cannot be read.
   *
   * @param parent what the parent says of this path
   */
  *read(
    path: string,
    stat: VolumeStat,
    parent: ParentContent | undefined,
    remarks: Remarks,
  ): Job<ReadOutcome | undefined> {
    let expected = stat;
    let failure: unknown;
    for (let attempt = 1; attempt <= READ_ATTEMPTS; attempt += 1) {
      if (attempt > 1) wait(RETRY_WAIT_MS * attempt);
      const last = attempt === READ_ATTEMPTS;
      let file: VolumeFile | undefined;
      try {
        file = this.volume.open(path);
        if (attempt > 1) expected = fileStat(file);
        const read = yield* this.#readOpen(path, file, expected, last);
        if (!read) continue;
        this.filesRead += 1;
        if (read.isNoisy) this.noisy?.push(path);
        if (parent && parent.sameStat && !parent.unstable && read.sha256 !== parent.sha256) {
          remarks.warnings.push({
            path,
            reason: 'content differs from the export before, though size and times are the same: silent damage?',
          });
        }
        if (read.unstable) {
          remarks.problems.push({
            path,
            reason: `unstable: changed during each of ${READ_ATTEMPTS} attempts to read it; the content is what the last one read`,
          });
        }
        return read;
      } catch (error) {
        // What the main thread answers with an error is the archive, not this file: the whole export fails.
        if (isAnswer(error)) throw error;
        failure = error;
        if (['EACCES', 'EPERM', 'ENOENT', 'ELOOP'].includes(codeOf(error) ?? '')) break;
      } finally {
        file?.close();
      }
    }
    addFailure(remarks, path, failure ?? new Error('it could not be read'));
    return undefined;
  }

  *#readOpen(path: string, file: VolumeFile, expected: VolumeStat, last: boolean) {
    const member = { ...expected, path };
    const read: ReadContent = fitsInFrame(member)
      ? this.#readSmall(file, member, this.frames.roomNow(member) ?? (yield* this.frames.roomFor(member)))
      : yield* this.#readLarge(file, member);
    const now = fileStat(file);
    const unstable = read.size !== expected.size || !sameFile(expected, now);
    if (unstable && !last) return undefined;
    const place = yield* read.store?.() ?? this.#storeSmall(member, read);
    const stat = { ...expected, size: read.size };
    const content = `${place.text}${unstable ? ',"unstable":true' : ''}`;
    return {
      line: fileLine(fileLineStart(path, stat), `"sha256":"${read.sha256}",${content}`),
      size: read.size,
      sha256: read.sha256,
      frames: place.frames,
      isNoisy: read.isNoisy,
      unstable,
    };
  }

  #readSmall(file: VolumeFile, member: TarMember, room: Buffer): ReadContent {
    const size = file.read(room, 0, member.size, 0);
    this.bytesRead += size;
    const content = size === room.length ? room : room.subarray(0, size);
    return { size, sha256: digestOf(content), isNoisy: this.#isNoisy(content) };
  }

  *#storeSmall(member: TarMember, { size, sha256 }: ReadContent): Job<Pieces> {
    if (size === 0) return NO_PIECES;
    const here = { kind: 'frame', ...this.frames.place } as const;
    const known = yield* this.#claim(sha256, here, size);
    if (known) return known;
    // A file that ended early keeps the room that its header has announced, or the tar stream would be torn.
    this.frames.keep(member.size, size);
    return ownPieces(here, size);
  }

  *#readLarge(file: VolumeFile, member: TarMember): Job<ReadContent> {
    const ofSize = sha256Of(sizeKey(member.size));
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- for the generator below
    const self = this;
    if (yield* this.#find(ofSize)) {
      // Something of this size is stored: worth a read to see whether it is this.
      const { sha256, size, isNoisy } = this.#hash(file, member.size);
      const known = size === member.size ? yield* this.#stored(sha256, size) : undefined;
      if (known) {
        return {
          size,
          sha256,
          isNoisy,
          // eslint-disable-next-line require-yield -- there is nothing to ask any more
          *store(): Job<Pieces> {
            return known;
          },
        };
      }
    }
    let isNoisy = false;
    const { first, length, sha256 } = yield* this.frames.large(member, (buffer, position) => {
      const read = file.read(buffer, 0, buffer.length, position);
      if (position === 0) isNoisy = this.#isNoisy(buffer.subarray(0, read));
      this.bytesRead += read;
      return read;
    });
    return {
      size: length,
      sha256,
      isNoisy,
      *store(): Job<Pieces> {
        if (length === 0) return NO_PIECES;
        // Cut short, it is laid out as its announced size says: its pieces are those of the shorter one.
        const place = { kind: 'frames', frame: first } as const;
        const known = yield* self.#claim(sha256, place, length);
        yield* self.#claim(ofSize, place);
        return known ?? ownPieces(place, length);
      },
    };
  }

  #hash(file: VolumeFile, expected: number) {
    const digest = createHash('sha256');
    let size = 0;
    let isNoisy = false;
    for (;;) {
      const read = file.read(this.#buffer, 0, Math.min(this.#buffer.length, expected - size), size);
      const content = this.#buffer.subarray(0, read);
      if (size === 0) isNoisy = this.#isNoisy(content);
      digest.update(content);
      size += read;
      this.bytesRead += read;
      if (read === 0 || size >= expected) return { sha256: digest.digest('hex'), size, isNoisy };
    }
  }

  #isNoisy(content: Buffer): boolean {
    return this.noisy !== undefined && isNoise(content.subarray(0, BYTES_LOOKED_AT));
  }

  /** Where this content is, if it is stored. The first time, the main thread looks what the parent stores. */
  *#find(sha256: string): Job<ContentPlace | undefined> {
    yield* this.#refresh();
    return this.contents.find(keyOf(sha256));
  }

  /** Pieces of this content, if it is stored. */
  *#stored(sha256: string, size: number): Job<Pieces | undefined> {
    const place = yield* this.#find(sha256);
    return place && (yield* this.#pieces(place, size));
  }

  /**
   * Says where a content is, to all threads.
   *
   * @param size where its pieces are wanted, if it is stored already
   * @returns them; undefined when the given place is the one to be used
   */
  *#claim(sha256: string, place: ContentPlace, size?: number): Job<Pieces | undefined> {
    if (!this.#isFresh()) yield* this.#refresh();
    let known = this.contents.find(keyOf(sha256));
    while (!known && !this.#tableIsFull) {
      const claimed = this.contents.claim(keyOf(sha256), place);
      if (claimed === place) return undefined;
      if (claimed !== 'full') known = claimed;
      else {
        const segment = (yield { ask: 'segment', with: this.contents.segments }) as SharedArrayBuffer | undefined;
        if (segment) this.contents.add(segment);
        else this.#tableIsFull = true;
      }
    }
    return known && size !== undefined ? yield* this.#pieces(known, size) : undefined;
  }

  /** Whether it is known what is stored already; if not, the first read waits for it. */
  get isReady(): boolean {
    return Atomics.load(this.segments, 0) > 0;
  }

  #isFresh(): boolean {
    return this.contents.segments >= Math.max(1, Atomics.load(this.segments, 0));
  }

  *#refresh(): Job<void> {
    while (!this.#isFresh()) {
      this.contents.add((yield { ask: 'segment', with: this.contents.segments }) as SharedArrayBuffer);
    }
  }

  /** Of a content that is somewhere; undefined where a line of the parent says so that no export writes. */
  *#pieces(place: ContentPlace, size: number): Job<Pieces | undefined> {
    if (place.kind !== 'parent') return ownPieces(place, size);
    const { page, sha256 } = place;
    const lines = yield* this.pages.get(page);
    const text = lines.toString('latin1', sha256 - BEFORE_SHA256, lines.indexOf(NEWLINE, sha256) + 1);
    // Pages of this export itself are behind those of the parent.
    if (page < this.taken.pages && !this.taken.isSound(page, text, size)) return undefined;
    const { pieces } = JSON.parse(`{${text.slice(1)}`) as { readonly pieces: unknown };
    return { text: `"pieces":${JSON.stringify(pieces)}`, frames: [] };
  }
}

const BEFORE_SHA256 = ',"sha256":"'.length;

/** Of a content that this run has stored. */
function ownPieces(place: Exclude<ContentPlace, { readonly kind: 'parent' }>, size: number): Pieces {
  const pieces =
    place.kind === 'frame'
      ? [[place.frame, place.skip, size] as const]
      : largePieces(place.frame, size).map(([frame, part]) => [frame, 0, part] as const);
  return {
    text: `"pieces":[${pieces.map((piece) => pieceInFrame(...piece)).join(',')}]`,
    frames: pieces.map(([frame]) => frame),
  };
}

function fileStat(file: VolumeFile): VolumeStat {
  const stat = file.stat();
  if (stat.type !== 'file') throw new Error(`is a ${stat.type} now, was a file when the directory was read`);
  return stat;
}

export const sameFile = (a: VolumeStat, b: VolumeStat) =>
  a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino;

const SLEEP = new Int32Array(new SharedArrayBuffer(4));
const wait = (ms: number) => void Atomics.wait(SLEEP, 0, 0, ms);
