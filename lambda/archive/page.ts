/** Pages: the lines of a manifest, some thousands in an object. A page that did not change belongs to many manifests. */
import { hash } from 'node:crypto';
import { pathOfLine } from './entry';
import { decodeFrame, encodeFrame, release } from './frame';

/** Lines of a page, unless a page of the parent is worth keeping as it is. */
export const PAGE_LINES = 8192;
/** A page is closed early when its lines are as long as this: of files with very many pieces. */
export const PAGE_BYTES = 6 * 1024 * 1024;
/** A page that decodes to more is refused. */
const MAX_PAGE_BYTES = 256 * 1024 * 1024;

export interface EncodedPage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
  /** Path of the first line. */
  readonly first: string;
  /** SHA-256 of the packs that the lines name, sorted. */
  readonly packs: readonly string[];
}

export function encodePage(lines: Buffer): EncodedPage {
  const frame = encodeFrame(lines);
  const bytes = Uint8Array.from(frame);
  release(frame);
  return { bytes, sha256: hash('sha256', bytes, 'hex'), first: pathOfLine(lines, 0), packs: packsIn(lines) };
}

/** Nothing but a piece can look like this: the quotes in a name are escaped. */
const PACK = Buffer.from('"pack":"');
const SHA256_DIGITS = 64;

function packsIn(lines: Buffer): readonly string[] {
  const packs = new Set<string>();
  let last = '';
  for (let at = lines.indexOf(PACK); at >= 0; at = lines.indexOf(PACK, at + SHA256_DIGITS)) {
    at += PACK.length;
    const pack = lines.toString('latin1', at, at + SHA256_DIGITS);
    // Neighbours are in one pack, mostly.
    if (pack !== last) packs.add((last = pack));
  }
  return Array.from(packs).sort();
}

export const decodePage = (object: Buffer): Buffer => decodeFrame(object, MAX_PAGE_BYTES);
