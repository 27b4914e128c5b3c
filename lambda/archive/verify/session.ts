/** The threads' part of a verification: checks pages, takes packs apart and compares everything that any page names in them. */
import { createHash, hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { EntryChecker, type PageEdges } from '../check-entries';
import type { CommonLine } from '../common-line';
import type { Counts } from '../counts';
import type { Job, Session } from '../crew/effect';
import type { FileEntry, Piece } from '../entry';
import { ArchiveDamagedError, messageOf } from '../errors';
import { decodeFrame, release } from '../frame';
import { decodeStoredPage } from '../page';
import { isSha256At, sha256At, writeSha256 } from '../piece-scan';
import { FrameSource } from '../range-fetcher';
import { cut } from '../ranges';

/** Of the contents that one page names in one pack. */
export interface PackContents {
  readonly pack: string;
  /** 32 bytes of each. */
  readonly sha256: Uint8Array<ArrayBuffer>;
  /** For each: where its line is in the page, how many pieces it has, then offset, length, skip and size of each. */
  readonly pieces: Float64Array<ArrayBuffer>;
}

/** One page, checked alone. */
export interface PageTask {
  readonly do: 'page';
  readonly key: string;
  readonly bytes: number;
  /** As in {@link PackTask}. */
  readonly memory: SharedArrayBuffer;
  readonly length: number;
  readonly first: string;
  readonly counts: Counts;
  /** Those that its entries may name. */
  readonly packs: readonly { readonly key: string; readonly bytes: number }[];
  /** Whether anybody wants to know which contents it names. */
  readonly withContents: boolean;
}

export type PageResult =
  | {
      readonly edges: PageEdges;
      readonly contents: readonly PackContents[];
      /** Contents that lie in more packs than one. */
      readonly long: readonly FileEntry[];
    }
  /** What is wrong: with the object, or with the entries in it. */
  | { readonly problem: string; readonly of: 'object' | 'entries' };

/** A pack, with what any page names in it. */
export interface PackTask {
  readonly do: 'pack';
  readonly crc32: number;
  /** Holds the pack at its beginning. */
  readonly memory: SharedArrayBuffer;
  /** Of the object, which may be longer than it should be, and then than its memory. */
  readonly length: number;
  readonly contents: readonly PackContents[];
}

/** A content that lies in more packs than one, in the order of its pieces. */
export interface LongTask {
  readonly do: 'long';
  /** Of the archive, for messages. */
  readonly prefix: string;
  readonly pieces: readonly Piece[];
  readonly sha256: string;
}

/** A content: the index of its list, and where its line is in that page. */
export type Place = readonly [list: number, line: number];

export interface PackResult {
  /** Contents that were compared, each once. */
  readonly read: number;
  /** What is wrong, with the contents that it makes useless. */
  readonly problems: readonly { readonly problem: string; readonly contents: readonly Place[] }[];
}

export class VerifySession implements Session {
  *run(task: PageTask | PackTask | LongTask): Job<PageResult | PackResult | boolean> {
    switch (task.do) {
      case 'page':
        return checkPage(task);
      case 'pack':
        return checkPack(task);
      case 'long':
        return yield* isAsNamed(task);
    }
  }

  transferOf(result: unknown): readonly ArrayBuffer[] {
    if (typeof result !== 'object' || result === null || !('contents' in result)) return [];
    const { contents } = result as { readonly contents: readonly PackContents[] };
    return contents.flatMap(({ sha256, pieces }) => [sha256.buffer, pieces.buffer]);
  }
}

function checkPage(task: PageTask): PageResult {
  const object = Buffer.from(task.memory, 0, Math.min(task.length, task.memory.byteLength));
  let lines: Buffer;
  try {
    lines = decodeStoredPage(task, object, task.length, (problem) => new ArchiveDamagedError('', problem));
  } catch (error) {
    if (!(error instanceof ArchiveDamagedError)) throw error;
    return { problem: error.problem, of: 'object' };
  }
  try {
    const damaged = (problem: string) => new ArchiveDamagedError('', problem);
    const checker = new EntryChecker(task, damaged, true);
    const contents = new ContentLists();
    const long: FileEntry[] = [];
    const counts = checker.scan(
      task,
      lines,
      (line, _, start) => {
        if (task.withContents && !line.isDirectory) contents.addLine(line, start);
      },
      (entry, start) => {
        if (!task.withContents || entry.type !== 'file') return;
        if (!contents.addEntry(entry, start)) long.push(entry);
      },
    );
    return { edges: checker.edges(counts), contents: contents.take(), long };
  } catch (error) {
    if (!(error instanceof ArchiveDamagedError)) throw error;
    return { problem: error.problem, of: 'entries' };
  } finally {
    release(lines);
  }
}

/** What one page names, pack by pack. */
class ContentLists {
  readonly #lists = new Map<string, ContentList>();
  /** Neighbours are in one pack, mostly. */
  #last: ContentList | undefined;

  addLine(line: CommonLine, start: number): void {
    const { lines, pack } = line;
    const known = this.#last !== undefined && isSha256At(lines, pack, this.#last.pack);
    const list = known ? this.#last! : this.#listOf(sha256At(lines, pack));
    writeSha256(lines, line.sha256, list.roomForSha256());
    list.pieces.push(start, 1, line.offset, line.length, line.skip, line.pieceSize);
  }

  /** @returns false when it lies in more packs than one */
  addEntry({ pieces, sha256 }: FileEntry, start: number): boolean {
    const [first] = pieces;
    if (!first) return true;
    if (pieces.some(({ pack }) => pack !== first.pack)) return false;
    const list = this.#listOf(first.pack);
    list.roomForSha256().set(Buffer.from(sha256, 'hex'));
    list.pieces.push(start, pieces.length);
    for (const { offset, length, skip, size } of pieces) list.pieces.push(offset, length, skip, size);
    return true;
  }

  take(): PackContents[] {
    return Array.from(this.#lists.values(), (list) => list.take());
  }

  #listOf(pack: string): ContentList {
    let list = this.#lists.get(pack);
    if (!list) this.#lists.set(pack, (list = new ContentList(pack)));
    return (this.#last = list);
  }
}

const SHA256_BYTES = 32;

class ContentList {
  readonly pieces: number[] = [];
  #sha256 = new Uint8Array(64 * SHA256_BYTES);
  #length = 0;

  constructor(readonly pack: string) {}

  roomForSha256(): Uint8Array {
    const start = this.#length;
    this.#length += SHA256_BYTES;
    if (this.#length > this.#sha256.length) {
      const larger = new Uint8Array(this.#sha256.length * 2);
      larger.set(this.#sha256);
      this.#sha256 = larger;
    }
    return this.#sha256.subarray(start, this.#length);
  }

  take(): PackContents {
    return { pack: this.pack, sha256: this.#sha256.slice(0, this.#length), pieces: new Float64Array(this.pieces) };
  }
}

function checkPack(task: PackTask): PackResult {
  const bytes = Buffer.from(task.memory, 0, Math.min(task.length, task.memory.byteLength));
  const bad = new Map<string, Place[]>();
  const checksum = new Checksum(bytes);
  const frames = new FrameDecoder(bytes, checksum);
  let read = 0;
  for (const content of inOrder(task.contents)) {
    read += 1;
    const problem = problemOf(content, frames);
    if (problem === undefined) continue;
    const places = bad.get(problem) ?? [];
    places.push([content.list, content.pieces[content.at]!]);
    bad.set(problem, places);
  }
  frames.end();
  // Whatever is wrong besides: a header of the tar stream, a content that no point needs.
  if (bad.size === 0 && (task.length !== bytes.length || checksum.upTo(bytes.length) !== task.crc32)) {
    bad.set('the pack was changed: its checksum is another than the manifest says', []);
  }
  return { read, problems: Array.from(bad, ([problem, contents]) => ({ problem, contents })) };
}

/** CRC-32 of a pack, taken along with its frames: what was just read is in the processor's cache when it is decoded. */
class Checksum {
  #value = 0;
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  upTo(end: number): number {
    if (end > this.#at) {
      this.#value = crc32(this.bytes.subarray(this.#at, end), this.#value);
      this.#at = end;
    }
    return this.#value;
  }
}

const CONTENT_NUMBERS = 2;
const PIECE_NUMBERS = 4;

/** One of a list. */
interface Content {
  readonly list: number;
  readonly pieces: Float64Array;
  /** Where it begins in the pieces. */
  readonly at: number;
  readonly sha256: Uint8Array;
  /** Of its SHA-256. */
  readonly sha256At: number;
}

/** In the order of their frames, so that each frame is decoded once; what several pages or files name, once. */
function* inOrder(lists: readonly PackContents[]): Generator<Content> {
  const contents = lists.flatMap(({ sha256, pieces }, list) => {
    const found: Content[] = [];
    for (let at = 0, index = 0; at < pieces.length; index += 1) {
      found.push({ list, pieces, at, sha256, sha256At: index * SHA256_BYTES });
      at += CONTENT_NUMBERS + pieces[at + 1]! * PIECE_NUMBERS;
    }
    return found;
  });
  const offsetOf = ({ pieces, at }: Content) => pieces[at + CONTENT_NUMBERS]!;
  const skipOf = ({ pieces, at }: Content) => pieces[at + CONTENT_NUMBERS + 2]!;
  contents.sort((a, b) => offsetOf(a) - offsetOf(b) || skipOf(a) - skipOf(b));
  let before: Content | undefined;
  for (const content of contents) {
    if (!before || !isSame(before, content)) yield content;
    before = content;
  }
}

/** The same bytes are to have the same SHA-256. */
function isSame(a: Content, b: Content): boolean {
  const numbers = CONTENT_NUMBERS + a.pieces[a.at + 1]! * PIECE_NUMBERS;
  for (let index = 1; index < numbers; index += 1) if (a.pieces[a.at + index] !== b.pieces[b.at + index]) return false;
  for (let index = 0; index < SHA256_BYTES; index += 1) {
    if (a.sha256[a.sha256At + index] !== b.sha256[b.sha256At + index]) return false;
  }
  return true;
}

/** Keeps the frame that was decoded last. */
class FrameDecoder {
  #offset = -1;
  #length = -1;
  #result: Buffer | string = '';

  constructor(
    private readonly pack: Buffer,
    private readonly checksum: Checksum,
  ) {}

  /** The decoded frame, until the next is asked for; or what is wrong with it. */
  decode(offset: number, length: number): Buffer | string {
    if (this.#offset === offset && this.#length === length) return this.#result;
    this.end();
    this.#offset = offset;
    this.#length = length;
    return (this.#result = this.#decode(offset, offset + length));
  }

  #decode(start: number, end: number): Buffer | string {
    if (end > this.pack.length) return `the pack is cut short: it ends before byte ${end}`;
    this.checksum.upTo(end);
    try {
      return decodeFrame(this.pack.subarray(start, end));
    } catch (error) {
      return `the frame at byte ${start} cannot be decoded (${messageOf(error)})`;
    }
  }

  /** Gives back the memory of the last frame. */
  end(): void {
    if (typeof this.#result !== 'string') release(this.#result);
    this.#result = '';
    this.#offset = -1;
  }
}

/**
 * @returns whether the content has this SHA-256
 * @throws ArchiveDamagedError when a part of it cannot be had
 */
function* isAsNamed({ prefix, pieces, sha256 }: LongTask): Job<boolean> {
  const frames = new FrameSource(prefix);
  const digest = createHash('sha256');
  yield* frames.plan(pieces);
  for (const piece of pieces) {
    const content = yield* frames.frame(piece);
    digest.update(cut(prefix, piece, content));
    release(content);
  }
  return digest.digest('hex') === sha256;
}

function problemOf({ pieces, at: start, sha256, sha256At }: Content, frames: FrameDecoder): string | undefined {
  const end = start + CONTENT_NUMBERS + pieces[start + 1]! * PIECE_NUMBERS;
  const digest = pieces[start + 1]! > 1 ? createHash('sha256') : undefined;
  let only: Buffer = Buffer.alloc(0);
  for (let at = start + CONTENT_NUMBERS; at < end; at += PIECE_NUMBERS) {
    const [offset, skip, size] = [pieces[at]!, pieces[at + 2]!, pieces[at + 3]!];
    const content = frames.decode(offset, pieces[at + 1]!);
    if (typeof content === 'string') return content;
    only = content.subarray(skip, skip + size);
    if (only.length !== size) return `the frame at byte ${offset} is shorter than the manifest says`;
    digest?.update(only);
  }
  // As text of one character a byte: the cheapest form that a hash comes in.
  const found = digest ? digest.digest('binary') : hash('sha256', only, 'binary');
  for (let index = 0; index < SHA256_BYTES; index += 1) {
    if (found.charCodeAt(index) !== sha256[sha256At + index]) {
      return 'a content has another SHA-256 than the manifest says';
    }
  }
  return undefined;
}
