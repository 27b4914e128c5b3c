/** Whoever can write a manifest must not get a restore to write outside of its target: what it says is checked first. */
import { comparePaths, displayPath } from './byte-path';
import { countLines, countOne, NOTHING } from './counts';
import type { ManifestEntry, Piece } from './entry';
import type { Damaged } from './json-checks';
import { isCount, isNs, isOwnership, isRecord, isSha256, isText, parseLine } from './json-checks';
import type { ManifestHeader, PageReference } from './manifest';
import { packKey } from './manifest';
import { MAX_FRAME_BYTES } from './frame';

const NEWLINE = 10;

/**
 * The lines that nearly all are: of a file in one piece and of a directory, with a name of printable ASCII, exactly as an
 * export writes them. What this matches needs no look at its types any more; anything else is parsed and looked at.
 */
const COMMON =
  /\{"path":"([ !#-[\]-~]+)","type":"(?:(directory)|file)","mode":(\d{1,4}),"uid":(\d{1,10}),"gid":(\d{1,10}),"mtimeNs":"(-?\d{1,20})"(?:,"size":(\d{1,15}))?(?:,"ctimeNs":"(-?\d{1,20})","ino":"(\d{1,20})")?(?:,"sha256":"([0-9a-f]{64})","pieces":\[\{"pack":"([0-9a-f]{64})","offset":(\d{1,15}),"length":(\d{1,15}),"skip":(\d{1,15}),"size":(\d{1,15})\}\])?\}\n/y;

export interface CheckedEntries {
  readonly entries: readonly ManifestEntry[];
  /** Where the line of each begins. */
  readonly starts: readonly number[];
}

/** Takes the pages of one manifest in order, and gives their entries when nothing about them is wrong. */
export class EntryChecker {
  /** Directories that what follows may be in: each is in the one before, or comes after it but before what is in that. */
  readonly #open: string[] = [];
  readonly #links = new Set<string>();
  readonly #packBytes: ReadonlyMap<string, number>;
  /** Neighbours are in one pack, mostly. */
  #lastPack = { sha256: '', bytes: 0 };
  #previous = '';
  /** Of plain text the order is that of its characters. */
  #isPreviousPlain = true;
  #skipped = false;

  constructor(
    header: ManifestHeader,
    private readonly damaged: Damaged,
  ) {
    this.#packBytes = new Map(header.packs.map(({ key, bytes }) => [key, bytes]));
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
    const counts = { ...NOTHING };
    if (lines.at(-1) !== NEWLINE) throw this.damaged('a page is cut short');
    const text = lines.toString('latin1');
    for (let at = 0; at < lines.length;) {
      COMMON.lastIndex = at;
      const common = COMMON.exec(text);
      const next = common ? COMMON.lastIndex : lines.indexOf(NEWLINE, at) + 1;
      const entry = common
        ? this.#checkCommon(common, isWanted)
        : this.#check(parseLine(lines.subarray(at, next), this.damaged), isWanted);
      if (at === 0 && entry.path !== page.first) {
        throw this.damaged(`the page of ${displayPath(page.first)} begins with another path`);
      }
      countOne(counts, entry.type, entry.type === 'file' ? entry.size : 0);
      if (isWanted(entry.path)) visitor(entry, at);
      at = next;
    }
    if (countLines(counts) !== countLines(page.counts) || counts.bytes !== page.counts.bytes) {
      throw this.damaged(`the page of ${displayPath(page.first)} has other entries than the manifest counts`);
    }
  }

  /** A page is left out: what follows may be in a directory of it. */
  skip(): void {
    this.#skipped = true;
  }

  #checkCommon(match: RegExpExecArray, isWanted: (path: string) => boolean): ManifestEntry {
    const [, path, directory, mode, uid, gid, mtimeNs, size, ctimeNs, ino, sha256, pack, offset, length, skip, part] =
      match as unknown as string[];
    const owned = { path: path!, mode: Number(mode), uid: Number(uid), gid: Number(gid), mtimeNs: mtimeNs! };
    const isDirectory = directory !== undefined;
    const isWhole = isDirectory
      ? size === undefined && sha256 === undefined
      : size !== undefined && ctimeNs !== undefined && sha256 !== undefined;
    if (!isWhole || owned.mode > 0o7777) throw this.#wrongField(path!);
    this.#checkPath(path!, isWanted, true);
    if (isDirectory) {
      this.#open.push(path!);
      return { type: 'directory', ...owned, ...(ctimeNs === undefined ? {} : { ctimeNs, ino: ino! }) };
    }
    const piece: Piece = {
      pack: pack!,
      offset: Number(offset),
      length: Number(length),
      skip: Number(skip),
      size: Number(part),
    };
    if (!this.#isInPack(piece) || piece.size !== Number(size)) throw this.#wrongField(path!);
    return { type: 'file', ...owned, size: piece.size, sha256: sha256!, ctimeNs: ctimeNs!, ino: ino!, pieces: [piece] };
  }

  #wrongField(path: string) {
    return this.damaged(`the entry ${displayPath(path)} has a field that is missing or of the wrong type`);
  }

  /** That it is a path within the target, comes after the one before, and is in a directory. */
  #checkPath(path: string, isWanted: (path: string) => boolean, isPlain = false): void {
    if (!isSafePath(path)) throw this.damaged(`an entry has the path ${JSON.stringify(path)}`);
    const isAfter =
      isPlain && this.#isPreviousPlain
        ? this.#previous < path
        : this.#previous === '' || comparePaths(this.#previous, path) < 0;
    if (!isAfter) throw this.damaged(`the entry ${displayPath(path)} is there twice or not in order`);
    this.#previous = path;
    this.#isPreviousPlain = isPlain;
    // Also what keeps a restore from writing through a link: whatever holds an entry is a directory entry itself.
    this.#checkParent(path, isWanted);
  }

  #check(line: Record<string, unknown>, isWanted: (path: string) => boolean): ManifestEntry {
    const path = line['path'];
    if (!isText(path)) throw this.damaged(`an entry has the path ${JSON.stringify(path)}`);
    this.#checkPath(path, isWanted);
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
    // '0' is the character after '/': from there on, nothing is in that directory.
    while (this.#open.length > 0 && comparePaths(`${this.#open.at(-1)!}0`, path) <= 0) this.#open.pop();
    if (slash < 0) return;
    for (let index = this.#open.length - 1; index >= 0; index -= 1) if (this.#open[index] === holder) return;
    if (!isWanted(path)) return;
    // The directory may have been in a page that is lost; what is in a link never is an entry.
    if (!this.#skipped || this.#isThroughLink(holder)) {
      throw this.damaged(`${displayPath(path)} is in no directory of the manifest`);
    }
  }

  #isThroughLink(path: string): boolean {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      if (this.#links.has(path.slice(0, end))) return true;
    }
    return false;
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
  #isInPack(piece: Piece): boolean {
    const { pack } = piece;
    if (pack !== this.#lastPack.sha256) {
      this.#lastPack = { sha256: pack, bytes: this.#packBytes.get(packKey(pack)) ?? 0 };
    }
    return fitsInPack(piece, this.#lastPack.bytes);
  }
}

/** @param packBytes size of its pack; undefined of one that the manifest does not name */
export const fitsInPack = ({ offset, length, skip, size }: Piece, packBytes = 0): boolean =>
  length > 0 && offset + length <= packBytes && size > 0 && skip + size <= MAX_FRAME_BYTES;

/** An empty segment, `.` or `..`; or a NUL. */

const UNSAFE = /(?:^|\/)\.{0,2}(?:\/|$)|\0/;

const isSafePath = (path: string) => !UNSAFE.test(path);
