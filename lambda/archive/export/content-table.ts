/**
 * Which contents are stored already, shared by all threads: a hash table in memory that each of them sees. A record is
 * a content's whole SHA-256 and where it is. It grows by segments, which the main thread makes, up to a bound: nothing is
 * ever removed, and what comes when it is full is stored without looking whether it is stored already.
 */

/** Where a content is: in a frame of this run, or by the line of the parent that names it. */
export type ContentPlace =
  | { readonly kind: 'frame'; readonly frame: number; readonly skip: number }
  /** A content of its own frames, the first of which this is: see `largePieces`. */
  | { readonly kind: 'frames'; readonly frame: number }
  /** By where the digits of its SHA-256 begin in the page. */
  | { readonly kind: 'parent'; readonly page: number; readonly sha256: number };

const KIND = { frame: 0, frames: 1, parent: 2 } as const;

/** SHA-256, kind, and two numbers. */
const RECORD_WORDS = 8 + 3;
const SEGMENT_RECORDS = 1 << 15;
const SLOTS = SEGMENT_RECORDS * 2;
const HEADER_WORDS = 1;

export const newSegment = (): SharedArrayBuffer =>
  new SharedArrayBuffer(4 * (HEADER_WORDS + SLOTS + SEGMENT_RECORDS * RECORD_WORDS));

export class ContentTable {
  readonly #segments: Int32Array[] = [];

  add(segment: SharedArrayBuffer): void {
    this.#segments.push(new Int32Array(segment));
  }

  get segments(): number {
    return this.#segments.length;
  }

  find(digest: Int32Array): ContentPlace | undefined {
    for (const segment of this.#segments) {
      const found = lookUp(segment, digest);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * Says where a content is. When another thread has said so first, its place is the one that counts.
   *
   * @returns the place that counts, or `full`: the caller gets another segment and tries again
   */
  claim(digest: Int32Array, place: ContentPlace): ContentPlace | 'full' {
    const last = this.#segments.at(-1);
    return last ? insert(last, digest, place) : 'full';
  }
}

const slotOf = (digest: Int32Array) => HEADER_WORDS + (digest[0]! & (SLOTS - 1));
const nextSlot = (slot: number) => (slot === HEADER_WORDS + SLOTS - 1 ? HEADER_WORDS : slot + 1);
const recordAt = (index: number) => HEADER_WORDS + SLOTS + index * RECORD_WORDS;

function equals(segment: Int32Array, record: number, digest: Int32Array): boolean {
  for (let word = 0; word < 8; word += 1) if (segment[record + word] !== digest[word]) return false;
  return true;
}

function placeAt(segment: Int32Array, record: number): ContentPlace {
  const kind = segment[record + 8];
  const [first, second] = [segment[record + 9]! >>> 0, segment[record + 10]! >>> 0];
  if (kind === KIND.frame) return { kind: 'frame', frame: first, skip: second };
  return kind === KIND.frames ? { kind: 'frames', frame: first } : { kind: 'parent', page: first, sha256: second };
}

function lookUp(segment: Int32Array, digest: Int32Array): ContentPlace | undefined {
  for (let slot = slotOf(digest); ; slot = nextSlot(slot)) {
    const index = Atomics.load(segment, slot);
    if (index === 0) return undefined;
    if (equals(segment, recordAt(index - 1), digest)) return placeAt(segment, recordAt(index - 1));
  }
}

function insert(segment: Int32Array, digest: Int32Array, place: ContentPlace): ContentPlace | 'full' {
  const index = Atomics.add(segment, 0, 1);
  if (index >= SEGMENT_RECORDS) {
    Atomics.store(segment, 0, SEGMENT_RECORDS);
    return 'full';
  }
  // The record is whole before a slot points to it.
  const record = recordAt(index);
  segment.set(digest, record);
  segment[record + 8] = KIND[place.kind];
  segment[record + 9] = place.kind === 'parent' ? place.page : place.frame;
  segment[record + 10] = place.kind === 'parent' ? place.sha256 : place.kind === 'frame' ? place.skip : 0;
  for (let slot = slotOf(digest); ; slot = nextSlot(slot)) {
    const before = Atomics.compareExchange(segment, slot, 0, index + 1);
    if (before === 0) return place;
    if (equals(segment, recordAt(before - 1), digest)) return placeAt(segment, recordAt(before - 1));
  }
}
