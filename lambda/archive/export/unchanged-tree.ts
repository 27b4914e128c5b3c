/**
 * Directories below which no directory changed are taken over whole: their lines in the parent are gone along once, and each is
 * compared with what the file system says where it stands, without making a line. That is a third of the time of looking at
 * one entry after another, and nearly everything of nearly every export. A directory that did not change has the same names:
 * so files in it whose content did are looked at alone.
 */
import { constants } from 'node:fs';
import type { CallTimes } from '../crew/call-times';
import { CommonLine, type Span } from '../common-line';
import { type Counts, NOTHING } from '../counts';
import { pathOfLine } from '../entry';
import { exclusionReason, isOrdinaryDirectory, isOrdinaryName } from '../exclusions';
import type { Volume, VolumeLook } from '../volume';
import type { ParentCursor, ParentLine } from './parent-cursor';
import type { TakenContent } from './taken-content';

const NEWLINE = 10;
/**
 * Lines of about a hundred entries: of a larger tree something changed, mostly, and what was looked at before it is looked at
 * once more.
 */
const MAX_BYTES = 32 * 1024;

/** What is below a directory, in order. */
export interface UnchangedTree {
  readonly parts: readonly (UnchangedLines | LoneFile)[];
  /** Where the first line behind it begins. */
  readonly end: number;
}

export interface UnchangedLines extends ParentLine {
  readonly counts: Counts;
}

export interface UnchangedEntry extends ParentLine {
  readonly type: 'directory' | 'file';
  /** Of a file. */
  readonly size: number;
}

/** A file, before and now, that is to be looked at alone: it is not as its line says, or numbers do not tell. */
export interface LoneFile {
  readonly path: string;
  /** Where its line begins. */
  readonly at: number;
}

export interface UnchangedTreeSettings {
  readonly mountedAt: string;
  readonly parentIncomplete: ReadonlySet<string>;
  readonly settledNs: bigint;
}

export class UnchangedTrees {
  #line = new CommonLine(Buffer.alloc(0));
  /** Of the tree, as far as their lines were met: what is in no directory of it is not taken. */
  readonly #directories = new Set<string>();
  /** Of the line that is looked at. */
  #path = '';
  /** What is in the same directory as the line that is looked at needs no look at where it is. */
  #isOrdinary = false;
  /** Where the last tree was refused that was: each directory on the way there is asked for next, and would be for the same. */
  #refused: { readonly lines: Buffer; readonly path: string } | undefined;
  /** Made once: a function for each entry would be garbage. */
  readonly #look = () => this.volume.look(this.#path);
  readonly #settledMs: number;

  constructor(
    private readonly volume: Volume,
    private readonly settings: UnchangedTreeSettings,
    private readonly cursor: ParentCursor,
    private readonly taken: TakenContent,
    private readonly latency: CallTimes,
  ) {
    this.#settledMs = Number(settings.settledNs / 1_000_000n);
  }

