/** The threads' part of a restore: makes what the manifest says, in a directory that nobody else writes to. */
import { createHash, hash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { displayPath, pathToBytes } from '../byte-path';
import { CallTimes } from '../crew/call-times';
import type { Job, Session } from '../crew/effect';
import { entryOf } from '../check-entries';
import { CommonLine } from '../common-line';
import type { FileEntry, LinkEntry, ManifestEntry, Ownership, Piece } from '../entry';
import { ArchiveDamagedError, codeOf } from '../errors';
import type { Remark } from '../export/remark';
import { release } from '../frame';
import { atPath } from '../long-path';
import { FrameSource } from '../range-fetcher';
import { cut, wrongContent } from '../ranges';
import { linesOf } from './directory-log';

export interface RestoreSettings {
  /** The directory that everything is made in. */
  readonly root: string;
  /** Of the archive, for messages. */
  readonly prefix: string;
  /** Damaged files are named and left out. */
  readonly keepGoing: boolean;
}

export type RestoreTask =
  /** @property starts of the directories' lines in the page, in order: what holds a directory before it */
  | { readonly do: 'directories'; readonly lines: SharedArrayBuffer; readonly starts: readonly number[] }
  /** @property starts of the files' lines in the page, in the order of their frames */
  | { readonly do: 'files'; readonly lines: SharedArrayBuffer; readonly starts: readonly number[] }
  | { readonly do: 'file'; readonly entry: FileEntry }
  | { readonly do: 'links'; readonly entries: readonly LinkEntry[] }
  /**
   * Modes, owners and times of directories: after what is in them is there.
   *
   * @property frame of their lines: see {@link linesOf}
   */
  | { readonly do: 'finish'; readonly frame: Uint8Array }
  /** The same of the directory that all is made in. */
  | { readonly do: 'finish root'; readonly root: Ownership };

export interface RestoreTaskResult {
  readonly files: number;
  readonly bytes: number;
  readonly warnings: readonly Remark[];
  readonly damages: readonly Damage[];
  /** What making something takes, in milliseconds; 0 as long as it is not known: see {@link CallTimes}. */
  readonly callMs: number;
}

export interface Damage {
  readonly path: string;
  /** Key in the bucket. */
  readonly key: string;
  readonly problem: string;
}

const NEWLINE = 10;
const MADE_MODE = 0o600;
/** Whatever its own is, it can be written into until all is there. */
const MADE_DIRECTORY_MODE = 0o755;

export class RestoreSession implements Session {
  #warnings: Remark[] = [];
  #damages: Damage[] = [];
  #files = 0;
  #bytes = 0;
  readonly #frames: FrameSource;
  readonly #callTimes = new CallTimes();

  constructor(private readonly settings: RestoreSettings) {
    this.#frames = new FrameSource(settings.prefix);
  }

  *run(task: RestoreTask): Job<RestoreTaskResult> {
    this.#warnings = [];
    this.#damages = [];
    this.#files = 0;
    this.#bytes = 0;
    switch (task.do) {
      case 'directories':
        for (const path of pathsIn(task.lines, task.starts)) this.#makeDirectory(path);
        break;
      case 'files':
        yield* this.#restoreFiles(filesIn(task.lines, task.starts));
        break;
      case 'file':
        yield* this.#restoreFiles([task.entry]);
        break;
      case 'links':
        for (const entry of task.entries) this.#restoreLink(entry);
        break;
      case 'finish':
        this.#finishDirectories(task.frame);
        break;
      case 'finish root':
        this.#finishDirectory({ path: '', ...task.root });
        break;
    }
    const { typical: callMs } = this.#callTimes;
    return { files: this.#files, bytes: this.#bytes, warnings: this.#warnings, damages: this.#damages, callMs };
  }

  #at<T>(path: string, call: (at: string | Buffer) => T): T {
    try {
      return atPath(this.settings.root, path, call);
    } catch (error) {
      if (!this.settings.keepGoing || codeOf(error) !== 'ENOENT' || !path.includes('/')) throw error;
      // What the damaged page said of the directories that lead here is lost; they themselves need not be.
      atPath(this.settings.root, path.slice(0, path.lastIndexOf('/')), (at) => mkdirSync(at, { recursive: true }));
      return atPath(this.settings.root, path, call);
    }
  }

  *#restoreFiles(files: readonly FileEntry[]): Job<void> {
    yield* this.#frames.plan(files.flatMap(({ pieces }) => pieces));
    let frame: Piece | undefined;
    let content: Buffer = Buffer.alloc(0);
    let failure: unknown;
    for (const entry of files) {
      const [first] = entry.pieces;
      try {
        if (entry.pieces.length > 1) yield* this.#writeLong(entry);
        else {
          // Many files lie in one frame: it is decoded once.
          if (
            first &&
            !(frame && frame.pack === first.pack && frame.offset === first.offset && frame.length === first.length)
          ) {
            frame = first;
            failure = undefined;
            release(content);
            try {
              content = yield* this.#frames.frame(first);
            } catch (error) {
              failure = error;
            }
          }
          if (first && failure !== undefined) throw failure;
          this.#writeShort(entry, first ? cut(this.settings.prefix, first, content) : Buffer.alloc(0));
        }
        this.#files += 1;
        this.#bytes += entry.size;
      } catch (error) {
        if (!(error instanceof ArchiveDamagedError)) throw error;
        if (!this.settings.keepGoing) {
          throw new ArchiveDamagedError(error.key, `${error.problem}: ${displayPath(entry.path)}`, { cause: error });
        }
        this.#damages.push({ path: displayPath(entry.path), key: error.key, problem: error.problem });
      }
    }
    release(content);
  }

  #writeShort(entry: FileEntry, content: Buffer): void {
    if (hash('sha256', content, 'hex') !== entry.sha256) {
      throw wrongContent(this.settings.prefix, entry.pieces, displayPath(entry.path));
    }
    this.#make(entry, (descriptor) => write(descriptor, content));
  }

  *#writeLong(entry: FileEntry): Job<void> {
    const descriptor = this.#at(entry.path, (at) => openSync(at, 'wx', MADE_MODE));
    try {
      const digest = createHash('sha256');
      for (const piece of entry.pieces) {
        const content = yield* this.#frames.frame(piece);
        const part = cut(this.settings.prefix, piece, content);
        digest.update(part);
        write(descriptor, part);
        release(content);
      }
      if (digest.digest('hex') !== entry.sha256) {
        throw wrongContent(this.settings.prefix, entry.pieces, displayPath(entry.path));
      }
      this.#apply(descriptor, entry);
    } catch (error) {
      this.#at(entry.path, (at) => unlinkSync(at));
      throw error;
    } finally {
      closeSync(descriptor);
    }
  }

  /** With its final mode where the process's mask lets it: nobody else can get into the directory yet. */
  #make(entry: FileEntry, fill: (descriptor: number) => void): void {
    // O_EXCL fails on what is there already: names that differ to the manifest and not to this file system (case, Unicode
    // form) are refused, not overwritten.
    const descriptor = this.#at(entry.path, (at) => this.#callTimes.of(() => openSync(at, 'wx', entry.mode)));
    try {
      fill(descriptor);
      this.#apply(descriptor, entry);
    } finally {
      closeSync(descriptor);
    }
  }

  #apply(descriptor: number, entry: FileEntry): void {
    // Owner before mode: changing the owner clears the set-id bits.
    const { mode } = this.#keepOwner(
      entry,
      () => fchownSync(descriptor, entry.uid, entry.gid),
      () => fstatSync(descriptor),
    );
    if ((mode & 0o7777) !== entry.mode) fchmodSync(descriptor, entry.mode);
    futimesSync(descriptor, timeOf(entry), timeOf(entry));
  }

  #makeDirectory(path: string): void {
    this.#at(path, (at) => this.#callTimes.of(() => mkdirSync(at, { mode: MADE_DIRECTORY_MODE })));
  }

  #finishDirectories(frame: Uint8Array): void {
    const lines = linesOf(frame);
    for (const entry of entriesIn(lines).reverse()) this.#finishDirectory(entry);
    release(lines);
  }

  #finishDirectory(entry: Ownership & { readonly path: string }): void {
    this.#at(entry.path, (at) => {
      const { mode } = this.#keepOwner(
        entry,
        () => lchownSync(at, entry.uid, entry.gid),
        () => lstatSync(at),
      );
      if ((mode & 0o7777) !== entry.mode) chmodSync(at, entry.mode);
      utimesSync(at, timeOf(entry), timeOf(entry));
    });
  }

  #restoreLink(entry: LinkEntry): void {
    if (entry.type === 'hardlink') {
      try {
        // Only looked up: what leads to it is not to be made.
        const target = atPath(this.settings.root, entry.target, (at) => lstatSync(at));
        if (!target.isFile()) throw new ArchiveDamagedError(this.settings.prefix, notAFile(entry));
        atPath(this.settings.root, entry.target, (from) => this.#at(entry.path, (at) => linkSync(from, at)));
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' && !(error instanceof ArchiveDamagedError)) throw error;
        // Its file was left out, or never was one.
        if (!this.settings.keepGoing) throw new ArchiveDamagedError(this.settings.prefix, notAFile(entry));
        this.#damages.push({ path: displayPath(entry.path), key: this.settings.prefix, problem: notAFile(entry) });
      }
      return;
    }
    this.#at(entry.path, (at) => {
      symlinkSync(pathToBytes(entry.target), at);
      this.#keepOwner(
        entry,
        () => lchownSync(at, entry.uid, entry.gid),
        () => lstatSync(at),
      );
      lutimesSync(at, timeOf(entry), timeOf(entry));
    });
  }

  /** Only root may give files away, and a share may force its own owner: said, not silent. */
  #keepOwner({ path, uid, gid }: Ownership & { readonly path: string }, change: () => void, stat: () => Stats): Stats {
    let now = stat();
    if (now.uid === uid && now.gid === gid) return now;
    try {
      change();
    } catch (error) {
      if (!['EPERM', 'EINVAL', 'ENOTSUP'].includes(codeOf(error) ?? '')) throw error;
    }
    now = stat();
    if (now.uid !== uid || now.gid !== gid) {
      const reason = `the owner is ${now.uid}:${now.gid}, was ${uid}:${gid}`;
      this.#warnings.push({ path: displayPath(path) || '.', reason });
    }
    return now;
  }
}

