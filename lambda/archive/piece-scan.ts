/**
 * Goes along the lines of a page, from one file that has content to the next, and reads what it needs of them where it
 * stands: a hundred thousand lines in a tenth of the time that it takes to parse them. For lines that an export has written,
 * whose page was compared with its SHA-256.
 */

const BRACKET = 0x5b;
const BRACE_END = 0x7d;
const COMMA = 0x2c;
const NEWLINE = 10;
const SHA256_DIGITS = 64;
/** `{"pack":"` */
const PACK_AT = 9;
/** What is between the SHA-256 and the first piece: `","pieces":[` */
const BEFORE_PIECES = 12;

/**
 * Where the next bracket stands that begins the pieces of a file, from a place on; -1 where there is none. By the rarest byte of a
 * line: looked for by a quote or a letter, it takes five times as long.
 */
export function piecesAt(lines: Buffer, from: number): number {
  for (let at = lines.indexOf(BRACKET, from); at >= 0; at = lines.indexOf(BRACKET, at + 1)) {
    // The end of a key, `"pieces":[`: in a name, the quote would have a backslash before it.
    if (lines[at - 1] === 0x3a && lines[at - 2] === 0x22 && lines[at - 3] === 0x73) return at;
  }
  return -1;
}

/** Where the digits of a file's SHA-256 begin, by the bracket of its pieces. */
export const sha256Before = (bracket: number): number => bracket + 1 - BEFORE_PIECES - SHA256_DIGITS;

export class PieceScan {
  /** Of the SHA-256 of the content, in hex. */
  sha256 = 0;
  /** Of the piece. */
  piece = 0;
  #pieceEnd = 0;

  constructor(private readonly lines: Buffer) {}

  /** Moves to the first piece of the next file that has any. */
  nextFile(): boolean {
    const { lines } = this;
    for (;;) {
      const at = piecesAt(lines, this.#pieceEnd);
      if (at < 0) return false;
      this.#pieceEnd = at + 1;
      if (lines[at + 1] !== 0x7b) continue;
      this.sha256 = sha256Before(at);
      this.#moveTo(at + 1);
      return true;
    }
  }

  /** Of the line. */
  get start(): number {
    return this.lines.lastIndexOf(NEWLINE, this.piece) + 1;
  }

  /** Moves to the next piece of the same file. */
  nextPiece(): boolean {
    if (this.lines[this.#pieceEnd + 1] !== COMMA) return false;
    this.#moveTo(this.#pieceEnd + 2);
    return true;
  }

  /** SHA-256 of the piece's pack, in hex: where it begins. */
  get pack(): number {
    return this.piece + PACK_AT;
  }

  /** Bytes of the content in the piece. */
  get size(): number {
    return numberBefore(this.lines, this.#pieceEnd);
  }

  #moveTo(piece: number): void {
    this.piece = piece;
    let end = piece + PACK_AT + SHA256_DIGITS;
    while (this.lines[end] !== BRACE_END) {
      if (end >= this.lines.length) throw new Error('a page ends in the middle of a line');
      end += 1;
    }
    this.#pieceEnd = end;
  }
}

/** The number whose digits end at a place; 0 where there are none. */
export function numberBefore(lines: Buffer, end: number): number {
  let number = 0;
  let at = end - 1;
  for (let unit = 1; ; unit *= 10, at -= 1) {
    const digit = lines[at]! - 0x30;
    if (!(digit >= 0 && digit <= 9)) return number;
    number += digit * unit;
  }
}

/** The SHA-256 in hex that begins at a place. */
export const sha256At = (lines: Buffer, at: number): string => lines.toString('latin1', at, at + SHA256_DIGITS);

/** Whether that is what {@link sha256At} would give. */
export function isSha256At(lines: Buffer, at: number, sha256: string): boolean {
  if (sha256.length !== SHA256_DIGITS) return false;
  for (let index = 0; index < SHA256_DIGITS; index += 1) {
    if (lines[at + index] !== sha256.charCodeAt(index)) return false;
  }
  return true;
}

const DIGITS = Uint8Array.from({ length: 256 }, (_, code) =>
  Math.max(0, '0123456789abcdef'.indexOf(String.fromCharCode(code))),
);

/** Its 32 bytes. */
export function writeSha256(lines: Buffer, at: number, into: Uint8Array): void {
  for (let byte = 0; byte < SHA256_DIGITS / 2; byte += 1) {
    into[byte] = (DIGITS[lines[at + byte * 2]!]! << 4) | DIGITS[lines[at + byte * 2 + 1]!]!;
  }
}
