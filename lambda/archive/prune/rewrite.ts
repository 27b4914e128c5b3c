/** Writes what is still needed of half-empty packs into new ones, and the points that need it with the new places. */
import { createHash } from 'node:crypto';
import { suspicionOf } from '../anomaly/trust';
import { type Authenticator, signManifest } from '../authenticity';
import { SoloCrew } from '../crew/crew';
import type { Job, Session } from '../crew/effect';
import type { FileEntry, Piece } from '../entry';
import { ArchiveDamagedError } from '../errors';
import { type Chunk, FrameWriter, fitsInFrame, largePieces } from '../export/frame-writer';
import { PackBuilder } from '../export/pack-builder';
import {
  encodeManifest,
  headerLine,
  manifestName,
  type ManifestHeader,
  packKey,
  type PackReference,
  pageKey,
} from '../manifest';
import type { ObjectStore } from '../object-store';
import { encodePage } from '../page';
import { type Point, readPage } from '../points';
import { checkStored } from '../put-checked';
import { cut, decodeOf, fetchRange, planRanges, wrongContent } from '../ranges';
import { filesOf, type KeptPoint } from './usage';

/** A longer content is not moved: it fills its packs by itself. */
const MAX_CONTENT_BYTES = 64 * 1024 * 1024;

export interface RewrittenPoint {
  /** Key of the manifest that is to go. */
  readonly before: string;
  readonly after: KeptPoint;
}

type CompletePoint = KeptPoint & Pick<Point, 'signature'>;

/**
 * @param empty SHA-256 of the packs that are to be left
 * @param authenticator signs what was signed, and nothing else: no point becomes authentic by this
 */
export async function rewritePoints(
  store: ObjectStore,
  points: readonly CompletePoint[],
  empty: ReadonlySet<string>,
  authenticator: Authenticator | undefined,
): Promise<RewrittenPoint[]> {
  const moved = new Mover(store);
  for await (const entry of filesOf(store, points)) {
    if (entry.size <= MAX_CONTENT_BYTES && entry.pieces.some(({ pack }) => empty.has(pack))) await moved.add(entry);
  }
  const places = await moved.finish();
  const rewritten: RewrittenPoint[] = [];
  const pages = new Map<string, ReturnType<typeof encodePage>>();
  for (const point of points) {
    const signer = point.signature === 'right' ? authenticator : undefined;
    const after = await rewritePoint(store, point, empty, places, moved.packs, pages, signer);
    if (after) rewritten.push({ before: point.manifestKey, after });
  }
  return rewritten;
}

type Places = ReadonlyMap<string, readonly Piece[]>;

class Mover {
  readonly #builder: PackBuilder;
  readonly #crew: SoloCrew;
  readonly #placed = new Map<string, { readonly frames: readonly PlacedPiece[] }>();

  constructor(private readonly store: ObjectStore) {
    this.#builder = new PackBuilder(store);
    this.#crew = new SoloCrew(new MoveSession());
  }

  get packs(): ReadonlyMap<string, PackReference> {
    return this.#builder.packs;
  }

  async add(entry: FileEntry): Promise<void> {
    if (this.#placed.has(entry.sha256)) return;
    const content = await this.#contentOf(entry);
    const frames = await this.#crew.run<readonly PlacedPiece[]>({ entry, content } satisfies MoveTask, this.#answer);
    this.#placed.set(entry.sha256, { frames });
  }

  async finish(): Promise<Places> {
    await this.#crew.run({ entry: undefined }, this.#answer);
    await this.#builder.finish();
    const packs = Array.from(this.packs, ([sha256, { key, bytes }]) => ({ key, bytes, sha256 }));
    await checkStored(this.store, packs, ['packs/'], 0);
    return new Map(
      Array.from(this.#placed, ([sha256, { frames }]) => [
        sha256,
        frames.map(({ frame, skip, size }): Piece => ({ ...this.#builder.placeOf(frame)!, skip, size })),
      ]),
    );
  }

  readonly #answer = async ({ with: chunk }: { readonly with?: unknown }) => {
    await this.#builder.add(chunk as Chunk);
    return { value: undefined };
  };

  /** Compared with its SHA-256: damage must not be carried on under a new name. */
  async #contentOf({ pieces, sha256, path }: FileEntry): Promise<Buffer> {
    const { store } = this;
    const parts: Buffer[] = [];
    for (const piece of pieces) {
      const [range] = planRanges([piece]);
      parts.push(Buffer.from(cut(store.prefix, piece, decodeOf(store.prefix, piece, await fetchRange(store, range!)))));
    }
    const content = Buffer.concat(parts);
    if (createHash('sha256').update(content).digest('hex') !== sha256) throw wrongContent(store.prefix, pieces, path);
    return content;
  }
}

interface PlacedPiece {
  readonly frame: number;
  readonly skip: number;
  readonly size: number;
}

interface MoveTask {
  /** Absent: what is in a frame that is not full is sent as well. */
  readonly entry: FileEntry | undefined;
  readonly content?: Buffer;
}

class MoveSession implements Session {
  readonly #frames = new FrameWriter({ counter: new Int32Array(new SharedArrayBuffer(4)) });

