/** The manifest: what one export found and where its content is. Written once, last; see docs/archive-format.md. */
import { createHash } from 'node:crypto';
import type { PointChanges } from './anomaly/judge';
import type { ManifestMac } from './authenticity';
import { comparePaths, displayPath } from './byte-path';
import { addCounts, type Counts, countLines, NOTHING } from './counts';
import type { Ownership } from './entry';
import { ArchiveDamagedError, messageOf } from './errors';
import type { Remark } from './export/remark';
import { decodeFrame, encodeFrame } from './frame';
import { type Damaged, isCount, isOwnership, isRecord, isRemarks, isText, isTime, parseLine } from './json-checks';

export type { Counts } from './counts';
export type { DirectoryEntry, FileEntry, LinkEntry, ManifestEntry, Ownership, Piece } from './entry';
export type { Remark } from './export/remark';

export const FORMAT = 'wso2is-recovery-archive';
export const FORMAT_VERSION = 1;
/** Each page and each pack of a point takes some sixty bytes of it. */
const LARGE_BYTES = 2000;

/** Whether a manifest of this size names many pages and packs, of tens of thousands of entries: before it is read. */
export const isLargeManifest = (bytes: number): boolean => bytes > LARGE_BYTES;

export const MANIFEST_PREFIX = 'manifests/';
export const PACK_PREFIX = 'packs/';
export const PAGE_PREFIX = 'pages/';

export const packKey = (sha256: string) => `${PACK_PREFIX}${sha256}.tar.zst`;
export const pageKey = (sha256: string) => `${PAGE_PREFIX}${sha256}.jsonl.zst`;
/** SHA-256 that a key of a pack or page names. */
export const sha256OfKey = (key: string) => key.slice(key.lastIndexOf('/') + 1).split('.')[0]!;

/** A manifest that decodes to more is refused: that is the header of some hundred million entries. */
export const MAX_MANIFEST_BYTES = 512 * 1024 * 1024;

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
  /** Since the newest point that is not suspicious; absent in the first, and in what was written before this was. */
  readonly changes?: PointChanges;
  /** Why this point is not to be restored before a person looked at it; absent: nothing is suspicious. */
  readonly suspicious?: readonly string[];
  /** Every pack that an entry needs. */
  readonly packs: readonly PackReference[];
  /** The entries, in order. */
  readonly pages: readonly PageReference[];
  /** The top directory of the volume. */
  readonly root: Ownership;
  readonly excluded: readonly Remark[];
  readonly problems: readonly Remark[];
  readonly warnings: readonly Remark[];
}

export interface PackReference {
  /** `packs/<SHA-256 of the object>.tar.zst`, relative to the archive's prefix. */
  readonly key: string;
  readonly bytes: number;
  /** Sum of the sizes of the contents in it, before compression: how much of it is still of use can be told by this. */
  readonly contentBytes: number;
  /**
   * CRC-32 of the object: with the SHA-256 of every content, which is compared as well, this finds damage to whatever else
   * is in it, at a tenth of the cost of its own SHA-256.
   */
  readonly crc32: number;
}

export interface PageReference {
  /** `pages/<SHA-256 of the object>.jsonl.zst`, relative to the archive's prefix. */
  readonly key: string;
  readonly bytes: number;
  /** Path of its first entry. */
  readonly first: string;
  readonly counts: Counts;
  /** Indexes, in the header's `packs`, of those that its entries need. */
  readonly packs: readonly number[];
}

/** A time as names have it: `20261124T100000.000Z`. */
export const stampOf = (time: Date) => time.toISOString().replaceAll(/[-:]/g, '');

/**
 * `manifests/<start, to the millisecond>-<SHA-256 of the object>.jsonl.zst`: sorts by time, is unique without any
 * agreement between exports, and shows every change of the object.
 */
export const manifestName = (started: Date, sha256: string) =>
  `${MANIFEST_PREFIX}${stampOf(started)}-${sha256}.jsonl.zst`;

/** The header as it is written and signed: a line of JSON. */
export const headerLine = (header: ManifestHeader): Buffer => Buffer.from(`${JSON.stringify(header)}\n`);

const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** One zstd frame of two JSON lines: the header, and the SHA-256 of the line before with who wrote it. */
export function encodeManifest(header: ManifestHeader | Buffer, mac?: ManifestMac): Buffer {
  const line = Buffer.isBuffer(header) ? header : headerLine(header);
  const end = { end: { sha256: sha256Of(line) }, ...(mac && { mac }) };
  return encodeFrame(Buffer.concat([line, Buffer.from(`${JSON.stringify(end)}\n`)]));
}

export interface SignedManifest {
  readonly header: ManifestHeader;
  /** Of the header's line: what is signed. */
  readonly headerSha256: string;
  /** Absent: nobody signed it. Not compared with anything here. */
  readonly mac?: ManifestMac;
}

/**
 * @param key ends with the name that {@link manifestName} gave it
 * @throws ArchiveDamagedError when it is not exactly what {@link encodeManifest} wrote
 */
