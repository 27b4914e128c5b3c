/** The manifest: what one export found and where its content is. Written once, last; see docs/archive-format.md. */
import { createHash } from 'node:crypto';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { promisify } from 'node:util';
import { displayPath, pathToBytes } from './byte-path';
import { ArchiveDamagedError, messageOf } from './errors';

export const FORMAT = 'wso2is-recovery-archive';
export const FORMAT_VERSION = 1;
export const MANIFEST_PREFIX = 'manifests/';
export const PACK_PREFIX = 'packs/';

/** A manifest that decodes to more is refused: about three million files. */
const MAX_MANIFEST_BYTES = 2_000_000_000;

export interface Manifest {
  readonly header: ManifestHeader;
  /** Sorted by the bytes of their paths. */
  readonly entries: readonly ManifestEntry[];
}

export interface ManifestHeader {
  readonly format: typeof FORMAT;
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly volume: string;
  /** Relative to `<IS_HOME>`; empty for `<IS_HOME>` itself. */
  readonly mountedAt: string;
  /** ISO 8601; every content is as of some moment between the two. */
  readonly startedAt: string;
  readonly endedAt: string;
  /** Start of the newest export, this one or an ancestor, that read every file. */
  readonly fullReadAt: string;
  /** Name of the manifest that unchanged files were taken from. */
  readonly parent?: string;
  readonly counts: Counts;
  readonly packs: readonly PackReference[];
  /** The top directory of the volume. */
  readonly root: Ownership;
  readonly excluded: readonly Remark[];
  readonly problems: readonly Remark[];
  readonly warnings: readonly Remark[];
}

export interface Counts {
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly hardlinks: number;
  /** Sum of the sizes of the files. */
  readonly bytes: number;
}

export interface PackReference {
  /** `packs/<SHA-256 of the object>.tar.zst`, relative to the archive's prefix. */
  readonly key: string;
  readonly bytes: number;
}

export interface Remark {
  readonly path: string;
  readonly reason: string;
}

export interface Ownership {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970, decimal. */
  readonly mtimeNs: string;
}

export type ManifestEntry = FileEntry | DirectoryEntry | LinkEntry;

interface EntryBase extends Ownership {
  /** Relative to the volume; bytes that are not UTF-8 as lone surrogates (see byte-path.ts). */
  readonly path: string;
}

export interface FileEntry extends EntryBase {
  readonly type: 'file';
  readonly size: number;
  readonly sha256: string;
  readonly ctimeNs: string;
  readonly ino: string;
  /** In order; empty for an empty file. */
  readonly pieces: readonly Piece[];
  /** It changed during every attempt to read it: the content is what the last attempt read. */
  readonly unstable?: true;
}

export interface DirectoryEntry extends EntryBase {
  readonly type: 'directory';
}

/** `target` of a symlink is its text; of a hard link, the path of a file entry of this manifest. */
export interface LinkEntry extends EntryBase {
  readonly type: 'symlink' | 'hardlink';
  readonly target: string;
}

/** A part of a file's content: `size` bytes after the first `skip` bytes of one decoded frame. */
export interface Piece {
  /** Index in the header's `packs`. */
  readonly pack: number;
  /** The frame in the pack. */
  readonly offset: number;
  readonly length: number;
  readonly skip: number;
  readonly size: number;
}

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

export function countEntries(entries: readonly ManifestEntry[]): Counts {
  const counts = { files: 0, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 };
  for (const entry of entries) {
    if (entry.type === 'file') {
      counts.files += 1;
      counts.bytes += entry.size;
    } else if (entry.type === 'directory') counts.directories += 1;
    else if (entry.type === 'symlink') counts.symlinks += 1;
    else counts.hardlinks += 1;
  }
  return counts;
}

/**
 * `manifests/<start, to the millisecond>-<SHA-256 of the object>.jsonl.zst`: sorts by time, is unique without any
 * agreement between exports, and shows every change of the object.
 */
export const manifestName = (started: Date, sha256: string) =>
  `${MANIFEST_PREFIX}${started.toISOString().replaceAll(/[-:]/g, '')}-${sha256}.jsonl.zst`;

