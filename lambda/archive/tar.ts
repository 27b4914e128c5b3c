import { createTarPacker } from 'modern-tar';
import { displayPath } from './byte-path';

/** What a tar header says of a file; the manifest, not this, is what a restore goes by. */
export interface TarMember {
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
}

export const TAR_BLOCK = 512;
export const TAR_END = Buffer.alloc(2 * TAR_BLOCK);

/** What ustar's octal fields hold: 7 digits for owners, 11 for times. PAX carries what does not fit. */
const MAX_USTAR_OWNER = 0o7777777;
const MAX_USTAR_TIME = 0o77777777777n;

/** Number of zero bytes after content of this size. */
export const tarPadding = (size: number) => (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;

/** The header blocks of a regular file, the PAX ones before it included. */
export async function tarHeader(member: TarMember): Promise<Buffer> {
  const seconds = member.mtimeNs / 1_000_000_000n;
  const plainTime = member.mtimeNs >= 0n && seconds <= MAX_USTAR_TIME;
  const { readable, controller } = createTarPacker();
  // The header is in the stream as soon as the entry is added; the body is never written through modern-tar.
  const body = controller.add({
    name: displayPath(member.path),
    size: member.size,
    mode: member.mode & 0o7777,
    uid: Math.min(member.uid, MAX_USTAR_OWNER),
    gid: Math.min(member.gid, MAX_USTAR_OWNER),
    mtime: new Date(plainTime ? Number(seconds) * 1000 : 0),
    pax: {
      ...(!plainTime || member.mtimeNs % 1_000_000_000n !== 0n ? { mtime: decimalSeconds(member.mtimeNs) } : {}),
      ...(member.uid > MAX_USTAR_OWNER ? { uid: String(member.uid) } : {}),
      ...(member.gid > MAX_USTAR_OWNER ? { gid: String(member.gid) } : {}),
    },
  });
  const reader = readable.getReader();
  let blocks = Buffer.alloc(0);
  while (blocks.length < headerLength(blocks)) {
    const { value } = await reader.read();
    if (!value) throw new Error('modern-tar wrote no header');
    blocks = Buffer.concat([blocks, value]);
  }
  const gone = new Error('only the header was wanted');
  await Promise.allSettled([body.abort(gone), reader.cancel(gone)]);
  return blocks;
}

/** A PAX header (type `x`) says how long its records are; after them comes the header proper. */
function headerLength(blocks: Buffer): number {
  if (blocks.length < TAR_BLOCK || blocks[156] !== 'x'.charCodeAt(0)) return TAR_BLOCK;
  const records = Number.parseInt(blocks.toString('latin1', 124, 135), 8);
  return TAR_BLOCK + records + tarPadding(records) + TAR_BLOCK;
}

/** PAX wants `seconds.fraction`, with the sign in front also between -1 and 0. */
export function decimalSeconds(ns: bigint): string {
  const magnitude = ns < 0n ? -ns : ns;
  const fraction = String(magnitude % 1_000_000_000n).padStart(9, '0');
  return `${ns < 0n ? '-' : ''}${magnitude / 1_000_000_000n}.${fraction}`;
}
