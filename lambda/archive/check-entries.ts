/** Whoever can write a manifest must not get a restore to write outside of its target: what it says is checked first. */
import { comparePaths, displayPath } from './byte-path';
import { CommonLine } from './common-line';
import { countLines, countOne, type Counts, NOTHING } from './counts';
import type { ManifestEntry, Piece } from './entry';
import type { Damaged } from './json-checks';
import { isCount, isNs, isOwnership, isRecord, isSha256, isText, parseLine } from './json-checks';
import type { PackReference, PageReference } from './manifest';
import { packKey } from './manifest';
import { MAX_FRAME_BYTES } from './frame';
import { isSha256At, sha256At } from './piece-scan';

const NEWLINE = 10;

export interface CheckedEntries {
  readonly entries: readonly ManifestEntry[];
  /** Where the line of each begins. */
  readonly starts: readonly number[];
}

/** Of a page that was checked alone: what those before and behind it have to know. */
export interface PageEdges {
  readonly counts: Counts;
  /** Path of the last entry. */
  readonly last: string;
  /** Directories of the page that what follows may be in. */
  readonly open: readonly string[];
  readonly links: readonly string[];
  /** Directories of pages before it, and an entry that is in each. */
  readonly needed: readonly (readonly [directory: string, path: string])[];
}

/** Takes the pages of one manifest in order, and gives their entries when nothing about them is wrong. */
export class EntryChecker {
  /** Directories that what follows may be in: each is in the one before, or comes after it but before what is in that. */
  readonly #open: string[] = [];
  readonly #links = new Set<string>();
  readonly #needed = new Map<string, string>();
  readonly #packBytes: ReadonlyMap<string, number>;
  /** Neighbours are in one pack, mostly. */
  #lastPack = { sha256: '', bytes: 0 };
  #previous = '';
  /** Of plain text the order is that of its characters. */
  #isPreviousPlain = true;
  #skipped = false;

  /** @param isAlone it gets one page, and {@link PageChain} compares {@link edges} with those of the pages before it */
  constructor(
    { packs }: { readonly packs: readonly Pick<PackReference, 'key' | 'bytes'>[] },
    private readonly damaged: Damaged,
    private readonly isAlone = false,
  ) {
    this.#packBytes = new Map(packs.map(({ key, bytes }) => [key, bytes]));
  }

  /** @param isWanted of a path; only these are given, and only of these it is checked that they are in a directory */
  entriesOf(page: PageReference, lines: Buffer, isWanted: (path: string) => boolean = () => true): CheckedEntries {
    const entries: ManifestEntry[] = [];
    const starts: number[] = [];
    this.visit(
      page,
      lines,
      (entry, start) => {
        entries.push(entry);
        starts.push(start);
      },
      isWanted,
    );
    return { entries, starts };
  }

  /** As {@link entriesOf}, one after another: what was given of a page that turns out to be wrong is not to be relied on. */
  visit(
    page: PageReference,
    lines: Buffer,
    visitor: (entry: ManifestEntry, start: number) => void,
    isWanted: (path: string) => boolean = () => true,
  ): void {
    this.scan(
      page,
      lines,
      (line, path, start) => {
        if (isWanted(path)) visitor(entryOf(line, path), start);
      },
      (entry, start) => {
        if (isWanted(entry.path)) visitor(entry, start);
      },
      isWanted,
    );
  }

  /**
   * As {@link visit}, without an object for each entry.
   *
   * @param onLine is told of what {@link CommonLine} can read, which is the same object each time
   * @param onEntry is told of the others
   */
  scan(
    page: Pick<PageReference, 'first' | 'counts'>,
    lines: Buffer,
    onLine: (line: CommonLine, path: string, start: number) => void,
    onEntry: (entry: ManifestEntry, start: number) => void,
    isWanted: (path: string) => boolean = () => true,
  ): Counts {
    const counts = { ...NOTHING };
    if (lines.at(-1) !== NEWLINE) throw this.damaged('a page is cut short');
    const line = new CommonLine(lines);
    for (let at = 0, next: number; at < lines.length; at = next) {
      let path: string;
      if (line.read(at)) {
        next = line.end;
        path = line.path;
        this.#checkCommon(line, path, isWanted);
        countOne(counts, line.isDirectory ? 'directory' : 'file', line.isDirectory ? 0 : line.size);
        onLine(line, path, at);
      } else {
        next = lines.indexOf(NEWLINE, at) + 1;
        const entry = this.#check(parseLine(lines.subarray(at, next), this.damaged), isWanted);
        path = entry.path;
        countOne(counts, entry.type, entry.type === 'file' ? entry.size : 0);
        onEntry(entry, at);
      }
      if (at === 0 && path !== page.first) {
        throw this.damaged(`the page of ${displayPath(page.first)} begins with another path`);
      }
    }
    checkCounts(page, counts, this.damaged);
    return counts;
  }