/** One zstd frame of JSON lines: the header, the entries, and a last line with the SHA-256 of all lines before it. */
export async function encodeManifest({ header, entries }: Manifest): Promise<Buffer> {
  const lines = [header, ...entries].map((line) => Buffer.from(`${JSON.stringify(line)}\n`));
  const body = Buffer.concat(lines);
  const end = { end: { entries: entries.length, sha256: createHash('sha256').update(body).digest('hex') } };
  return compress(Buffer.concat([body, Buffer.from(`${JSON.stringify(end)}\n`)]), {
    params: { [constants.ZSTD_c_checksumFlag]: 1 },
  });
}

/**
 * @param key ends with the name that {@link manifestName} gave it
 * @throws ArchiveDamagedError when it is not exactly what {@link encodeManifest} wrote, or would make a restore write
 *   outside of its target
 */
export async function decodeManifest(key: string, object: Buffer): Promise<Manifest> {
  const damaged = (problem: string, cause?: unknown) => new ArchiveDamagedError(key, problem, { cause });
  const sha256 = createHash('sha256').update(object).digest('hex');
  if (!key.endsWith(`-${sha256}.jsonl.zst`)) {
    throw damaged('the manifest is cut short or was changed: its SHA-256 is another than its name says');
  }
  let text: Buffer;
  try {
    text = await decompress(object, { maxOutputLength: MAX_MANIFEST_BYTES });
  } catch (error) {
    throw damaged(`the manifest cannot be decompressed (${messageOf(error)})`, error);
  }
  const lastLine = text.lastIndexOf(10, -2) + 1;
  if (lastLine === 0 || text.at(-1) !== 10) throw damaged('the manifest is cut short: its last line is missing');
  const end = parseLine(text.subarray(lastLine), damaged)['end'];
  if (!isRecord(end)) throw damaged('the manifest is cut short: its last line is missing');
  if (end['sha256'] !== createHash('sha256').update(text.subarray(0, lastLine)).digest('hex')) {
    throw damaged('the manifest was changed: its SHA-256 is another than its last line says');
  }
  const lines: Record<string, unknown>[] = [];
  for (let at = 0; at < lastLine;) {
    const next = text.indexOf(10, at) + 1;
    lines.push(parseLine(text.subarray(at, next), damaged));
    at = next;
  }
  const [first, ...rest] = lines;
  const header = checkHeader(first!, damaged);
  const entries = checkEntries(rest, header, damaged);
  if (end['entries'] !== entries.length) {
    throw damaged(`the manifest has ${entries.length} entries, its last line says ${String(end['entries'])}`);
  }
  const counts = countEntries(entries);
  for (const name of ['files', 'directories', 'symlinks', 'hardlinks', 'bytes'] as const) {
    if (counts[name] !== header.counts[name]) {
      throw damaged(`the manifest's header counts ${header.counts[name]} ${name}, its entries are ${counts[name]}`);
    }
  }
  return { header, entries };
}

type Damaged = (problem: string, cause?: unknown) => ArchiveDamagedError;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): value is string => typeof value === 'string';
const isSha256 = (value: unknown): value is string => isText(value) && /^[0-9a-f]{64}$/.test(value);
const isNs = (value: unknown): value is string => isText(value) && /^-?\d{1,20}$/.test(value);
const isTime = (value: unknown): value is string => isText(value) && !Number.isNaN(Date.parse(value));
const isOwnership = (value: Record<string, unknown>) =>
  isCount(value['mode']) &&
  value['mode'] <= 0o7777 &&
  isCount(value['uid']) &&
  isCount(value['gid']) &&
  isNs(value['mtimeNs']);
const isRemarks = (value: unknown) =>
  Array.isArray(value) && value.every((item) => isRecord(item) && isText(item['path']) && isText(item['reason']));

function parseLine(line: Buffer, damaged: Damaged): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    if (isRecord(value)) return value;
  } catch {
    // Said below.
  }
  throw damaged(`a line of the manifest is not a JSON object: ${line.toString('utf8', 0, 60).trim()}`);
}

