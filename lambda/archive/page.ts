/** Pages: the lines of a manifest, some thousands in an object. A page that did not change belongs to many manifests. */
import { hash } from 'node:crypto';
import { pathOfLine } from './entry';
import { messageOf } from './errors';
import { compressorOf, decodeFrame, encodeFrame, release } from './frame';
import type { Damaged } from './json-checks';
import { sha256OfKey } from './manifest';
import { isSha256At, PieceScan, sha256At } from './piece-scan';

/** Lines of a page, unless a page of the parent is worth keeping as it is. */
export const PAGE_LINES = 8192;
/** A page is closed early when its lines are as long as this: of files with very many pieces. */
export const PAGE_BYTES = 6 * 1024 * 1024;
/** A page that decodes to more is refused. */
export const MAX_PAGE_BYTES = 256 * 1024 * 1024;

export interface EncodedPage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
  /** Path of the first line. */
  readonly first: string;
  /** SHA-256 of the packs that the lines name, sorted. */
  readonly packs: readonly string[];
}

/** Lines of JSON come out smaller at zstd's level 1 than at 2 and 3 (2 % and 5 % of 8 MB), in three quarters of the time. */
const PAGE_LEVEL = 1;

/** @param packs that the lines name, sorted; default: what is found in them */
export function encodePage(lines: Buffer, packs: readonly string[] = packsIn(lines)): EncodedPage {
  const frame = encodeFrame(lines, compressorOf(PAGE_LEVEL));
  const bytes = new Uint8Array(frame);
  release(frame);
  return { bytes, sha256: hash('sha256', bytes, 'hex'), first: pathOfLine(lines, 0), packs };
}

/** SHA-256 of the packs that lines of an export name, sorted. */
export function packsIn(lines: Buffer): readonly string[] {
  const packs = new Set<string>();
  let last = '';
  const scan = new PieceScan(lines);
  while (scan.nextFile()) {
    do {
      // Neighbours are in one pack, mostly.
      if (!isSha256At(lines, scan.pack, last)) packs.add((last = sha256At(lines, scan.pack)));
    } while (scan.nextPiece());
  }
  return Array.from(packs).sort();
}

/** Whether lines of an export name a pack: much faster than {@link packsIn}, where it is known which ones they may name. */
export const namesPack = (lines: Buffer, sha256: string): boolean => lines.includes(`{"pack":"${sha256}"`, 0, 'latin1');

/** What must be known of a page to read it. */
export interface StoredPage {
  readonly key: string;
  readonly bytes: number;
}

/**
 * The lines of a page as it was stored, compared with the SHA-256 that its name says.
 *
 * @param length of the object, which may be longer than what was read of it
 * @throws what `damaged` makes of a problem
 */
export function decodeStoredPage({ key, bytes }: StoredPage, object: Buffer, length: number, damaged: Damaged): Buffer {
  if (length !== bytes || hash('sha256', object, 'hex') !== sha256OfKey(key)) {
    throw damaged('the page is cut short or was changed: its SHA-256 is another than its name says');
  }
  try {
    return decodeFrame(object, MAX_PAGE_BYTES);
  } catch (error) {
    throw damaged(`the page cannot be decompressed (${messageOf(error)})`, error);
  }
}
