/** What a visit gives for a part of the tree, in the order of the manifest. */
import { countOne, NOTHING, type Counts } from '../counts';
import type { VolumeStat } from '../volume';

export type Item = LinesItem | SpanItem | HoleItem | LinkedItem;

/** New lines; where a piece is, is said by {@link pieceInFrame} until its pack is finished. */
export interface LinesItem {
  readonly kind: 'lines';
  text: string;
  readonly counts: Counts;
}

/** Lines of one page of the parent that hold as they are. */
export interface SpanItem {
  readonly kind: 'span';
  readonly page: number;
  readonly start: number;
  end: number;
  readonly counts: Counts;
}

/** Something that is still to be visited: what is in a directory, or the rest of it. */
export interface HoleItem {
  readonly kind: 'hole';
  readonly path: string;
  /** Sorted names of the directory that are to be visited, parted by slashes; all when absent. */
  readonly names?: string;
}

/** A file with more names than one: which of them carries the content is known only in the order of the manifest. */
export interface LinkedItem {
  readonly kind: 'linked';
  readonly path: string;
  readonly stat: VolumeStat;
  /** Its line in the parent, if there is one; the text of a hard link's. */
  readonly line?: {
    readonly page: number;
    readonly start: number;
    readonly end: number;
    readonly unchanged: boolean;
    readonly text: string;
  };
}

export class ItemList {
  readonly items: Item[] = [];

  addLine(text: string, type: 'file' | 'directory' | 'symlink' | 'hardlink', size = 0): void {
    let last = this.items.at(-1);
    if (last?.kind !== 'lines') this.items.push((last = { kind: 'lines', text: '', counts: { ...NOTHING } }));
    last.text += text;
    countOne(last.counts, type, size);
  }

  addSpan(
    page: number,
    start: number,
    end: number,
    type: 'file' | 'directory' | 'symlink' | 'hardlink',
    size = 0,
  ): void {
    let last = this.items.at(-1);
    if (last?.kind !== 'span' || last.page !== page || last.end !== start) {
      this.items.push((last = { kind: 'span', page, start, end, counts: { ...NOTHING } }));
    }
    last.end = end;
    countOne(last.counts, type, size);
  }

  add(item: HoleItem | LinkedItem): void {
    this.items.push(item);
  }
}

/** A piece of a frame that is not in a pack yet. No path can look like it: the quotes in it would be escaped. */
export const pieceInFrame = (frame: number, skip: number, size: number) =>
  `{"frame":${frame},"skip":${skip},"size":${size}}`;

/** Puts in where the frames came to be. */
export const resolvePieces = (
  text: string,
  placeOf: (frame: number) => { readonly pack: string; readonly offset: number; readonly length: number },
): string =>
  text.replace(/"frame":(\d+)/g, (_, frame: string) => {
    const { pack, offset, length } = placeOf(Number(frame));
    return `"pack":"${pack}","offset":${offset},"length":${length}`;
  });