function checkHeader(value: Record<string, unknown>, damaged: Damaged): ManifestHeader {
  if (value['format'] !== FORMAT) throw damaged('this is not a manifest of an artifact archive');
  if (value['formatVersion'] !== FORMAT_VERSION) {
    throw damaged(
      `\`formatVersion\` must be ${FORMAT_VERSION}, got ${String(value['formatVersion'])}: use the version of this tool that wrote it`,
    );
  }
  const counts = value['counts'];
  const ok =
    isText(value['volume']) &&
    isText(value['mountedAt']) &&
    isTime(value['startedAt']) &&
    isTime(value['endedAt']) &&
    isTime(value['fullReadAt']) &&
    (value['parent'] === undefined || isText(value['parent'])) &&
    isRecord(counts) &&
    ['files', 'directories', 'symlinks', 'hardlinks', 'bytes'].every((name) => isCount(counts[name])) &&
    Array.isArray(value['packs']) &&
    value['packs'].every(
      (pack) =>
        isRecord(pack) &&
        isText(pack['key']) &&
        /^packs\/[0-9a-f]{64}\.tar\.zst$/.test(pack['key']) &&
        isCount(pack['bytes']),
    ) &&
    isRecord(value['root']) &&
    isOwnership(value['root']) &&
    ['excluded', 'problems', 'warnings'].every((name) => isRemarks(value[name]));
  if (!ok) throw damaged("the manifest's header has a field that is missing or of the wrong type");
  return value as unknown as ManifestHeader;
}

function checkEntries(lines: readonly Record<string, unknown>[], header: ManifestHeader, damaged: Damaged) {
  const directories = new Set<string>();
  const files = new Set<string>();
  const entries: ManifestEntry[] = [];
  let previous: Buffer = Buffer.alloc(0);
  for (const line of lines) {
    const path = line['path'];
    if (!isText(path) || !isSafePath(path)) throw damaged(`an entry has the path ${JSON.stringify(path)}`);
    const shown = displayPath(path);
    const bytes = pathToBytes(path);
    if (Buffer.compare(previous, bytes) >= 0) throw damaged(`the entry ${shown} is there twice or not in order`);
    previous = bytes;
    const slash = path.lastIndexOf('/');
    // Also what keeps a restore from writing through a link: whatever holds an entry is a directory entry itself.
    if (slash >= 0 && !directories.has(path.slice(0, slash)))
      throw damaged(`${shown} is in no directory of the manifest`);
    if (!isOwnership(line) || !isEntryOfItsType(line, header)) {
      throw damaged(`the entry ${shown} has a field that is missing or of the wrong type`);
    }
    if (line['type'] === 'directory') directories.add(path);
    if (line['type'] === 'file') files.add(path);
    entries.push(line as unknown as ManifestEntry);
  }
  for (const entry of entries) {
    if (entry.type === 'hardlink' && !files.has(entry.target)) {
      throw damaged(
        `the hard link ${displayPath(entry.path)} is to ${displayPath(entry.target)}, which is no file of it`,
      );
    }
  }
  return entries;
}

const isSafePath = (path: string) =>
  !path.includes('\0') && path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');

function isEntryOfItsType(line: Record<string, unknown>, header: ManifestHeader): boolean {
  switch (line['type']) {
    case 'directory':
      return true;
    case 'symlink':
    case 'hardlink':
      return isText(line['target']) && line['target'] !== '' && !line['target'].includes('\0');
    case 'file':
      return (
        isCount(line['size']) &&
        isSha256(line['sha256']) &&
        isNs(line['ctimeNs']) &&
        isText(line['ino']) &&
        Array.isArray(line['pieces']) &&
        line['pieces'].every((piece) => isPiece(piece, header)) &&
        (line['pieces'] as Piece[]).reduce((sum, { size }) => sum + size, 0) === line['size']
      );
    default:
      return false;
  }
}

function isPiece(piece: unknown, header: ManifestHeader): piece is Piece {
  if (!isRecord(piece)) return false;
  const { pack, offset, length, skip, size } = piece;
  return (
    isCount(pack) &&
    pack < header.packs.length &&
    isCount(offset) &&
    isCount(length) &&
    length > 0 &&
    offset + length <= header.packs[pack]!.bytes &&
    isCount(skip) &&
    isCount(size) &&
    size > 0
  );
}
