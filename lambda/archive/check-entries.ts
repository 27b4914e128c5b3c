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

export interface CheckedEntries {
  readonly entries: readonly ManifestEntry[];
  /** Where the line of each begins. */
  readonly starts: readonly number[];
}

/** Takes the pages of one manifest in order, and gives their entries when nothing about them is wrong. */
export class EntryChecker {
  /** Directories that what follows may be in: each is in the one before, or comes after it but before what is in that. */
  readonly #open: string[] = [];
  readonly #packBytes: ReadonlyMap<string, number>;
  #previous = '';
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
    const counts = { ...NOTHING };
    if (lines.at(-1) !== NEWLINE) throw this.damaged('a page is cut short');
    for (let at = 0; at < lines.length;) {
      const next = lines.indexOf(NEWLINE, at) + 1;
      const entry = this.#check(parseLine(lines.subarray(at, next), this.damaged), isWanted);
      if (at === 0 && entry.path !== page.first) {
        throw this.damaged(`the page of ${displayPath(page.first)} begins with another path`);
      }
      countOne(counts, entry.type, entry.type === 'file' ? entry.size : 0);
      if (isWanted(entry.path)) {
        entries.push(entry);
        starts.push(at);
      }
      at = next;
    }
    if (countLines(counts) !== countLines(page.counts) || counts.bytes !== page.counts.bytes) {
      throw this.damaged(`the page of ${displayPath(page.first)} has other entries than the manifest counts`);
    }
    return { entries, starts };
  }

  /** A page is left out: what follows may be in a directory of it. */
  skip(): void {
    this.#skipped = true;
  }

  #check(line: Record<string, unknown>, isWanted: (path: string) => boolean): ManifestEntry {
    const path = line['path'];
    if (!isText(path) || !isSafePath(path)) throw this.damaged(`an entry has the path ${JSON.stringify(path)}`);
    const shown = displayPath(path);
    if (this.#previous !== '' && comparePaths(this.#previous, path) >= 0) {
      throw this.damaged(`the entry ${shown} is there twice or not in order`);
    }
    this.#previous = path;
    // Also what keeps a restore from writing through a link: whatever holds an entry is a directory entry itself.
    this.#checkParent(path, isWanted);
    if (!isOwnership(line) || !this.#isEntryOfItsType(line)) {
      throw this.damaged(`the entry ${shown} has a field that is missing or of the wrong type`);
    }
    if (line['type'] === 'directory') this.#open.push(path);
    return line as unknown as ManifestEntry;
  }

  #checkParent(path: string, isWanted: (path: string) => boolean): void {
    // '0' is the character after '/': from there on, nothing is in that directory.
    while (this.#open.length > 0 && comparePaths(`${this.#open.at(-1)!}0`, path) <= 0) this.#open.pop();
    const slash = path.lastIndexOf('/');
    if (slash < 0) return;
    const holder = path.slice(0, slash);
    for (let index = this.#open.length - 1; index >= 0; index -= 1) if (this.#open[index] === holder) return;
    if (isWanted(path) && !this.#skipped) throw this.damaged(`${displayPath(path)} is in no directory of the manifest`);
  }

  #isEntryOfItsType(line: Record<string, unknown>): boolean {
    switch (line['type']) {
      case 'directory':
        return true;
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
    if (!isSha256(pack)) return false;
    const packBytes = this.#packBytes.get(packKey(pack));
    return (
      packBytes !== undefined &&
      isCount(offset) &&
      isCount(length) &&
      length > 0 &&
      offset + length <= packBytes &&
      isCount(skip) &&
      isCount(size) &&
      size > 0 &&
      skip + size <= MAX_FRAME_BYTES
    );
  }
}

const isSafePath = (path: string) =>
  !path.includes('\0') && path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