  /**
   * What is below a directory that did not change, from where the cursor is.
   *
   * @param prefix the path of the directory and a slash
   * @returns undefined when it is to be looked at entry by entry: a directory in it changed, something could not be read or is no
   *   {@link CommonLine}, or it is too large or not whole in its page
   */
  take(prefix: string): UnchangedTree | undefined {
    const { page, lines, at: start } = this.cursor;
    if (this.#isLarge(lines, start, prefix)) return undefined;
    if (this.#refused?.lines === lines && this.#refused.path.startsWith(prefix)) return undefined;
    try {
      const parts: (UnchangedLines | LoneFile)[] = [];
      const end = this.#end(page, start, prefix, parts);
      if (end !== undefined) return { parts, end };
    } catch {
      // Said by whoever looks at it again.
    } finally {
      this.#directories.clear();
    }
    this.#refused = { lines, path: this.#path };
    return undefined;
  }

  /**
   * The entry where the cursor is, moving it behind, when it has this path and is as its line says.
   *
   * @param path of printable ASCII, and of nothing that exports leave out
   * @returns undefined when it is to be looked at otherwise
   */
  takeEntry(path: string): UnchangedEntry | undefined {
    const { page, lines, at: start } = this.cursor;
    if (start >= lines.length) return undefined;
    const line = this.#lineOf(lines);
    if (!line.read(start) || line.path !== path) return undefined;
    this.#path = path;
    try {
      if (this.#stateOf(page, line, path) !== 'unchanged') return undefined;
    } catch {
      // Said by whoever looks at it again.
      return undefined;
    }
    this.cursor.moveTo(line.end);
    return line.isDirectory
      ? { page, start, end: line.end, type: 'directory', size: 0 }
      : { page, start, end: line.end, type: 'file', size: line.size };
  }

  #lineOf(lines: Buffer): CommonLine {
    if (this.#line.lines !== lines) this.#line = new CommonLine(lines);
    return this.#line;
  }

  #isLarge(lines: Buffer, start: number, prefix: string): boolean {
    if (start + MAX_BYTES >= lines.length) return false;
    return pathOfLine(lines, lines.lastIndexOf(NEWLINE, start + MAX_BYTES) + 1).startsWith(prefix);
  }

  /** Where the first line behind the tree begins; undefined when it is not taken, whatever is among its parts then. */
  #end(page: number, start: number, prefix: string, parts: (UnchangedLines | LoneFile)[]): number | undefined {
    const line = this.#lineOf(this.cursor.lines);
    let counts = { ...NOTHING };
    let first = start;
    const { lines } = line;
    let directory = prefix.slice(0, -1);
    this.#enter(directory);
    this.#directories.add(directory);
    let before = '';
    // The end of the page is none of the tree: what is behind it may have been lost.
    for (let at = start; at < lines.length; at = line.end) {
      const isCommon = line.read(at);
      const path = isCommon ? line.path : pathOfLine(lines, at);
      this.#path = path;
      if (!path.startsWith(prefix)) {
        if (at > first) parts.push({ page, start: first, end: at, counts });
        return path > prefix ? at : undefined;
      }
      if (!isCommon || path <= before || !line.isSafe) return undefined;
      before = path;
      const parent = line.nameStart - line.pathStart - 1;
      if (parent !== directory.length || !path.startsWith(directory)) {
        directory = path.slice(0, parent);
        if (!this.#directories.has(directory)) return undefined;
        this.#enter(directory);
      }
      if (!this.#isExported(line, path)) return undefined;
      const state = this.#stateOf(page, line, path);
      if (state === 'to be refused') return undefined;
      if (state === 'to be looked at alone') {
        if (at > first) parts.push({ page, start: first, end: at, counts });
        parts.push({ path, at });
        counts = { ...NOTHING };
        first = line.end;
      } else if (line.isDirectory) {
        this.#directories.add(path);
        counts.directories += 1;
      } else {
        counts.files += 1;
        counts.bytes += line.size;
      }
    }
    return undefined;
  }

  #enter(directory: string): void {
    this.#isOrdinary = isOrdinaryDirectory(this.settings.mountedAt, directory);
  }

  #isExported(line: CommonLine, path: string): boolean {
    if (this.#isOrdinary && isOrdinaryName(path, line.nameStart - line.pathStart)) return true;
    return exclusionReason(this.settings.mountedAt, path) === undefined;
  }

  #stateOf(page: number, line: CommonLine, path: string): EntryState {
    const { parentIncomplete } = this.settings;
    if (line.isDirectory && parentIncomplete.size > 0 && parentIncomplete.has(path)) return 'to be refused';
    const look = this.latency.of(this.#look);
    const isSettled = look.ctimeMs < this.#settledMs && look.mtimeMs < this.#settledMs;
    if (isSettled && isAsIn(line, look) && (line.isDirectory || this.taken.isCommonSound(page, line)))
      return 'unchanged';
    return !line.isDirectory && isFile(look) ? 'to be looked at alone' : 'to be refused';
  }
}

type EntryState = 'unchanged' | 'to be looked at alone' | 'to be refused';

const isFile = ({ mode }: VolumeLook): boolean => (mode & constants.S_IFMT) === constants.S_IFREG;

/**
 * Whether an entry looks as its line says. A file with several names is none of these.
 *
 * A change since the parent's export began has moved the time of change by more than seconds (what was not settled then is not
 * taken), so that a microsecond more or less is no other time.
 */
function isAsIn(line: CommonLine, look: VolumeLook): boolean {
  return (
    (line.isDirectory
      ? (look.mode & constants.S_IFMT) === constants.S_IFDIR
      : isFile(look) && look.nlink === 1 && look.size === line.size) &&
    (look.mode & MODE_BITS) === line.mode &&
    look.uid === line.uid &&
    look.gid === line.gid &&
    line.hasChangeTime &&
    isTime(line.lines, line.mtimeNs, look.mtimeMs) &&
    isTime(line.lines, line.ctimeNs, look.ctimeMs) &&
    isInode(line.lines, line.ino, look.ino)
  );
}

const MODE_BITS = 0o7777;
const DIGIT_0 = 0x30;
const NS_DIGITS = 9;
const TIME_TOLERANCE_MS = 0.001;

/** Of times after 1970, written as an export writes them. */
function isTime(lines: Buffer, { start, end }: Span, ms: number): boolean {
  const second = end - NS_DIGITS;
  if (second <= start || lines[start] === DIGIT_0) return false;
  const written = numberAt(lines, start, second) * 1000 + numberAt(lines, second, end) / 1_000_000;
  return Math.abs(written - ms) < TIME_TOLERANCE_MS;
}

const isInode = (lines: Buffer, { start, end }: Span, ino: number): boolean =>
  ino <= Number.MAX_SAFE_INTEGER && lines[start] !== DIGIT_0 && numberAt(lines, start, end) === ino;

/** Of digits; of a minus it is no number of any entry. */
function numberAt(lines: Buffer, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at += 1) {
    const digit = lines[at]! - DIGIT_0;
    if (digit < 0) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}
