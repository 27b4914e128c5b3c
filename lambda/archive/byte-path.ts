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
export const displayPath = (path: string): string =>
  Array.from(path, (character) => {
    const code = character.codePointAt(0)!;
    return code >= 0xdc80 && code <= 0xdcff ? `%${(code - 0xdc00).toString(16).toUpperCase()}` : character;
  }).join('');

/** Sorts by the bytes of `path`, as `LC_ALL=C sort` does. */
export function sortedByPath<T extends { readonly path: string }>(items: Iterable<T>): T[] {
  return Array.from(items, (item) => ({ item, bytes: pathToBytes(item.path) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ item }) => item);
}