  *run({ entry, content }: MoveTask): Job<readonly PlacedPiece[]> {
    if (!entry || !content) {
      yield* this.#frames.endFrame();
      return [];
    }
    const member = { ...entry, mtimeNs: BigInt(entry.mtimeNs) };
    if (fitsInFrame(member)) {
      const room = yield* this.#frames.roomFor(member);
      content.copy(room);
      const place = this.#frames.place;
      this.#frames.keep(entry.size, entry.size);
      return [{ ...place, size: entry.size }];
    }
    const { first } = yield* this.#frames.large(member, (buffer, position) => content.copy(buffer, 0, position));
    return largePieces(first, entry.size).map(([frame, size]) => ({ frame, skip: 0, size }));
  }
}

const NEWLINE = 10;

async function rewritePoint(
  store: ObjectStore,
  { manifestKey, header: written }: KeptPoint,
  empty: ReadonlySet<string>,
  places: Places,
  moved: ReadonlyMap<string, PackReference>,
  done: Map<string, ReturnType<typeof encodePage>>,
  authenticator: Authenticator | undefined,
): Promise<KeptPoint | undefined> {
  const header = await settled(store, manifestKey, written);
  const emptyIndexes = new Set(header.packs.flatMap(({ key }, index) => (empty.has(shaOf(key)) ? [index] : [])));
  if (!header.pages.some(({ packs }) => packs.some((index) => emptyIndexes.has(index)))) return undefined;
  const packs: PackReference[] = [];
  const indexes = new Map<string, number>();
  const known = new Map([...header.packs, ...moved.values()].map((pack) => [pack.key, pack]));
  const indexOf = (key: string) => {
    const index = indexes.get(key) ?? packs.push(known.get(key)!) - 1;
    indexes.set(key, index);
    return index;
  };
  const pages: ManifestHeader['pages'][number][] = [];
  for (const page of header.pages) {
    if (!page.packs.some((index) => emptyIndexes.has(index))) {
      pages.push({ ...page, packs: page.packs.map((index) => indexOf(header.packs[index]!.key)) });
      continue;
    }
    let encoded = done.get(page.key);
    if (!encoded) {
      encoded = encodePage(movedLines(await readPage(store, page), empty, places));
      await store.put(pageKey(encoded.sha256), Buffer.from(encoded.bytes), encoded.sha256, { renew: true });
      done.set(page.key, encoded);
    }
    const { bytes, sha256, packs: needed } = encoded;
    const indexed = needed.map((pack) => indexOf(packKey(pack)));
    pages.push({ ...page, key: pageKey(sha256), bytes: bytes.length, packs: indexed });
  }
  const after: ManifestHeader = { ...header, packs, pages };
  const line = headerLine(after);
  const headerSha256 = createHash('sha256').update(line).digest('hex');
  const mac = authenticator && (await signManifest(store.prefix, headerSha256, authenticator));
  const body = encodeManifest(line, mac);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const key = manifestName(new Date(header.startedAt), sha256);
  await store.put(key, body, sha256);
  const head = await store.head(key);
  if (head?.bytes !== body.length) {
    throw new ArchiveDamagedError(store.prefix + key, 'the manifest is not in the archive as it was written');
  }
  return { manifestKey: store.prefix + key, header: after };
}

/** That a person trusts a point is said by the name of its manifest, which is another one soon. */
async function settled(store: ObjectStore, manifestKey: string, header: ManifestHeader): Promise<ManifestHeader> {
  if (!header.suspicious || (await suspicionOf(store, manifestKey, header)) !== undefined) return header;
  const { suspicious, ...trusted } = header;
  return suspicious && trusted;
}

function movedLines(lines: Buffer, empty: ReadonlySet<string>, places: Places): Buffer {
  const out: Buffer[] = [];
  for (let at = 0; at < lines.length;) {
    const next = lines.indexOf(NEWLINE, at) + 1;
    const line = lines.subarray(at, next);
    at = next;
    const entry = JSON.parse(line.toString('utf8')) as FileEntry;
    const pieces = entry.pieces?.some(({ pack }) => empty.has(pack)) ? places.get(entry.sha256) : undefined;
    out.push(pieces ? Buffer.from(`${JSON.stringify({ ...entry, pieces })}\n`) : line);
  }
  return Buffer.concat(out);
}

const shaOf = (key: string) => key.slice('packs/'.length, -'.tar.zst'.length);