  /** One entry by itself, as it is where those around it are not looked at: in which directory it is nobody asks. */
  entryAt(lines: Buffer, at: number): { readonly entry: ManifestEntry; readonly end: number } {
    this.skip();
    const line = new CommonLine(lines);
    if (line.read(at)) {
      this.#checkCommon(line, line.path, () => true);
      return { entry: entryOf(line, line.path), end: line.end };
    }
    const end = lines.indexOf(NEWLINE, at) + 1;
    return { entry: this.#check(parseLine(lines.subarray(at, end), this.damaged), () => true), end };
  }

  /** After the page that it got alone. */
  edges(counts: Counts): PageEdges {
    return {
      counts,
      last: this.#previous,
      open: this.#open,
      links: Array.from(this.#links),
      needed: Array.from(this.#needed),
    };
  }

  /** A page is left out: what follows may be in a directory of it. */
  skip(): void {
    this.#skipped = true;
  }

  #checkCommon(line: CommonLine, path: string, isWanted: (path: string) => boolean): void {
    if (line.mode > 0o7777) throw this.#wrongField(path);
    this.#checkPath(path, line.isSafe, isWanted, true);
    if (line.isDirectory) {
      this.#open.push(path);
      return;
    }
    if (!isSha256At(line.lines, line.pack, this.#lastPack.sha256)) this.#usePack(sha256At(line.lines, line.pack));
    if (!this.#isWithinPack(line.offset, line.length, line.skip, line.pieceSize) || line.pieceSize !== line.size) {
      throw this.#wrongField(path);
    }
  }

  #wrongField(path: string) {
    return this.damaged(`the entry ${displayPath(path)} has a field that is missing or of the wrong type`);
  }

  /** That it is a path within the target, comes after the one before, and is in a directory. */
  #checkPath(path: string, isSafe: boolean, isWanted: (path: string) => boolean, isPlain = false): void {
    if (!isSafe) throw this.damaged(`an entry has the path ${JSON.stringify(path)}`);
    const isAfter =
      isPlain && this.#isPreviousPlain
        ? this.#previous < path
        : this.#previous === '' || comparePaths(this.#previous, path) < 0;
    if (!isAfter) throw notInOrder(path, this.damaged);
    this.#previous = path;
    this.#isPreviousPlain = isPlain;
    // Also what keeps a restore from writing through a link: whatever holds an entry is a directory entry itself.
    this.#checkParent(path, isWanted);
  }

  #check(line: Record<string, unknown>, isWanted: (path: string) => boolean): ManifestEntry {
    const path = line['path'];
    if (!isText(path)) throw this.damaged(`an entry has the path ${JSON.stringify(path)}`);
    this.#checkPath(path, isSafePath(path), isWanted);
    if (!isOwnership(line) || !this.#isEntryOfItsType(line)) throw this.#wrongField(path);
    if (line['type'] === 'directory') this.#open.push(path);
    if (line['type'] === 'symlink') this.#links.add(path);
    return line as unknown as ManifestEntry;
  }

  #checkParent(path: string, isWanted: (path: string) => boolean): void {
    const slash = path.lastIndexOf('/');
    const holder = slash < 0 ? '' : path.slice(0, slash);
    // Nearly always it is in the directory that came last.
    if (slash >= 0 && this.#open.at(-1) === holder) return;
    while (this.#open.length > 0 && !mayHold(this.#open.at(-1)!, path)) this.#open.pop();
    if (slash < 0) return;
    for (let index = this.#open.length - 1; index >= 0; index -= 1) if (this.#open[index] === holder) return;
    if (!isWanted(path)) return;
    // The directory may have been in a page that is lost, or before this one; what is in a link never is an entry.
    if (!(this.#skipped || this.isAlone) || isThroughLink(this.#links, holder)) throw inNoDirectory(path, this.damaged);
    if (this.isAlone && !this.#needed.has(holder)) this.#needed.set(holder, path);
  }

  #isEntryOfItsType(line: Record<string, unknown>): boolean {
    switch (line['type']) {
      case 'directory':
        return line['ctimeNs'] === undefined || (isNs(line['ctimeNs']) && isText(line['ino']));
      case 'symlink':
        return isText(line['target']) && line['target'] !== '' && !line['target'].includes('\0');
      case 'hardlink':
        // A file comes before what is linked to it: a restore has made it, or refused it, by then.
        return isText(line['target']) && isSafePath(line['target']) && comparePaths(line['target'], this.#previous) < 0;
      case 'file':
        return (
          isCount(line['size']) &&
          isSha256(line['sha256']) &&
          isNs(line['ctimeNs']) &&
          isText(line['ino']) &&
          Array.isArray(line['pieces']) &&
          line['pieces'].every((piece) => this.#isPiece(piece)) &&
          (line['pieces'] as Piece[]).reduce((sum, { size }) => sum + size, 0) === line['size']
        );
      default:
        return false;
    }
  }

  #isPiece(piece: unknown): piece is Piece {
    if (!isRecord(piece)) return false;
    const { pack, offset, length, skip, size } = piece;
    return (
      isSha256(pack) &&
      isCount(offset) &&
      isCount(length) &&
      isCount(skip) &&
      isCount(size) &&
      this.#isInPack({ pack, offset, length, skip, size })
    );
  }

  /** Of a piece whose fields are of the right type: whether there can be such a one. */
  #isInPack({ pack, offset, length, skip, size }: Piece): boolean {
    if (pack !== this.#lastPack.sha256) this.#usePack(pack);
    return this.#isWithinPack(offset, length, skip, size);
  }

  #usePack(sha256: string): void {
    this.#lastPack = { sha256, bytes: this.#packBytes.get(packKey(sha256)) ?? 0 };
  }

  #isWithinPack(offset: number, length: number, skip: number, size: number): boolean {
    return fits(offset, length, skip, size, this.#lastPack.bytes);
  }
}

/** @param packBytes size of its pack; undefined of one that the manifest does not name */
export const fitsInPack = ({ offset, length, skip, size }: Piece, packBytes = 0): boolean =>
  fits(offset, length, skip, size, packBytes);

/** As {@link fitsInPack}, by its numbers. */
export function fits(offset: number, length: number, skip: number, size: number, packBytes: number): boolean {
  return length > 0 && offset + length <= packBytes && size > 0 && skip + size <= MAX_FRAME_BYTES;
}

/** Pages of one manifest that were checked each alone, in their order: whether they go with each other. */
export class PageChain {
  #open: readonly string[] = [];
  readonly #links = new Set<string>();
  #previous = '';
  #skipped = false;

  constructor(private readonly damaged: Damaged) {}

  add({ first, counts }: Pick<PageReference, 'first' | 'counts'>, edges: PageEdges): void {
    checkCounts({ first, counts }, edges.counts, this.damaged);
    if (this.#previous !== '' && comparePaths(this.#previous, first) >= 0) throw notInOrder(first, this.damaged);
    for (const [directory, path] of edges.needed) {
      if (this.#open.includes(directory)) continue;
      if (!this.#skipped || isThroughLink(this.#links, directory)) throw inNoDirectory(path, this.damaged);
    }
    this.#previous = edges.last;
    for (const link of edges.links) this.#links.add(link);
    this.#open = [...this.#open.filter((path) => mayHold(path, edges.last)), ...edges.open];
  }

  /** As that of {@link EntryChecker}. */
  skip(): void {
    this.#skipped = true;
  }
}

/** @param path of the line */
export function entryOf(line: CommonLine, path: string): ManifestEntry {
  const { mode, uid, gid } = line;
  const owned = { path, mode, uid, gid, mtimeNs: line.textOf(line.mtimeNs) };
  const change = line.hasChangeTime ? { ctimeNs: line.textOf(line.ctimeNs), ino: line.textOf(line.ino) } : undefined;
  if (line.isDirectory) return { type: 'directory', ...owned, ...change };
  const piece = {
    pack: sha256At(line.lines, line.pack),
    offset: line.offset,
    length: line.length,
    skip: line.skip,
    size: line.pieceSize,
  };
  const sha256 = sha256At(line.lines, line.sha256);
  return { type: 'file', ...owned, size: line.size, sha256, ...change!, pieces: [piece] };
}

function checkCounts(
  { first, counts }: Pick<PageReference, 'first' | 'counts'>,
  found: Counts,
  damaged: Damaged,
): void {
  if (countLines(found) !== countLines(counts) || found.bytes !== counts.bytes) {
    throw damaged(`the page of ${displayPath(first)} has other entries than the manifest counts`);
  }
}

const notInOrder = (path: string, damaged: Damaged) =>
  damaged(`the entry ${displayPath(path)} is there twice or not in order`);
const inNoDirectory = (path: string, damaged: Damaged) =>
  damaged(`${displayPath(path)} is in no directory of the manifest`);

/** Whether what is in the directory can come at this path or behind it: '0' is the character after '/'. */
const mayHold = (directory: string, path: string) => comparePaths(`${directory}0`, path) > 0;

function isThroughLink(links: ReadonlySet<string>, path: string): boolean {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (links.has(path.slice(0, end))) return true;
  }
  return false;
}

/** An empty segment, `.` or `..`; or a NUL. */

const UNSAFE = /(?:^|\/)\.{0,2}(?:\/|$)|\0/;

const isSafePath = (path: string) => !UNSAFE.test(path);
