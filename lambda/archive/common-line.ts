/**
 * Reads the lines that nearly all are where they stand: of a file in one piece and of a directory, with a name of printable
 * ASCII, exactly as an export writes them. What this takes needs no look at its types any more; anything else is left to
 * be parsed. A fifth of the time of a regular expression, and no garbage.
 *
 * A line is compared with a template by one loop: small, so that it costs little to compile, which each thread does for itself.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SLASH = 0x2f;
const DOT = 0x2e;
const MINUS = 0x2d;
const DIGIT_0 = 0x30;
const FILE_INITIAL = 0x66;
const MAX_DIGITS = 15;
const MAX_NS_DIGITS = 20;
const SHA256_DIGITS = 64;

// What stands in a template for a field, or for its end; anything else stands for itself.
const END = '\0';
/** A number of JSON, not too long to be exact. */
const NUMBER = '\x01';
/** Digits, perhaps behind a minus. */
const SPAN = '\x02';
/** 64 hex digits. */
const HEX = '\x03';
const [END_CODE, NUMBER_CODE, SPAN_CODE] = [END.charCodeAt(0), NUMBER.charCodeAt(0), SPAN.charCodeAt(0)];
const LAST_CODE = HEX.charCodeAt(0);

const PATH = Buffer.from('{"path":"');
/** What is between a path and the first letter of the type. */
const BEFORE_TYPE = '","type":"'.length;
const OWNER = `"mode":${NUMBER},"uid":${NUMBER},"gid":${NUMBER},"mtimeNs":"${SPAN}"`;
const CHANGE = `"ctimeNs":"${SPAN}","ino":"${SPAN}"`;
const PIECE = `{"pack":"${HEX}","offset":${NUMBER},"length":${NUMBER},"skip":${NUMBER},"size":${NUMBER}}`;
/** From behind the path on. */
const FILE = Buffer.from(
  `","type":"file",${OWNER},"size":${NUMBER},${CHANGE},"sha256":"${HEX}","pieces":[${PIECE}]}\n${END}`,
);
const DIRECTORY = Buffer.from(`","type":"directory",${OWNER},${CHANGE}}\n${END}`);
const DIRECTORY_OF_OLD = Buffer.from(`","type":"directory",${OWNER}}\n${END}`);

/** A time or an inode, in decimal: its place in the page. */
export interface Span {
  start: number;
  end: number;
}

export class CommonLine {
  isDirectory = false;
  /** No segment of its path is empty, `.` or `..`. */
  isSafe = true;
  pathStart = 0;
  pathEnd = 0;
  /** Of the last segment of the path. */
  nameStart = 0;
  readonly mtimeNs: Span = { start: 0, end: 0 };
  readonly ctimeNs: Span = { start: 0, end: 0 };
  readonly ino: Span = { start: 0, end: 0 };
  /** Of directories of older exports there is neither. */
  hasChangeTime = false;
  /** Where the next line begins. */
  end = 0;
  /** In the order of the templates, as the two below. */
  readonly #numbers = new Float64Array(8);
  readonly #spans = [this.mtimeNs, this.ctimeNs, this.ino];
  /** Where the digits begin. */
  readonly #hexes = new Int32Array(2);

  constructor(readonly lines: Buffer) {}

  get mode(): number {
    return this.#numbers[0]!;
  }

  get uid(): number {
    return this.#numbers[1]!;
  }

  get gid(): number {
    return this.#numbers[2]!;
  }

  /** This and what follows: of files. */
  get size(): number {
    return this.#numbers[3]!;
  }

  get offset(): number {
    return this.#numbers[4]!;
  }

  get length(): number {
    return this.#numbers[5]!;
  }

  get skip(): number {
    return this.#numbers[6]!;
  }

  get pieceSize(): number {
    return this.#numbers[7]!;
  }

  /** Where the hex digits begin. */
  get sha256(): number {
    return this.#hexes[0]!;
  }

  get pack(): number {
    return this.#hexes[1]!;
  }

  /** @returns whether the line that begins here is one of these */
  read(start: number): boolean {
    if (!this.#readPath(start)) return false;
    const at = this.pathEnd;
    this.hasChangeTime = true;
    this.isDirectory = this.lines[at + BEFORE_TYPE] !== FILE_INITIAL;
    if (!this.isDirectory) return this.#match(FILE, at);
    if (this.#match(DIRECTORY, at)) return true;
    this.hasChangeTime = false;
    return this.#match(DIRECTORY_OF_OLD, at);
  }

  textOf({ start, end }: Span): string {
    return this.lines.toString('latin1', start, end);
  }

  get path(): string {
    return this.lines.toString('latin1', this.pathStart, this.pathEnd);
  }

  /** Up to the quote; of printable ASCII, without escapes. */
  #readPath(start: number): boolean {
    const { lines } = this;
    for (let index = 0; index < PATH.length; index += 1) if (lines[start + index] !== PATH[index]) return false;
    let at = start + PATH.length;
    let segment = at;
    let isSafe = true;
    this.pathStart = at;
    for (; ; at += 1) {
      const byte = lines[at];
      if (byte === QUOTE || byte === SLASH) {
        const length = at - segment;
        if (length === 0 || (length <= 2 && lines[segment] === DOT && lines[at - 1] === DOT)) isSafe = false;
        if (byte === QUOTE) break;
        segment = at + 1;
      } else if (byte === undefined || byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return false;
    }
    this.isSafe = isSafe;
    this.nameStart = segment;
    this.pathEnd = at;
    return true;
  }

  /** Whether what begins here is as the template says, to its end. */
  #match(template: Uint8Array, start: number): boolean {
    const { lines } = this;
    let [numbers, spans, hexes] = [0, 0, 0];
    let at = start;
    for (let index = 0; ; index += 1) {
      let code = template[index]!;
      for (; code > LAST_CODE; code = template[++index]!, at += 1) if (lines[at] !== code) return false;
      const first = at;
      if (code === NUMBER_CODE) {
        let value = 0;
        for (; isDigit(lines[at]!); at += 1) value = value * 10 + lines[at]! - DIGIT_0;
        const digits = at - first;
        // With zeros before it, it is no number of JSON.
        if (digits === 0 || digits > MAX_DIGITS || (digits > 1 && lines[first] === DIGIT_0)) return false;
        this.#numbers[numbers] = value;
        numbers += 1;
      } else if (code === SPAN_CODE) {
        if (lines[at] === MINUS) at += 1;
        const digits = at;
        while (isDigit(lines[at]!)) at += 1;
        if (at === digits || at - digits > MAX_NS_DIGITS) return false;
        const span = this.#spans[spans]!;
        span.start = first;
        span.end = at;
        spans += 1;
      } else if (code === END_CODE) {
        this.end = at;
        return true;
      } else {
        at += SHA256_DIGITS;
        for (let digit = first; digit < at; digit += 1) if (IS_HEX[lines[digit]!] !== 1) return false;
        this.#hexes[hexes] = first;
        hexes += 1;
      }
    }
  }
}

const isDigit = (byte: number): boolean => byte >= DIGIT_0 && byte <= DIGIT_0 + 9;

const IS_HEX = Uint8Array.from({ length: 256 }, (_, code) => (/[0-9a-f]/.test(String.fromCharCode(code)) ? 1 : 0));