const notAFile = ({ path, target }: LinkEntry) =>
  `the hard link ${displayPath(path)} is to ${displayPath(target)}, which is no file of the point`;

function pathsIn(shared: SharedArrayBuffer, starts: readonly number[]): string[] {
  const lines = Buffer.from(shared);
  const line = new CommonLine(lines);
  // As it was checked, by the same parsers: a line that puts its fields in another order has its path elsewhere.
  return starts.map((start) => (line.read(start) ? line.path : parse(lines, start, line).entry.path));
}

function filesIn(shared: SharedArrayBuffer, starts: readonly number[]): FileEntry[] {
  const lines = Buffer.from(shared);
  const line = new CommonLine(lines);
  return starts.map((start) => parse(lines, start, line).entry as FileEntry);
}

function entriesIn(lines: Buffer): ManifestEntry[] {
  const entries: ManifestEntry[] = [];
  const line = new CommonLine(lines);
  for (let at = 0; at < lines.length;) {
    const { entry, end } = parse(lines, at, line);
    entries.push(entry);
    at = end;
  }
  return entries;
}

/** A line that was checked before. */
function parse(
  lines: Buffer,
  start: number,
  line: CommonLine,
): { readonly entry: ManifestEntry; readonly end: number } {
  if (line.read(start)) return { entry: entryOf(line, line.path), end: line.end };
  const end = lines.indexOf(NEWLINE, start) + 1;
  return { entry: JSON.parse(lines.toString('utf8', start, end)) as ManifestEntry, end };
}

function write(descriptor: number, content: Buffer): void {
  for (let at = 0; at < content.length;) at += writeSync(descriptor, content, at, content.length - at);
}

/**
 * The calls of Node take a time as a double of seconds, and have no other way in: the nearest one is within 0.12 µs of the
 * time from 2004 to 2038, and within 0.24 µs until 2106. A negative number is taken for the time of the call, its text for what it is.
 */
function timeOf({ mtimeNs }: Ownership): number | string {
  const ns = BigInt(mtimeNs);
  // Apart, since nanoseconds since 1970 have no exact double.
  const seconds = Number(ns / SECOND_NS) + Number(ns % SECOND_NS) / 1e9;
  return seconds < 0 ? String(seconds) : seconds;
}

const SECOND_NS = 1_000_000_000n;