export function decodeManifest(key: string, object: Buffer): SignedManifest {
  const damaged = (problem: string, cause?: unknown) => new ArchiveDamagedError(key, problem, { cause });
  const sha256 = sha256Of(object);
  if (!key.endsWith(`-${sha256}.jsonl.zst`)) {
    throw damaged('the manifest is cut short or was changed: its SHA-256 is another than its name says');
  }
  let text: Buffer;
  try {
    text = decodeFrame(object, MAX_MANIFEST_BYTES);
  } catch (error) {
    throw damaged(`the manifest cannot be decompressed (${messageOf(error)})`, error);
  }
  const lastLine = text.lastIndexOf(10, -2) + 1;
  if (lastLine === 0 || text.at(-1) !== 10) throw damaged('the manifest is cut short: its last line is missing');
  const { end, mac } = parseLine(text.subarray(lastLine), damaged);
  if (!isRecord(end)) throw damaged('the manifest is cut short: its last line is missing');
  const headerSha256 = sha256Of(text.subarray(0, lastLine));
  if (end['sha256'] !== headerSha256) {
    throw damaged('the manifest was changed: its SHA-256 is another than its last line says');
  }
  const header = checkHeader(parseLine(text.subarray(0, lastLine), damaged), damaged);
  if (!key.endsWith(manifestName(new Date(header.startedAt), sha256))) {
    throw damaged(
      `the manifest is of ${header.startedAt}, and its name says another time: it was put under another's name`,
    );
  }
  if (mac === undefined) return { header, headerSha256 };
  if (!isMac(mac)) throw damaged("the manifest's MAC has a field that is missing or of the wrong type");
  return { header, headerSha256, mac };
}

const isMac = (value: unknown): value is ManifestMac =>
  isRecord(value) &&
  value['algorithm'] === 'HMAC_SHA_256' &&
  ['archive', 'key', 'value'].every((name) => isText(value[name]));

const COUNTS = ['files', 'directories', 'symlinks', 'hardlinks', 'bytes'] as const;
const isCounts = (value: unknown): value is Counts => isRecord(value) && COUNTS.every((name) => isCount(value[name]));

const CHANGES = ['files', 'added', 'changed', 'removed', 'looked', 'noise'] as const;
const isChanges = (value: unknown): value is PointChanges =>
  isRecord(value) && isText(value['since']) && CHANGES.every((name) => isCount(value[name]));

const isObject = (value: unknown, key: RegExp): value is Record<string, unknown> =>
  isRecord(value) && isText(value['key']) && key.test(value['key']) && isCount(value['bytes']);

function checkHeader(value: Record<string, unknown>, damaged: Damaged): ManifestHeader {
  if (value['format'] !== FORMAT) throw damaged('this is not a manifest of an artifact archive');
  if (value['formatVersion'] !== FORMAT_VERSION) {
    throw damaged(
      `\`formatVersion\` must be ${FORMAT_VERSION}, got ${String(value['formatVersion'])}: use the version of this tool that wrote it`,
    );
  }
  const { packs, pages } = value;
  const ok =
    isText(value['volume']) &&
    isText(value['mountedAt']) &&
    isTime(value['startedAt']) &&
    isTime(value['endedAt']) &&
    isTime(value['fullReadAt']) &&
    (value['parent'] === undefined || isText(value['parent'])) &&
    isCounts(value['counts']) &&
    (value['changes'] === undefined || isChanges(value['changes'])) &&
    (value['suspicious'] === undefined || (Array.isArray(value['suspicious']) && value['suspicious'].every(isText))) &&
    Array.isArray(packs) &&
    packs.every(
      (pack) =>
        isObject(pack, /^packs\/[0-9a-f]{64}\.tar\.zst$/) && isCount(pack['contentBytes']) && isCount(pack['crc32']),
    ) &&
    Array.isArray(pages) &&
    pages.every(
      (page) =>
        isObject(page, /^pages\/[0-9a-f]{64}\.jsonl\.zst$/) &&
        isText(page['first']) &&
        isCounts(page['counts']) &&
        Array.isArray(page['packs']) &&
        page['packs'].every((index) => isCount(index) && index < packs.length),
    ) &&
    isRecord(value['root']) &&
    isOwnership(value['root']) &&
    ['excluded', 'problems', 'warnings'].every((name) => isRemarks(value[name]));
  if (!ok) throw damaged("the manifest's header has a field that is missing or of the wrong type");
  const header = value as unknown as ManifestHeader;
  checkSums(header, damaged);
  return header;
}

function checkSums({ counts, pages }: ManifestHeader, damaged: Damaged): void {
  const sum = pages.reduce((total, page) => addCounts(total, page.counts), NOTHING);
  for (const name of COUNTS) {
    if (sum[name] !== counts[name]) {
      throw damaged(`the manifest's header counts ${counts[name]} ${name}, its pages ${sum[name]}`);
    }
  }
  for (const [index, { first, counts: own }] of pages.entries()) {
    if (countLines(own) === 0) throw damaged(`the page that begins with ${displayPath(first)} has no entries`);
    if (index > 0 && comparePaths(pages[index - 1]!.first, first) >= 0) {
      throw damaged(`the page that begins with ${displayPath(first)} is there twice or not in order`);
    }
  }
}
