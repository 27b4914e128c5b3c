/** The threads' part of an export: walks what it is given, compares with the parent, reads and stores what changed. */
import { comparePaths, isPlain, sortNames } from '../byte-path';
import type { Job, Session } from '../crew/effect';
import { directoryLine, fileLineStart, linkLine } from '../entry';
import { countLines } from '../counts';
import { CallTimes } from '../crew/call-times';
import { ArchiveError, codeOf, messageOf } from '../errors';
import { exclusionReason } from '../exclusions';
import { encodePage, namesPack, packsIn } from '../page';
import type { Volume, VolumeStat } from '../volume';
import { ContentTable } from './content-table';
import { FrameWriter } from './frame-writer';
import {
  firstPathOf,
  type FramePlace,
  type HoleItem,
  type Item,
  ItemList,
  LineBuffer,
  type LinkedItem,
  resolvePieces,
} from './item';
import { type ParentLine, ParentCursor, ParentPages } from './parent-cursor';
import { FileReader, type ParentContent } from './read-file';
import { addFailure, noRemarks, type Remarks } from './remark';
import { type PagePacks, TakenContent } from './taken-content';
import { UnchangedTrees } from './unchanged-tree';

export interface ExportSettings {
  readonly mountedAt: string;
  readonly fullRead: boolean;
  /** Path of the first line of each page of the parent; empty without one. */
  readonly parentFirsts: readonly string[];
  /** Of the same pages. */
  readonly parentPacks: readonly PagePacks[];
  /** Directories that hold, or are, what the parent has no entry for: left out, or not to be read. */
  readonly parentIncomplete: ReadonlySet<string>;
  /** A file that changed later than this may have changed again since the parent was made. */
  readonly settledNs: bigint;
  /** Shared by all threads: the number of the next frame, the number of the content table's segments. */
  readonly frameCounter: Int32Array;
  readonly segmentCounter: Int32Array;
  /** Leave changed files for later until it is known what is stored. Default: wait for it. */
  readonly mayLeave?: boolean;
}

export type ExportTask =
  | { readonly do: 'visit'; readonly holes: readonly HoleItem[]; readonly entries: number }
  /** Files with several names, each the first of its inode. */
  | { readonly do: 'read'; readonly files: readonly LinkedItem[] }
  | { readonly do: 'encode'; readonly parts: readonly PagePart[] }
  /** Whatever is in a frame that is not full goes to the main thread. */
  | { readonly do: 'flush' };

/** Lines of a page: new ones with where their frames are, or as they are in a page of the parent. */
export type PagePart =
  | {
      readonly lines: Uint8Array<ArrayBuffer>;
      readonly places: readonly (readonly [frame: number, place: FramePlace])[];
    }
  | { readonly page: number; readonly start: number; readonly end: number };

export interface EncodeResult {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
  readonly first: string;
  /** Names of the packs that the lines name. */
  readonly packs: readonly string[];
}

export interface VisitResult {
  /** For each hole, what is in it. */
  readonly outputs: readonly (readonly Item[])[];
  readonly remarks: Remarks;
  readonly work: Work;
}

export interface ReadResult {
  /** Undefined when it could not be read. */
  readonly lines: readonly (ReadLine | undefined)[];
  readonly remarks: Remarks;
  readonly work: Work;
}

export interface ReadLine {
  readonly text: string;
  readonly size: number;
  readonly frames: readonly number[];
}

export interface Work {
  readonly entries: number;
  readonly filesRead: number;
  readonly bytesRead: number;
  /** Of the file system's calls that were timed, 0 as long as there are too few: whether more threads pay. */
  readonly callMs: number;
  /** Paths of the files that were read and look like noise; undefined where it was not looked at. */
  readonly noisy: readonly string[] | undefined;
  /** Something was left until it is known what is stored. */
  readonly left: boolean;
}

/**
 * What an entry turned out to be. A directory that did not change since the parent's export (times, inode) holds the same names:
 * it is not read again, but every so often all are.
 */
