import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import { encodeFrame } from './frame';
import { PACK_PREFIX, type PackReference } from './manifest';
import type { ObjectStore } from './object-store';
import { TAR_END, tarHeader, tarPadding, type TarMember } from './tar';

/** A frame's content, so what a restore of one small file has to fetch and decode at most (before compression). */
export const FRAME_BYTES = 1024 * 1024;
/** Content of a pack, so what is held in memory for it at most; a longer file is spread over several. */
export const PACK_BYTES = 64 * 1024 * 1024;
/** Packs that are being put while the next one is filled. */
const PUTS_IN_FLIGHT = 2;

/** Where a part of a file went. Known in full when the pack is finished. */
export interface DraftPiece {
  readonly frame: DraftFrame;
  readonly skip: number;
  readonly size: number;
}

interface DraftFrame {
  readonly pack: DraftPack;
  offset: number;
  length: number;
}

interface DraftPack {
  reference: PackReference | undefined;
}

/** Content of exactly the announced size, in chunks. */
export type Content = Iterable<Buffer> | AsyncIterable<Buffer>;

/** Packs content and puts the packs. Any number of callers may add at once; members follow each other in the packs. */
export class PackWriter {
  readonly packs: PackReference[] = [];
  /** Bytes that were put and were not there before. */
  bytesStored = 0;

  readonly #turn = pLimit(1);
  readonly #put = pLimit(PUTS_IN_FLIGHT);
  readonly #puts = new Set<Promise<void>>();
  #failure: unknown;
  #pack: DraftPack = { reference: undefined };
  #frames: Buffer[] = [];
  #packLength = 0;
  #packContent = 0;
  #frame: DraftFrame = { pack: this.#pack, offset: 0, length: 0 };
  #raw: Buffer[] = [];
  #rawLength = 0;

  constructor(
    private readonly store: ObjectStore,
    private readonly limits = { frameBytes: FRAME_BYTES, packBytes: PACK_BYTES },
  ) {}

  add(member: TarMember, content: Content): Promise<readonly DraftPiece[]> {
    return this.#turn(() => this.#add(member, content));
  }

  /** Ends the last pack and waits for every put. */
  finish(): Promise<void> {
    return this.#turn(async () => {
      await this.#endPack();
      await Promise.all(this.#puts);
      this.#throwFailure();
    });
  }

  /** After a failure: waits until nothing is under way any more. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#puts);
  }

  async #add(member: TarMember, content: Content): Promise<readonly DraftPiece[]> {
    this.#throwFailure();
    const { packBytes } = this.limits;
    const parts = Math.ceil(member.size / packBytes);
    const partSize = (index: number) => Math.min(packBytes, member.size - index * packBytes);
    const pieces: DraftPiece[] = [];
    let part = 0;
    let left = 0;
    for await (let chunk of content) {
      while (chunk.length > 0) {
        if (left === 0) {
          left = partSize(part);
          await this.#beginMember(parts === 1 ? member : partOf(member, part, left), left);
        }
        const piece = chunk.subarray(0, left);
        pieces.push(...(await this.#appendContent(piece)));
        left -= piece.length;
        chunk = chunk.subarray(piece.length);
        if (left === 0) {
          await this.#append(Buffer.alloc(tarPadding(partSize(part))));
          part += 1;
        }
      }
    }
    if (left > 0 || part !== parts) throw new Error(`${member.path}: content is shorter than ${member.size} bytes`);
    return mergeNeighbours(pieces);
  }

  async #beginMember(member: TarMember, size: number): Promise<void> {
    const header = await tarHeader(member);
    const total = header.length + size + tarPadding(size);
    if (this.#packContent > 0 && this.#packContent + size > this.limits.packBytes) await this.#endPack();
    // A file that fits into a frame is not torn over two.
    if (total <= this.limits.frameBytes && this.#rawLength + total > this.limits.frameBytes) await this.#endFrame();
    await this.#append(header);
    this.#packContent += size;
  }

  async #appendContent(content: Buffer): Promise<DraftPiece[]> {
    const pieces: DraftPiece[] = [];
    for (let rest = content; rest.length > 0;) {
      if (this.#rawLength >= this.limits.frameBytes) await this.#endFrame();
      const part = rest.subarray(0, this.limits.frameBytes - this.#rawLength);
      pieces.push({ frame: this.#frame, skip: this.#rawLength, size: part.length });
      this.#raw.push(Buffer.from(part));
      this.#rawLength += part.length;
      rest = rest.subarray(part.length);
    }
    return pieces;
  }

  async #append(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    this.#raw.push(bytes);
    this.#rawLength += bytes.length;
  }

  async #endFrame(): Promise<void> {
    if (this.#rawLength === 0) return;
    const encoded = await encodeFrame(Buffer.concat(this.#raw));
    this.#frame.offset = this.#packLength;
    this.#frame.length = encoded.length;
    this.#frames.push(encoded);
    this.#packLength += encoded.length;
    this.#raw = [];
    this.#rawLength = 0;
    this.#frame = { pack: this.#pack, offset: 0, length: 0 };
  }

  async #endPack(): Promise<void> {
    await this.#endFrame();
    if (this.#frames.length === 0) return;
    const body = Buffer.concat([...this.#frames, await encodeFrame(TAR_END)]);
    const sha256 = createHash('sha256').update(body).digest('hex');
    const reference = { key: `${PACK_PREFIX}${sha256}.tar.zst`, bytes: body.length };
    this.#pack.reference = reference;
    this.packs.push(reference);
    this.#pack = { reference: undefined };
    this.#frame = { pack: this.#pack, offset: 0, length: 0 };
    this.#frames = [];
    this.#packLength = 0;
    this.#packContent = 0;
    while (this.#puts.size >= PUTS_IN_FLIGHT) await Promise.race(this.#puts);
    const put = this.#put(async () => {
      if ((await this.store.put(reference.key, body, sha256)) === 'created') this.bytesStored += body.length;
    })
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#puts.delete(put));
    this.#puts.add(put);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

const partOf = (member: TarMember, index: number, size: number): TarMember => ({
  ...member,
  path: `${member.path}.part-${String(index + 1).padStart(5, '0')}`,
  size,
});

/** Chunks of one read that went into the same frame behind each other are one piece. */
function mergeNeighbours(pieces: readonly DraftPiece[]): DraftPiece[] {
  const merged: DraftPiece[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (last && last.frame === piece.frame && last.skip + last.size === piece.skip) {
      merged[merged.length - 1] = { ...last, size: last.size + piece.size };
    } else merged.push(piece);
  }
  return merged;
}
