import { displayPath } from './byte-path';

/**
 * What a tar header says of a file; the manifest, not this, is what a restore goes by. Written here and not by a library:
 * those stream, and a header of 512 bytes for each of 100,000 files must cost microseconds.
 */
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

/** What ustar's octal fields hold: 7 digits for owners, 11 for sizes and times. PAX carries what does not fit. */
const MAX_OWNER = 0o7777777;
const MAX_NUMBER = 0o77777777777;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;

const REGULAR_FILE = 0x30;
const PAX_RECORDS = 0x78;

/** Number of zero bytes after content of this size. */
export const tarPadding = (size: number) => (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;

/** The header blocks of a regular file, the PAX ones before it included. Times are to the second: the manifest has more. */
export function tarHeader(member: TarMember): Buffer {
  const path = Buffer.from(displayPath(member.path), 'utf8');
  const seconds = floorSeconds(member.mtimeNs);
  const split = splitPath(path);
  const records: Buffer[] = [];
  if (!split) records.push(paxRecord('path', path));
  if (member.uid > MAX_OWNER) records.push(paxRecord('uid', String(member.uid)));
  if (member.gid > MAX_OWNER) records.push(paxRecord('gid', String(member.gid)));
  if (member.size > MAX_NUMBER) records.push(paxRecord('size', String(member.size)));
  if (seconds < 0 || seconds > MAX_NUMBER) records.push(paxRecord('mtime', String(seconds)));
  const fields = {
    name: split ? path.subarray(split.nameAt) : path.subarray(-NAME_BYTES),
    prefix: split ? path.subarray(0, Math.max(0, split.nameAt - 1)) : Buffer.alloc(0),
    mode: member.mode & 0o7777,
    uid: Math.min(member.uid, MAX_OWNER),
    gid: Math.min(member.gid, MAX_OWNER),
    size: Math.min(member.size, MAX_NUMBER),
    mtime: Math.min(Math.max(seconds, 0), MAX_NUMBER),
  };
  if (records.length === 0) return block(fields, REGULAR_FILE);
  const body = Buffer.concat(records);
  return Buffer.concat([
    block({ ...fields, name: Buffer.from('PaxHeader'), prefix: Buffer.alloc(0), size: body.length }, PAX_RECORDS),
    body,
    Buffer.alloc(tarPadding(body.length)),
    block(fields, REGULAR_FILE),
  ]);
}

const floorSeconds = (ns: bigint) => {
  const seconds = Number(ns / 1_000_000_000n);
  return ns < 0n && ns % 1_000_000_000n !== 0n ? seconds - 1 : seconds;
};

/** ustar keeps 100 bytes of the end and 155 of the beginning, parted at a slash. */
function splitPath(path: Buffer): { readonly nameAt: number } | undefined {
  if (path.length <= NAME_BYTES) return { nameAt: 0 };
  const slash = path.indexOf('/', path.length - NAME_BYTES - 1);
  return slash > 0 && slash <= PREFIX_BYTES && slash < path.length - 1 ? { nameAt: slash + 1 } : undefined;
}

interface Fields {
  readonly name: Buffer;
  readonly prefix: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
}

/** What all headers have in common; the checksum counts as spaces while it is made. */
const TEMPLATE = Buffer.alloc(TAR_BLOCK);
TEMPLATE.fill(' ', 148, 156);
TEMPLATE.write('ustar\0' + '00', 257, 'latin1');

function block(fields: Fields, type: number): Buffer {
  const header = Buffer.allocUnsafe(TAR_BLOCK);
  header.set(TEMPLATE);
  header.set(fields.name, 0);
  octal(header, 100, 7, fields.mode);
  octal(header, 108, 7, fields.uid);
  octal(header, 116, 7, fields.gid);
  octal(header, 124, 11, fields.size);
  octal(header, 136, 11, fields.mtime);
  header[156] = type;
  header.set(fields.prefix, 345);
  let sum = 0;
  for (let at = 0; at < TAR_BLOCK; at += 1) sum += header[at]!;
  octal(header, 148, 6, sum);
  header[154] = 0;
  return header;
}

const ZERO = 0x30;

function octal(header: Buffer, start: number, digits: number, value: number): void {
  let rest = value;
  for (let at = start + digits - 1; at >= start; at -= 1) {
    const eighth = Math.floor(rest / 8);
    header[at] = ZERO + (rest - eighth * 8);
    rest = eighth;
  }
}

/** `<length of the record, this number included> <key>=<value>\n` */
function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}