type Found = 'no directory' | 'to be listed' | 'as before';

/** Names of one directory that are left to others together. */
const NAMES_AT_ONCE = 32;
/** Reading this much is as much work as looking at one entry more. */
const BYTES_AS_ENTRY = 32 * 1024;
/** Of more packs, reading each line is faster than looking for one after another. */
const MAX_LOOKED_FOR = 100;
const TRANSIENT_ATTEMPTS = 3;
const STALE_WAIT_MS = 100;

const SLEEP = new Int32Array(new SharedArrayBuffer(4));

export class ExportSession implements Session {
  readonly #frames: FrameWriter;
  readonly #pages: ParentPages;
  readonly #cursor: ParentCursor;
  readonly #taken: TakenContent;
  readonly #reader: FileReader;
  readonly #unchanged: UnchangedTrees;
  #entriesLeft = 0;
  #entries = 0;
  #left = false;
  #remarks = noRemarks();
  readonly #lines = new LineBuffer();
  readonly #latency = new CallTimes();

  constructor(
    private readonly volume: Volume,
    private readonly settings: ExportSettings,
  ) {
    this.#frames = new FrameWriter({ counter: settings.frameCounter });
    this.#pages = new ParentPages(settings.parentFirsts);
    this.#cursor = new ParentCursor(this.#pages);
    this.#taken = new TakenContent(settings.parentPacks);
    this.#unchanged = new UnchangedTrees(volume, settings, this.#cursor, this.#taken, this.#latency);
    this.#reader = new FileReader(
      volume,
      this.#frames,
      new ContentTable(),
      this.#pages,
      this.#taken,
      settings.segmentCounter,
    );
  }

  *run(task: ExportTask): Job<VisitResult | ReadResult | EncodeResult | undefined> {
    this.#remarks = noRemarks();
    this.#lines.clear();
    this.#pages.trim();
    this.#entries = 0;
    this.#left = false;
    this.#reader.filesRead = 0;
    this.#reader.bytesRead = 0;
    // Of a full read all files would be looked at, and nothing is compared without a parent.
    const { fullRead, parentFirsts } = this.settings;
    this.#reader.noisy = fullRead || parentFirsts.length === 0 ? undefined : [];
    switch (task.do) {
      case 'visit':
        return yield* this.#visit(task.holes, task.entries);
      case 'read':
        return yield* this.#read(task.files);
      case 'encode':
        return yield* this.#encode(task.parts);
      case 'flush':
        yield* this.#frames.endFrame();
        return undefined;
    }
  }

  *#visit(holes: readonly HoleItem[], entries: number): Job<VisitResult> {
    this.#entriesLeft = entries;
    const outputs: Item[][] = [];
    for (const [index, hole] of holes.entries()) {
      const list = new ItemList(this.#lines);
      if (this.#entriesLeft <= 0) list.add(hole);
      else {
        // Neighbours are in the order of the manifest: so the cursor goes on from where it is. Those that waited are far from
        // each other, perhaps in other pages each.
        const waits = hole.waits ?? holes[index - 1]?.waits;
        if (waits) this.#pages.trim();
        if (index === 0 || waits) yield* this.#cursor.seek(firstPathOf(hole));
        yield* this.#directory(hole.path, hole.names?.split('/'), list, hole.waits);
      }
      outputs.push(list.take());
    }
    return { outputs, remarks: this.#remarks, work: this.#work() };
  }

  #work(): Work {
    const { filesRead, bytesRead, noisy } = this.#reader;
    return { entries: this.#entries, filesRead, bytesRead, noisy, callMs: this.#latency.typical, left: this.#left };
  }

  /**
   * What is in a directory, in the order of the bytes of whole paths: `a`, `a-b`, `a/b`.
   *
   * @param given some of its names
   * @param waited they were files before, alone between what has its place already
   */
  *#directory(path: string, given: readonly string[] | undefined, list: ItemList, waited?: true): Job<void> {
    const names = given ?? this.#list(path);
    const prefix = path === '' ? '' : `${path}/`;
    const plainPrefix = isPlain(prefix);
    // Directories whose content has its place further on. The innermost place is that of the last.
    const waiting: { readonly name: string; readonly found: Found }[] = [];
    let at = 0;
    for (; at < names.length; at += 1) {
      const name = names[at]!;
      while (waiting.length > 0 && comparePaths(name, `${waiting.at(-1)!.name}/`) > 0) {
        yield* this.#descend(prefix, waiting.pop()!, list);
      }
      if (this.#entriesLeft <= 0 && cutBefore(names, at) === at) break;
      const entry = prefix + name;
      const found = yield* this.#entry(entry, plainPrefix && isPlain(name), list, waited);
      if (found !== 'no directory') waiting.push({ name, found });
    }
    while (waiting.length > 0) yield* this.#descend(prefix, waiting.pop()!, list);
    while (at < names.length) {
      const end = cutBefore(names, Math.min(at + NAMES_AT_ONCE, names.length));
      list.add({ kind: 'hole', path, names: names.slice(at, end).join('/'), ...(waited && { waits: waited }) });
      at = end;
    }
  }

  *#descend(
    prefix: string,
    { name, found }: { readonly name: string; readonly found: Found },
    list: ItemList,
  ): Job<void> {
    const path = prefix + name;
    if (this.#entriesLeft <= 0) return list.add({ kind: 'hole', path });
    if (found !== 'as before') return yield* this.#directory(path, undefined, list);
    const tree = this.#unchanged.take(`${path}/`);
    if (!tree) return yield* this.#directory(path, this.#cursor.namesIn(`${path}/`), list);
    for (const part of tree.parts) {
      if ('counts' in part) {
        list.addTree(part);
        const entries = countLines(part.counts);
        this.#entriesLeft -= entries;
        this.#entries += entries;
      } else if (this.#entriesLeft <= 0) this.#leave(part.path, list);
      else {
        this.#cursor.moveTo(part.at);
        yield* this.#entry(part.path, true, list, true);
      }
    }
    this.#cursor.moveTo(tree.end);
  }

  #list(path: string): string[] {
    try {
      return sortNames(this.#steadily(() => this.volume.readDirectory(path)));
    } catch (error) {
      if (path === '')
        throw new ArchiveError(`the volume ${this.volume.description} cannot be read: ${messageOf(error)}`);
      addFailure(this.#remarks, path, error);
      return [];
    }
  }

  /**
   * Of a directory the content follows.
   *
   * @param wasFile it was a file before, alone between what has its place already
   */
  *#entry(path: string, plain: boolean, list: ItemList, wasFile: true | undefined): Job<Found> {
    this.#entriesLeft -= 1;
    const reason = exclusionReason(this.settings.mountedAt, path);
    if (reason !== undefined) {
      this.#remarks.excluded.push({ path, reason });
      return 'no directory';
    }
    const unchanged = plain && !wasFile && !this.settings.fullRead ? this.#unchanged.takeEntry(path) : undefined;
    if (unchanged) {
      const { page, start, end, type, size } = unchanged;
      this.#entries += 1;
      list.addSpan(page, start, end, type, size);
      return type === 'directory' ? 'as before' : 'no directory';
    }
    let stat: VolumeStat;
    let target = '';
    try {
      stat = this.#statTimed(path);
      // What is in it may have its place behind what stands there already: `a`, `a-b`, `a/b`.
      if (wasFile && stat.type === 'directory')
        throw new Error(`is a ${stat.type} now, was a file when it was found changed`);
      if (stat.type === 'symlink') target = this.#steadily(() => this.volume.readLink(path));
    } catch (error) {
      addFailure(this.#remarks, path, error);
      return 'no directory';
    }
    this.#entries += 1;
    switch (stat.type) {
      case 'directory':
        return (yield* this.#plainEntry(directoryLine(path, stat), path, plain, 'directory', list)) &&
          plain &&
          this.#isSettled(stat) &&
          !this.settings.fullRead &&
          !this.settings.parentIncomplete.has(path)
          ? 'as before'
          : 'to be listed';
      case 'symlink':
        yield* this.#plainEntry(linkLine('symlink', path, stat, target), path, plain, 'symlink', list);
        return 'no directory';
      case 'file':
        yield* this.#file(path, stat, plain, list);
        return 'no directory';
      default:
        this.#remarks.excluded.push({ path, reason: 'socket, FIFO or device: has no content to export' });
        return 'no directory';
    }
  }

  /** @returns whether it is as in the parent */
  *#plainEntry(
    line: string,
    path: string,
    plain: boolean,
    type: 'directory' | 'symlink',
    list: ItemList,
  ): Job<boolean> {
    const taken = plain ? this.#cursor.take(line) : undefined;
    const found = taken ?? (yield* this.#cursor.find(path));
    if (found && (taken !== undefined || this.#cursor.textOf(found) === line)) {
      list.addSpan(found.page, found.start, found.end, type);
      return true;
    }
    list.addLine(line, type);
    return false;
  }

  *#file(path: string, stat: VolumeStat, plain: boolean, list: ItemList): Job<void> {
    const start = fileLineStart(path, stat);
    const taken = plain ? this.#cursor.take(start) : undefined;
    const found = taken ?? (yield* this.#cursor.find(path));
    const looksSame = found && (taken !== undefined || this.#cursor.textOf(found).startsWith(start));
    const line = looksSame && !this.#isSound(found, path, start, stat.size) ? undefined : found;
    const same = looksSame === true && line !== undefined;
    const unchanged = same && this.#isSettled(stat) && !this.settings.fullRead && !this.#isUnstable(line);
    if (stat.nlink > 1) {
      const text = line && !same ? this.#cursor.textOf(line) : '';
      list.add({ kind: 'linked', path, stat, ...(line ? { line: { ...line, unchanged, text } } : {}) });
    } else if (unchanged) list.addSpan(line.page, line.start, line.end, 'file', stat.size);
    else if (this.settings.mayLeave && !this.settings.fullRead && !this.#reader.isReady) {
      this.#entries -= 1;
      this.#leave(path, list);
    } else {
      const parent = line && parseContent(this.#cursor.textOf(line), same);
      const read = yield* this.#reader.read(path, stat, parent, this.#remarks);
      this.#entriesLeft -= Math.floor(stat.size / BYTES_AS_ENTRY);
      if (!read) return;
      // Read for nothing, as in a full read: then the parent's line still holds, whatever places the content has.
      if (line && same && parent?.sha256 === read.sha256 && read.line.startsWith(start) && !parent.unstable) {
        list.addSpan(line.page, line.start, line.end, 'file', read.size);
      } else list.addLine(read.line, 'file', read.size, read.frames);
    }
  }

  /** A file that was found to be looked at, for a task of its own. */
  #leave(path: string, list: ItemList): void {
    this.#left = true;
    const name = path.lastIndexOf('/') + 1;
    list.addWaiting(path.slice(0, Math.max(0, name - 1)), path.slice(name));
  }

  *#read(files: readonly LinkedItem[]): Job<ReadResult> {
    const lines: (ReadLine | undefined)[] = [];
    for (const { path, stat, line } of files) {
      const start = fileLineStart(path, stat);
      const before = line ? (yield* this.#pages.lines(line)).toString('utf8') : undefined;
      const parent = before === undefined ? undefined : parseContent(before, before.startsWith(start));
      const read = yield* this.#reader.read(path, stat, parent, this.#remarks);
      const held = parent?.sameStat && read?.sha256 === parent.sha256 && read.line.startsWith(start);
      lines.push(read && { text: held ? before! : read.line, size: read.size, frames: held ? [] : read.frames });
    }
    return { lines, remarks: this.#remarks, work: this.#work() };
  }

  *#encode(parts: readonly PagePart[]): Job<EncodeResult> {
    const buffers: Buffer[] = [];
    const packs = new Set<string>();
    // What was taken over names packs of its page, or it would not have been.
    const packsOfPages = new Set<string>();
    for (const part of parts) {
      if ('lines' in part) {
        const text = Buffer.from(part.lines.buffer).toString('utf8');
        const lines = Buffer.from(resolvePieces(text, new Map(part.places)));
        for (const pack of packsIn(lines)) packs.add(pack);
        buffers.push(lines);
      } else {
        for (const [pack] of this.settings.parentPacks[part.page]!) packsOfPages.add(pack);
        buffers.push(yield* this.#pages.lines(part));
      }
    }
    const page = Buffer.concat(buffers);
    if (packsOfPages.size > MAX_LOOKED_FOR) return encodePage(page);
    for (const pack of packsOfPages) if (!packs.has(pack) && namesPack(page, pack)) packs.add(pack);
    return encodePage(page, Array.from(packs).sort());
  }

  transferOf(result: unknown): readonly ArrayBuffer[] {
    if (typeof result !== 'object' || result === null) return [];
    if ('bytes' in result) return [(result as EncodeResult).bytes.buffer];
    if (!('outputs' in result)) return [];
    return (result as VisitResult).outputs.flatMap((items) =>
      items.flatMap((item) => (item.kind === 'lines' ? [item.lines.buffer] : [])),
    );
  }

  #isSettled(stat: VolumeStat): boolean {
    return stat.ctimeNs < this.settings.settledNs && stat.mtimeNs < this.settings.settledNs;
  }

  /** Whether what a line says behind this beginning, which it has, can be taken over. */
  #isSound(line: ParentLine, path: string, start: string, size: number): boolean {
    if (this.#taken.isSound(line.page, this.#cursor.restOf(line, start), size)) return true;
    this.#remarks.warnings.push({ path, reason: UNSOUND });
    return false;
  }

  #isUnstable(line: ParentLine): boolean {
    return this.#cursor.endsWith(line, ',"unstable":true}\n');
  }

  #statTimed(path: string): VolumeStat {
    return this.#latency.of(() => this.#steadily(() => this.volume.stat(path)));
  }

  /** A handle that the file server has forgotten (ESTALE) is looked up anew. */
  #steadily<T>(call: () => T): T {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return call();
      } catch (error) {
        if (codeOf(error) !== 'ESTALE' || attempt === TRANSIENT_ATTEMPTS) throw error;
        Atomics.wait(SLEEP, 0, 0, STALE_WAIT_MS * attempt);
      }
    }
  }
}

const UNSOUND = 'what the export before says of its content is not what an export writes: read and stored anew';

function parseContent(line: string, sameStat: boolean): ParentContent | undefined {
  let entry: { readonly type: string; readonly sha256?: string; readonly unstable?: true };
  try {
    entry = JSON.parse(line) as typeof entry;
  } catch {
    // Not what an export writes, so nothing to compare with.
    return undefined;
  }
  return entry.type === 'file' && entry.sha256 !== undefined
    ? { sha256: entry.sha256, sameStat, unstable: entry.unstable ?? false }
    : undefined;
}

/**
 * The place at or after `at` where sorted names can be cut: not where a name before it might be a directory whose content
 * comes after the name behind it (`a`, `a-b`, `a/...`).
 */
export function cutBefore(names: readonly string[], at: number): number {
  let cut = at;
  while (cut < names.length && isInside(names, cut)) cut += 1;
  return Math.min(cut, names.length);
}

function isInside(names: readonly string[], at: number): boolean {
  const name = names[at]!;
  for (let length = name.length - 1; length > 0; length -= 1) {
    if (name[length]! < '/' && has(names, name.slice(0, length), at)) return true;
  }
  return false;
}

/** Whether a name is among the first `end` of sorted names. */
function has(names: readonly string[], wanted: string, end: number): boolean {
  let [low, high] = [0, end];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comparePaths(names[middle]!, wanted) < 0) low = middle + 1;
    else high = middle;
  }
  return low < end && names[low] === wanted;
}
