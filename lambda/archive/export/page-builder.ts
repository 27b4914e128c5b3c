/** Puts lines, in order, into pages; a page of the parent that holds as it is stays what it is. On the main thread. */
import { addCounts, type Counts, countLines, NOTHING } from '../counts';
import { pageKey, type PageReference, sha256OfKey } from '../manifest';
import type { ManifestHeader } from '../manifest';
import type { ObjectStore } from '../object-store';
import { PAGE_BYTES, PAGE_LINES } from '../page';
import { putChecked } from '../put-checked';
import { type LinesItem, resolvePieces, type SpanItem } from './item';
import type { PackBuilder } from './pack-builder';
import type { EncodeResult, PagePart } from './session';

/** A page of the new manifest, with the packs that it needs by their SHA-256. */
export interface BuiltPage extends Omit<PageReference, 'packs'> {
  readonly packs: readonly string[];
}

type Part = { text: string } | SpanItem;

export class PageBuilder {
  readonly #pages: Promise<BuiltPage>[] = [];
  #parts: Part[] = [];
  #counts: Counts = NOTHING;
  #textLength = 0;
  /** Bytes of pages that were put and were not there before. */
  bytesStored = 0;

  constructor(
    private readonly options: {
      readonly store: ObjectStore;
      readonly packs: PackBuilder;
      readonly parent: ManifestHeader | undefined;
      /** Length of each page of the parent once it is decoded, as far as it was read. */
      readonly parentLength: (page: number) => number | undefined;
      readonly encode: (parts: readonly PagePart[]) => Promise<EncodeResult>;
    },
  ) {}

  add(item: LinesItem | SpanItem): void {
    // Where a page of the parent begins, one of ours may: it might come out the same.
    if (item.kind === 'span' && item.start === 0 && countLines(this.#counts) >= PAGE_LINES / 4) this.#close();
    const last = this.#parts.at(-1);
    if (item.kind === 'lines') {
      if (last && 'text' in last) last.text += item.text;
      else this.#parts.push({ text: item.text });
      this.#textLength += item.text.length;
    } else if (last && !('text' in last) && last.page === item.page && last.end === item.start) {
      last.end = item.end;
    } else this.#parts.push({ ...item });
    this.#counts = addCounts(this.#counts, item.counts);
    if (countLines(this.#counts) >= PAGE_LINES * 1.5 || this.#textLength >= PAGE_BYTES) this.#close();
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
    this.#textLength = 0;
    const page = this.#same(parts, counts) ?? this.#build(parts, counts);
    if (page instanceof Promise) page.catch(() => {});
    this.#pages.push(Promise.resolve(page));
  }

  /** The page of the parent that these lines are, whole. */
  #same(parts: readonly Part[], counts: Counts): BuiltPage | undefined {
    const { parent, parentLength } = this.options;
    const [only] = parts;
    if (!parent || parts.length !== 1 || !only || 'text' in only) return undefined;
    if (only.start !== 0 || only.end !== parentLength(only.page)) return undefined;
    const page = parent.pages[only.page]!;
    return { ...page, counts, packs: page.packs.map((index) => sha256OfKey(parent.packs[index]!.key)) };
  }

  async #build(parts: readonly Part[], counts: Counts): Promise<BuiltPage> {
    const { store, packs, encode } = this.options;
    await this.#placed(parts);
    const resolved = parts.map((part): PagePart =>
      'text' in part
        ? resolvePieces(part.text, (frame) => packs.placeOf(frame)!)
        : { page: part.page, start: part.start, end: part.end },
    );
    const { bytes, sha256, first, packs: needed } = await encode(resolved);
    const key = pageKey(sha256);
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (await putChecked(store, key, body, sha256)) this.bytesStored += body.length;
    return { key, bytes: body.length, first, counts, packs: needed };
  }

  /** Until every frame that these lines name is in a finished pack. */
  async #placed(parts: readonly Part[]): Promise<void> {
    const { packs } = this.options;
    for (const part of parts) {
      if (!('text' in part)) continue;
      for (const [, frame] of part.text.matchAll(/"frame":(\d+)/g)) {
        while (!packs.placeOf(Number(frame))) await packs.nextPack();
      }
    }
  }
}
