/** Puts lines, in order, into pages; a page of the parent that holds as it is stays what it is. On the main thread. */
import { addCounts, type Counts, countLines, NOTHING } from '../counts';
import { pageKey, type PageReference, sha256OfKey } from '../manifest';
import type { ManifestHeader } from '../manifest';
import type { ObjectStore } from '../object-store';
import { PAGE_BYTES, PAGE_LINES } from '../page';
import type { DifferingLines } from './differing-lines';
import { type FramePlace, type LinesItem, resolvePieces, type SpanItem } from './item';
import type { PackBuilder } from './pack-builder';
import type { EncodeResult, PagePart } from './session';

/** A page of the new manifest, with the packs that it needs by their SHA-256. */
export interface BuiltPage extends Omit<PageReference, 'packs'> {
  readonly packs: readonly string[];
}

type Part = LinesItem | SpanItem;

export class PageBuilder {
  readonly #pages: Promise<BuiltPage>[] = [];
  /** Of each page that is built, until it is known where its frames are. */
  readonly #placed: Promise<unknown>[] = [];
  #parts: Part[] = [];
  #counts: Counts = NOTHING;
  #length = 0;
  /** Bytes of pages that were put and were not there before. */
  bytesStored = 0;

  constructor(
    private readonly options: {
      readonly store: ObjectStore;
      readonly packs: PackBuilder;
      readonly parent: ManifestHeader | undefined;
      /** Length of each page of the parent once it is decoded, as far as it was read. */
      readonly parentLength: (page: number) => number | undefined;
      /** Told of what the export has in common with its parent, and what not. */
      readonly differing: DifferingLines;
      readonly encode: (parts: readonly PagePart[]) => Promise<EncodeResult>;
    },
  ) {}

  add(item: LinesItem | SpanItem): void {
    if (countLines(item.counts) === 0) return;
    if (item.kind === 'span') this.options.differing.take(item);
    // Where a page of the parent begins, one of ours may: it might come out the same.
    if (item.kind === 'span' && item.start === 0 && countLines(this.#counts) >= PAGE_LINES / 4) this.#close();
    const last = this.#parts.at(-1);
    if (item.kind === 'lines') {
      this.#parts.push(item);
      this.#length += item.lines.length;
    } else if (last?.kind === 'span' && last.page === item.page && last.end === item.start) {
      last.end = item.end;
    } else this.#parts.push({ ...item });
    this.#counts = addCounts(this.#counts, item.counts);
    // Where it ends, ours does: in its middle, only when much was put in.
    const most = this.#isWithinParentPage() ? PAGE_LINES * 3 : PAGE_LINES;
    if (countLines(this.#counts) >= most || this.#length >= PAGE_BYTES) this.#close();
  }

  /** When there is nothing to add any more, and before all of it is stored: what differs from the parent is told. */
  async untilToldDiffering(): Promise<void> {
    this.#close();
    await Promise.all(this.#placed);
  }

  #isWithinParentPage(): boolean {
    const span = this.#parts.findLast((part) => part.kind === 'span');
    return span !== undefined && span.end !== this.options.parentLength(span.page);
  }

  /** Every page so far, in order; those of which a pack is not finished are waited for. */
  finish(): Promise<readonly BuiltPage[]> {
    this.#close();
    return Promise.all(this.#pages);
  }

  #close(): void {
    const counts = this.#counts;
    const parts = this.#parts;
    if (countLines(counts) === 0) return;
    this.#parts = [];
    this.#counts = NOTHING;
    const newBytes = this.#length;
    this.#length = 0;
    const same = this.#same(parts, counts);
    if (same) {
      this.#pages.push(Promise.resolve(same));
      return;
    }
    const placed = this.#place(parts, this.options.differing.expect(newBytes));
    const page = placed.then((placedParts) => this.#build(placedParts, counts));
    // Not with what it resolves to, which is as much as the lines.
    const told = placed.then(() => {});
    // They are awaited at the end; until then their failure is nobody's.
    for (const promise of [told, page]) promise.catch(() => {});
    this.#placed.push(told);
    this.#pages.push(page);
  }

  /** The page of the parent that these lines are, whole. */
  #same(parts: readonly Part[], counts: Counts): BuiltPage | undefined {
    const { parent, parentLength } = this.options;
    const [only] = parts;
    if (!parent || parts.length !== 1 || only?.kind !== 'span') return undefined;
    if (only.start !== 0 || only.end !== parentLength(only.page)) return undefined;
    const page = parent.pages[only.page]!;
    return { ...page, counts, packs: page.packs.map((index) => sha256OfKey(parent.packs[index]!.key)) };
  }

  /** @param onNew told of the new lines, where somebody wants to know */
  async #place(parts: readonly Part[], onNew: ((lines: Uint8Array) => void) | undefined): Promise<readonly PagePart[]> {
    const places = await this.#placesOf(parts);
    if (onNew) {
      const added = parts.flatMap((part) => (part.kind === 'lines' ? [Buffer.from(part.lines)] : []));
      onNew(Buffer.from(resolvePieces(Buffer.concat(added).toString('utf8'), places)));
    }
    return parts.map((part): PagePart => {
      if (part.kind === 'span') return { page: part.page, start: part.start, end: part.end };
      return { lines: part.lines, places: part.frames.map((frame) => [frame, places.get(frame)!]) };
    });
  }

  async #build(parts: readonly PagePart[], counts: Counts): Promise<BuiltPage> {
    const { store, encode } = this.options;
    const { bytes, sha256, first, packs: needed } = await encode(parts);
    const key = pageKey(sha256);
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if ((await store.put(key, body, sha256, { renew: true })) === 'created') this.bytesStored += body.length;
    return { key, bytes: body.length, first, counts, packs: needed };
  }

  /** Where each frame is that these lines name: known when its pack is finished. */
  async #placesOf(parts: readonly Part[]): Promise<ReadonlyMap<number, FramePlace>> {
    const { packs } = this.options;
    const places = new Map<number, FramePlace>();
    for (const frame of parts.flatMap((part) => (part.kind === 'lines' ? part.frames : []))) {
      let place = packs.placeOf(frame);
      for (; !place; place = packs.placeOf(frame)) await packs.nextPack();
      places.set(frame, place);
    }
    return places;
  }
}
