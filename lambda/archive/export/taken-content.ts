/**
 * What a line of the export before says of a file's content is taken over unread. Whoever can write to the archive can plant a
 * point there: so it is looked at as a reader of the new point will, and a file whose line is not sound is read anew.
 */
import { fits, fitsInPack } from '../check-entries';
import type { CommonLine } from '../common-line';
import type { Piece } from '../entry';
import { isCount, isRecord, isSha256 } from '../json-checks';
import { type ManifestHeader, sha256OfKey } from '../manifest';
import { isSha256At, sha256At } from '../piece-scan';

/** Of one page of the parent: the packs that its lines may name, and their sizes. */
export type PagePacks = readonly (readonly [sha256: string, bytes: number])[];

export const packsOfPages = ({ pages, packs }: Pick<ManifestHeader, 'pages' | 'packs'>): PagePacks[] =>
  pages.map((page) =>
    page.packs.map((index) => {
      const { key, bytes } = packs[index]!;
      return [sha256OfKey(key), bytes] as const;
    }),
  );

/** Of nearly all files, from behind the inode to the end of the line. */
const ONE_PIECE =
  /^,"sha256":"[0-9a-f]{64}","pieces":\[\{"pack":"([0-9a-f]{64})","offset":(0|[1-9]\d{0,14}),"length":(0|[1-9]\d{0,14}),"skip":(0|[1-9]\d{0,14}),"size":(0|[1-9]\d{0,14})\}\]\}\n$/;

export class TakenContent {
  readonly #pages: (ReadonlyMap<string, number> | undefined)[] = [];
  /** Neighbours are in one pack, mostly. */
  #last = { page: -1, pack: '', bytes: 0 };

  constructor(private readonly packsOf: readonly PagePacks[]) {}

  /** Pages with a higher number are of this export itself. */
  get pages(): number {
    return this.packsOf.length;
  }

  /** As {@link isSound}, of a file's line that was read where it stands. */
  isCommonSound(page: number, line: CommonLine): boolean {
    if (page !== this.#last.page || !isSha256At(line.lines, line.pack, this.#last.pack)) {
      const pack = sha256At(line.lines, line.pack);
      this.#last = { page, pack, bytes: this.#packsOf(page).get(pack) ?? 0 };
    }
    return line.pieceSize === line.size && fits(line.offset, line.length, line.skip, line.pieceSize, this.#last.bytes);
  }

  #packsOf(page: number): ReadonlyMap<string, number> {
    return (this.#pages[page] ??= new Map(this.packsOf[page]));
  }

  /**
   * @param text the line from behind the inode to its end
   * @param size of the file
   */
  isSound(page: number, text: string, size: number): boolean {
    const packs = this.#packsOf(page);
    const one = ONE_PIECE.exec(text);
    if (one) {
      const [, pack, offset, length, skip, part] = one as unknown as string[];
      const piece = { pack: pack!, offset: +offset!, length: +length!, skip: +skip!, size: +part! };
      return piece.size === size && fitsInPack(piece, packs.get(piece.pack));
    }
    const content = parsed(text);
    return (
      content !== undefined &&
      content.pieces.every((piece) => fitsInPack(piece, packs.get(piece.pack))) &&
      content.pieces.reduce((sum, piece) => sum + piece.size, 0) === size
    );
  }
}

/** What it says, when it is written exactly as an export writes it: no field twice, and none besides. */
function parsed(text: string): { readonly pieces: readonly Piece[] } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(`{${text.slice(1)}`);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || !isSha256(value['sha256']) || !Array.isArray(value['pieces'])) return undefined;
  const pieces = value['pieces'] as unknown[];
  if (!pieces.every(isPiece)) return undefined;
  const written = pieces
    .map((piece) => `{"pack":"${piece.pack}",${PIECE_NUMBERS.map((name) => `"${name}":${piece[name]}`).join()}}`)
    .join();
  const unstable = value['unstable'] === true ? ',"unstable":true' : '';
  return text === `,"sha256":"${value['sha256']}","pieces":[${written}]${unstable}}\n` ? { pieces } : undefined;
}

const PIECE_NUMBERS = ['offset', 'length', 'skip', 'size'] as const;

const isPiece = (value: unknown): value is Piece =>
  isRecord(value) && isSha256(value['pack']) && PIECE_NUMBERS.every((name) => isCount(value[name]));
