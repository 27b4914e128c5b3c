/** Archives that no export would write, with everything in order that an attacker can put in order: names and sums fit. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { encodeFrame } from '../../../../lambda/archive/frame';
import { manifestName } from '../../../../lambda/archive/manifest';
import { encodeManifest, MemoryStore, packKey, pageKey, type ManifestHeader } from '../../../../lambda/archive';
import { TAR_END, tarHeader, tarPadding } from '../../../../lambda/archive/tar';

export const sha256Of = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

export const OWNED = { mode: 0o644, uid: 0, gid: 0, mtimeNs: '1700000000000000000' };

export interface CraftedEntry {
  readonly path: unknown;
  readonly type: string;
  /** Of a file. */
  readonly content?: string;
  readonly target?: string;
  readonly [field: string]: unknown;
}

export interface Crafted {
  readonly store: MemoryStore;
  readonly manifestKey: string;
}

interface Changes {
  readonly header?: object;
  readonly page?: object;
  /** Changes the text of the page. */
  readonly lines?: (text: string) => string;
}

/** Entries are taken as they come: the order is the caller's. */
export function craft(
  entries: readonly CraftedEntry[],
  { header = {}, page = {}, lines: change }: Changes = {},
): Crafted {
  const store = new MemoryStore();
  const members = entries.filter(({ content }) => content !== undefined && content !== '');
  const parts: Buffer[] = [];
  const skips = new Map<CraftedEntry, number>();
  let length = 0;
  for (const entry of members) {
    const content = Buffer.from(entry.content!);
    const head = tarHeader({ path: 'member', size: content.length, mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n });
    skips.set(entry, length + head.length);
    const part = Buffer.concat([head, content, Buffer.alloc(tarPadding(content.length))]);
    parts.push(part);
    length += part.length;
  }
  const frame = encodeFrame(Buffer.concat(parts));
  const pack = Buffer.concat([frame, encodeFrame(TAR_END)]);
  const packName = sha256Of(pack);
  if (members.length > 0) store.objects.set(packKey(packName), pack);

  const lines = entries.map((entry) => {
    const { content, ...rest } = entry;
    if (entry.type !== 'file') return { ...OWNED, ...rest };
    const size = Buffer.byteLength(content ?? '');
    const piece = { pack: packName, offset: 0, length: frame.length, skip: skips.get(entry), size };
    return {
      ...OWNED,
      size,
      sha256: sha256Of(content ?? ''),
      ctimeNs: '0',
      ino: '1',
      pieces: size === 0 ? [] : [piece],
      ...rest,
    };
  });
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const count = (type: string) => entries.filter((entry) => entry.type === type).length;
  const counts = {
    files: count('file'),
    directories: count('directory'),
    symlinks: count('symlink'),
    hardlinks: count('hardlink'),
    bytes: lines.reduce((sum, line) => sum + ('size' in line && line.type === 'file' ? (line.size as number) : 0), 0),
  };
  const pages: object[] = [];
  if (entries.length > 0) {
    const bytes = encodeFrame(Buffer.from(change ? change(text) : text));
    const key = pageKey(sha256Of(bytes));
    store.objects.set(key, bytes);
    const first = String(entries[0]!.path);
    pages.push({ key, bytes: bytes.length, first, counts, packs: members.length > 0 ? [0] : [], ...page });
  }
  return plant(store, {
    counts,
    packs:
      members.length > 0
        ? [{ key: packKey(packName), bytes: pack.length, contentBytes: length, crc32: crc32(pack) }]
        : [],
    pages,
    ...header,
  });
}

/** Puts a manifest with this header, complete unless it says otherwise, into the store. */
export function plant(store: MemoryStore, header: object): Crafted {
  const startedAt = '2026-11-24T10:00:00.000Z';
  const body = encodeManifest({
    format: 'wso2is-recovery-archive',
    formatVersion: 1,
    volume: 'repository',
    mountedAt: 'repository',
    startedAt,
    endedAt: '2026-11-24T10:00:01.000Z',
    fullReadAt: '2026-11-24T10:00:00.000Z',
    counts: { files: 0, directories: 0, symlinks: 0, hardlinks: 0, bytes: 0 },
    packs: [],
    pages: [],
    root: { ...OWNED, mode: 0o755 },
    excluded: [],
    problems: [],
    warnings: [],
    ...header,
  } as unknown as ManifestHeader);
  // Under its right name, where it says a time at all.
  const said = new Date('startedAt' in header ? String(header.startedAt) : startedAt);
  const key = manifestName(Number.isNaN(said.getTime()) ? new Date(startedAt) : said, sha256Of(body));
  store.objects.set(key, body);
  return { store, manifestKey: key };
}

export const file = (path: string, content = 'content', more: object = {}): CraftedEntry => ({
  path,
  type: 'file',
  content,
  ...more,
});
export const directory = (path: string, more: object = {}): CraftedEntry => ({
  path,
  type: 'directory',
  ...{ mode: 0o755 },
  ...more,
});
export const symlink = (path: string, target: string): CraftedEntry => ({ path, type: 'symlink', mode: 0o777, target });
export const hardlink = (path: string, target: string): CraftedEntry => ({ path, type: 'hardlink', target });
