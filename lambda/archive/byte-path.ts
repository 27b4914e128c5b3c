/**
 * File names are bytes, JSON has text. A name is kept as its UTF-8 text; a byte that is not part of valid UTF-8 becomes
 * the lone surrogate U+DC80..U+DCFF (0xDC00 + the byte). That is Python's `surrogateescape` (PEP 383): every name has
 * exactly one text, and no text that came from valid UTF-8 holds a lone surrogate.
 */

const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LONE_BYTE = /[\uDC80-\uDCFF]/;

export function pathFromBytes(bytes: Buffer): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    return escapeInvalid(bytes);
  }
}

function escapeInvalid(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = validLength(bytes, at);
    text += length > 0 ? bytes.toString('utf8', at, at + length) : String.fromCharCode(0xdc00 + bytes[at]!);
    at += Math.max(length, 1);
  }
  return text;
}

/** Length of the valid UTF-8 character at this place, 0 when there is none. */
function validLength(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  try {
    STRICT.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}

/** The inverse of {@link pathFromBytes}. */
export function pathToBytes(path: string): Buffer {
  // A paired surrogate is one code point above U+FFFF to the `u` flag, so only lone ones are split off.
  if (!LONE_BYTE.test(path)) return Buffer.from(path, 'utf8');
  return Buffer.concat(
    Array.from(path, (character) => {
      const code = character.codePointAt(0)!;
      return code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(character, 'utf8');
    }),
  );
}

/** The path as text that any terminal and any JSON reader can show; not reversible for names that are not UTF-8. */
export function displayPath(path: string): string {
  if (!LONE_BYTE.test(path)) return path;
  return Array.from(path, (character) => {
    const code = character.codePointAt(0)!;
    return code >= 0xdc80 && code <= 0xdcff ? `%${(code - 0xdc00).toString(16).toUpperCase()}` : character;
  }).join('');
}

/** Sorts by the bytes of `path`, as `LC_ALL=C sort` does. */
export const sortedByPath = <T extends { readonly path: string }>(items: Iterable<T>): T[] =>
  Array.from(items).sort((a, b) => comparePaths(a.path, b.path));

const NOT_PLAIN = /[^\x20-\x7e]/;

/** Printable ASCII: its text, its bytes and their order are one and the same. */
export const isPlain = (path: string): boolean => !NOT_PLAIN.test(path);

const SURROGATE = /[\ud800-\udfff]/;

/** Negative, zero or positive: the order of the bytes of two paths. */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  // Text is in the order of its bytes but where a surrogate stands for a byte or for a character above U+FFFF.
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(pathToBytes(a), pathToBytes(b));
  return a < b ? -1 : 1;
}

/** In place, by their bytes. */
export function sortNames(names: string[]): string[] {
  return names.some((name) => SURROGATE.test(name)) ? names.sort(comparePaths) : names.sort();
}
