import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pMap from 'p-map';
import { displayPath, sortedByPath } from './byte-path';
import { ArchiveDamagedError, ArchiveError, codeOf, messageOf } from './errors';
import { exclusionReason } from './exclusions';
import {
  countEntries,
  encodeManifest,
  FORMAT,
  FORMAT_VERSION,
  MANIFEST_PREFIX,
  manifestName,
  type Counts,
  type FileEntry,
  type Manifest,
  type ManifestEntry,
  type PackReference,
  type Piece,
  type Remark,
} from './manifest';
import type { ObjectStore } from './object-store';
import { FRAME_BYTES, PackWriter, type DraftPiece } from './pack-writer';
import { listManifests, listPacks, missingPacks, readManifest } from './points';
import { drain } from './read-content';
import type { Volume, VolumeFile, VolumeStat } from './volume';

export interface ExportOptions {
  readonly volume: Volume;
  readonly store: ObjectStore;
  /** Name of the volume, for the manifest. */
  readonly volumeName: string;
  /** Relative to `<IS_HOME>`: what is left out depends on it. */
  readonly mountedAt: string;
  /** Read every file. Default: when the last full read is 7 days old or older. */
  readonly fullRead?: boolean;
  readonly now?: () => Date;
  readonly onProgress?: (progress: ExportProgress) => void;
}

export interface ExportProgress {
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly bytesRead: number;
}

export interface ExportOutcome {
  /** Key in the bucket, the store's prefix included. */
  readonly manifestKey: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly counts: Counts;
  readonly filesRead: number;
  readonly bytesStored: number;
  readonly excluded: readonly Remark[];
  /** What could not be read or never held still. */
  readonly problems: readonly Remark[];
  readonly warnings: readonly Remark[];
}

const FILES_IN_FLIGHT = 16;
const READ_ATTEMPTS = 3;
const RETRY_WAIT_MS = 50;
const FULL_READ_EVERY_MS = 7 * 24 * 3600 * 1000;
/**
 * A file that changed this shortly before its export may change again within the same tick of the file server's clock,
 * or of one that is a little off: it is read again next time.
 */
const SETTLED_NS = 2_000_000_000n;

/**
 * Exports a volume: packs first, then the manifest, which is what makes it a point.
 *
 * @throws ArchiveError when the volume is not there, or empty where it was not, or the store refuses; no point exists then
 */
export async function exportVolume(options: ExportOptions): Promise<ExportOutcome> {
  const { volume, store, now = () => new Date() } = options;
  const started = now();
  const root = await statRoot(volume);
  const parent = await findParent(store);
  const found = await walk(volume, options.mountedAt);
  if (parent && parent.manifest.header.counts.files > 0 && found.items.length === 0) {
    throw new ArchiveError(
      `${volume.description} is empty, but the export before (${parent.name}) holds ${parent.manifest.header.counts.files} files: is the share mounted?`,
    );
  }
  const fullRead =
    (options.fullRead ?? false) ||
    !parent ||
    started.getTime() - Date.parse(parent.manifest.header.fullReadAt) >= FULL_READ_EVERY_MS;

  const writer = new PackWriter(store);
  const run = new ExportRun(volume, writer, parent, fullRead, found);
  try {
    await run.exportFiles(options.onProgress ?? (() => {}));
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }

  const { entries, packs } = assemble(run.items, parent);
  const counts = countEntries(entries);
  const unreadable =
    run.problems.length > 0 && counts.files === 0 && found.items.some(({ stat }) => stat.type === 'file');
  if (unreadable) {
    const { path, reason } = run.problems[0]!;
    throw new ArchiveError(`no file of ${volume.description} could be read, the first was ${path}: ${reason}`);
  }
  await checkPacks(store, packs);

  const ended = now();
  const remarks = { excluded: found.excluded, problems: byPath(run.problems), warnings: byPath(run.warnings) };
  const body = await encodeManifest({
    header: {
      format: FORMAT,
      formatVersion: FORMAT_VERSION,
      volume: options.volumeName,
      mountedAt: options.mountedAt,
      startedAt: started.toISOString(),
      endedAt: ended.toISOString(),
      fullReadAt: fullRead ? started.toISOString() : parent!.manifest.header.fullReadAt,
      ...(parent ? { parent: parent.name } : {}),
      counts,
      packs,
      root,
      ...remarks,
    },
    entries,
  });
  return {
    manifestKey: store.prefix + (await commit(store, started, body)),
    startedAt: started.toISOString(),
    endedAt: ended.toISOString(),
    counts,
    filesRead: run.filesRead,
    bytesStored: writer.bytesStored + body.length,
    ...remarks,
  };
}

async function statRoot(volume: Volume) {
  const stat = await volume.stat('').catch((error: unknown) => {
    throw new ArchiveError(
      `the volume ${volume.description} cannot be read (${messageOf(error)}): is the share mounted?`,
      {
        cause: error,
      },
    );
  });
  if (stat.type !== 'directory')
    throw new ArchiveError(`the volume ${volume.description} must be a directory, got a ${stat.type}`);
  return ownership(stat);
}

interface Parent {
  readonly name: string;
  readonly manifest: Manifest;
  readonly warnings: readonly Remark[];
}

/** The newest point that is whole: content of an incomplete or damaged one cannot be relied on. */
async function findParent(store: ObjectStore): Promise<Parent | undefined> {
  const present = await listPacks(store);
  const warnings: Remark[] = [];
  for (const key of (await listManifests(store)).reverse()) {
    try {
      const manifest = await readManifest(store, key);
      const missing = missingPacks(manifest.header, present);
      if (missing.length === 0) return { name: key.slice((store.prefix + MANIFEST_PREFIX).length), manifest, warnings };
      warnings.push({ path: key, reason: `an earlier point is incomplete: ${missing.join(', ')}` });
    } catch (error) {
      if (!(error instanceof ArchiveDamagedError)) throw error;
      warnings.push({ path: key, reason: `an earlier point is damaged: ${error.problem}` });
    }
  }
  return undefined;
}

interface Item {
  readonly path: string;
  readonly stat: VolumeStat;
  /** Of a symlink. */
  readonly target?: string;
}

interface Found {
  readonly items: readonly Item[];
  readonly excluded: readonly Remark[];
  readonly problems: readonly Remark[];
  readonly warnings: readonly Remark[];
}

async function walk(volume: Volume, mountedAt: string): Promise<Found> {
  const items: Item[] = [];
  const excluded: Remark[] = [];
  const problems: Remark[] = [];
  const warnings: Remark[] = [];
  const fail = (path: string, error: unknown) => {
    if (codeOf(error) === 'ENOENT') warnings.push({ path: displayPath(path), reason: 'vanished during the export' });
    else problems.push({ path: displayPath(path), reason: messageOf(error) });
  };

  const visit = async (path: string): Promise<string | undefined> => {
    const reason = exclusionReason(mountedAt, path);
    if (reason !== undefined) {
      excluded.push({ path: displayPath(path), reason });
      return undefined;
    }
    try {
      const stat = await volume.stat(path);
      if (stat.type === 'other') {
        excluded.push({ path: displayPath(path), reason: 'socket, FIFO or device: has no content to export' });
        return undefined;
      }
      items.push({ path, stat, ...(stat.type === 'symlink' ? { target: await volume.readLink(path) } : {}) });
      return stat.type === 'directory' ? path : undefined;
    } catch (error) {
      fail(path, error);
      return undefined;
    }
  };

  // Level by level: the number of directories that wait is the width of the tree, and no promise waits for its children.
  let level: string[] = [''];
  while (level.length > 0) {
    const names = await pMap(
      level,
      async (directory) => {
        try {
          return (await volume.readDirectory(directory)).map((name) =>
            directory === '' ? name : `${directory}/${name}`,
          );
        } catch (error) {
          if (directory === '')
            throw new ArchiveError(`the volume ${volume.description} cannot be read: ${messageOf(error)}`);
          fail(directory, error);
          return [];
        }
      },
      { concurrency: FILES_IN_FLIGHT },
    );
    const directories = await pMap(names.flat(), visit, { concurrency: FILES_IN_FLIGHT });
    level = directories.filter((path) => path !== undefined);
  }
  return { items: sortedByPath(items), excluded: byPath(excluded), problems, warnings };
}

const byPath = (remarks: Iterable<Remark>) => sortedByPath(remarks);

type Stored = { readonly draft: readonly DraftPiece[] } | { readonly parent: readonly Piece[] };
type ExportedFile = Omit<FileEntry, 'pieces'> & { readonly content: Stored };
type Exported = ExportedFile | Exclude<ManifestEntry, FileEntry>;

/** One run over the files that were found. */
class ExportRun {
  readonly items: Exported[] = [];
  readonly problems: Remark[];
  readonly warnings: Remark[];
  filesRead = 0;

  readonly #parentFiles = new Map<string, FileEntry>();
  /** By SHA-256; a promise, so that two files with one content, read at once, store it once. */
  readonly #contents = new Map<string, Promise<Stored>>();
  /** Sizes of the contents that may be stored already. */
  readonly #sizes = new Set<number>();
  #bytesRead = 0;

  constructor(
    private readonly volume: Volume,
    private readonly writer: PackWriter,
    private readonly parent: Parent | undefined,
    private readonly fullRead: boolean,
    private readonly found: Found,
  ) {
    this.problems = [...found.problems];
    this.warnings = [...found.warnings, ...(parent?.warnings ?? [])];
    for (const entry of parent?.manifest.entries ?? []) {
      if (entry.type !== 'file') continue;
      this.#parentFiles.set(entry.path, entry);
      this.#contents.set(entry.sha256, Promise.resolve({ parent: entry.pieces }));
      this.#sizes.add(entry.size);
    }
  }

  async exportFiles(onProgress: (progress: ExportProgress) => void): Promise<void> {
    const firstOfInode = new Map<string, string>();
    const files: Item[] = [];
    const links: { readonly item: Item; readonly target: string }[] = [];
    for (const item of this.found.items) {
      const { stat, path } = item;
      if (stat.type === 'directory') this.items.push({ path, type: 'directory', ...ownership(stat) });
      if (stat.type === 'symlink') this.items.push({ path, type: 'symlink', target: item.target!, ...ownership(stat) });
      if (stat.type !== 'file') continue;
      const inode = `${stat.dev}:${stat.ino}`;
      const first = stat.nlink > 1 ? firstOfInode.get(inode) : undefined;
      if (first !== undefined) links.push({ item, target: first });
      else {
        firstOfInode.set(inode, path);
        files.push(item);
      }
    }

    const exported = new Set<string>();
    const exportOne = async (item: Item, index: number) => {
      const file = await this.#exportFile(item);
      if (file) {
        this.items.push(file);
        exported.add(file.path);
      }
      onProgress({ filesDone: index + 1, filesTotal: files.length, bytesRead: this.#bytesRead });
    };
    await pMap(files, exportOne, { concurrency: FILES_IN_FLIGHT });
    for (const { item, target } of links) {
      // The name that carries the content may be gone or unreadable: then this one stands for itself.
      if (exported.has(target)) {
        this.items.push({ path: item.path, type: 'hardlink', target, ...ownership(item.stat) });
      } else await exportOne(item, files.length);
    }
  }

  async #exportFile({ path, stat }: Item): Promise<ExportedFile | undefined> {
    const before = this.#parentFiles.get(path);
    if (before && !this.fullRead && isUnchanged(before, stat, this.parent!.manifest.header.startedAt)) {
      return { ...fileFields(path, stat), sha256: before.sha256, content: { parent: before.pieces } };
    }
    let error: unknown;
    for (let attempt = 1; attempt <= READ_ATTEMPTS; attempt += 1) {
      if (attempt > 1) await sleep(RETRY_WAIT_MS * attempt);
      try {
        const read = await this.#readFile(path, attempt === READ_ATTEMPTS);
        if (!read) continue;
        this.filesRead += 1;
        if (before && read.sha256 !== before.sha256 && sameStat(before, stat) && !before.unstable) {
          this.warnings.push({
            path: displayPath(path),
            reason: 'content differs from the export before, though size and times are the same: silent damage?',
          });
        }
        return read;
      } catch (caught) {
        if (caught instanceof StoreFailure) throw caught.cause;
        error = caught;
        if (codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM') break;
      }
    }
    if (codeOf(error) === 'ENOENT') {
      this.warnings.push({ path: displayPath(path), reason: 'vanished during the export' });
    } else this.problems.push({ path: displayPath(path), reason: messageOf(error) });
    return undefined;
  }

  /** Undefined when the file changed meanwhile; on the last attempt it is taken as it was read, and named. */
  async #readFile(path: string, last: boolean): Promise<ExportedFile | undefined> {
    const file = await this.volume.open(path);
    try {
      const stat = await file.stat();
      if (stat.type !== 'file') throw new Error(`is a ${stat.type} now, was a file when the directory was read`);
      const read =
        stat.size <= FRAME_BYTES ? await this.#readSmall(path, file, stat) : await this.#readLarge(path, file, stat);
      const changed = read.size !== stat.size || read.torn || !sameTimes(stat, await file.stat());
      if (changed && !last) return undefined;
      const content = await read.store();
      if (changed) {
        this.problems.push({
          path: displayPath(path),
          reason: `unstable: changed during each of ${READ_ATTEMPTS} attempts to read it; the content is what the last one read`,
        });
      }
      return {
        ...fileFields(path, stat),
        size: read.size,
        sha256: read.sha256,
        content,
        ...(changed ? { unstable: true as const } : {}),
      };
    } finally {
      await file.close();
    }
  }

  async #readSmall(path: string, file: VolumeFile, stat: VolumeStat) {
    // One byte more than there should be shows a file that has grown.
    const buffer = Buffer.allocUnsafe(stat.size + 1);
    const read = await file.read(buffer, 0);
    this.#bytesRead += read;
    const bytes = buffer.subarray(0, Math.min(read, stat.size));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return {
      size: bytes.length,
      torn: read > stat.size,
      sha256,
      store: () => this.#store(sha256, bytes.length, () => this.#pack(path, stat, bytes.length, [bytes])),
    };
  }

  async #readLarge(path: string, file: VolumeFile, stat: VolumeStat) {
    if (this.#sizes.has(stat.size)) {
      // Something of this size is stored: worth a read to see whether it is this.
      const { sha256, size } = await this.#hash(file, stat.size);
      const known = this.#contents.get(sha256);
      if (known && size === stat.size) return { size, torn: false, sha256, store: () => known };
    }
    const reading = this.#startReading(file, stat.size);
    const draft = await this.#pack(path, stat, stat.size, reading.chunks());
    const { sha256, size } = reading.result();
    this.#sizes.add(stat.size);
    return {
      size: stat.size,
      torn: size !== stat.size,
      sha256,
      store: () => this.#store(sha256, stat.size, () => Promise.resolve(draft)),
    };
  }

  async #hash(file: VolumeFile, expected: number) {
    const reading = this.#startReading(file, expected);
    await drain(reading.chunks());
    return reading.result();
  }

  /**
   * Chunks of exactly `expected` bytes in all, since tar has announced them: zeros from where the file ended early or
   * could not be read. What really happened is in the result, or thrown by it.
   */
  #startReading(file: VolumeFile, expected: number) {
    const hash = createHash('sha256');
    let size = 0;
    let failure: { readonly error: unknown } | undefined;
    const readChunk = async (buffer: Buffer, position: number) => {
      if (failure) return;
      try {
        const read = await file.read(buffer, position);
        this.#bytesRead += read;
        size += read;
      } catch (error) {
        failure = { error };
      }
    };
    return {
      chunks: async function* () {
        for (let position = 0; position < expected; position += FRAME_BYTES) {
          const buffer = Buffer.alloc(Math.min(FRAME_BYTES, expected - position));
          await readChunk(buffer, position);
          hash.update(buffer);
          yield buffer;
        }
      },
      result: () => {
        if (failure) throw failure.error;
        return { sha256: hash.digest('hex'), size };
      },
    };
  }

  #store(sha256: string, size: number, pack: () => Promise<readonly DraftPiece[]>): Promise<Stored> {
    const known = this.#contents.get(sha256);
    if (known) return known;
    const stored = size === 0 ? Promise.resolve({ draft: [] }) : pack().then((draft) => ({ draft }));
    this.#contents.set(sha256, stored);
    this.#sizes.add(size);
    return stored;
  }

  async #pack(path: string, stat: VolumeStat, size: number, content: Iterable<Buffer> | AsyncIterable<Buffer>) {
    // What fails here is the archive, not this file: the whole export fails.
    return this.writer.add({ ...stat, path, size }, content).catch((error: unknown) => {
      throw new StoreFailure(error);
    });
  }
}

class StoreFailure extends Error {
  constructor(override readonly cause: unknown) {
    super(messageOf(cause));
  }
}

const ownership = ({ mode, uid, gid, mtimeNs }: VolumeStat) => ({ mode, uid, gid, mtimeNs: String(mtimeNs) });

const fileFields = (path: string, stat: VolumeStat) => ({
  path,
  type: 'file' as const,
  ...ownership(stat),
  size: stat.size,
  ctimeNs: String(stat.ctimeNs),
  ino: String(stat.ino),
});

const sameTimes = (a: VolumeStat, b: VolumeStat) =>
  a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino;

const sameStat = (entry: FileEntry, stat: VolumeStat) =>
  entry.size === stat.size &&
  entry.mtimeNs === String(stat.mtimeNs) &&
  entry.ctimeNs === String(stat.ctimeNs) &&
  entry.ino === String(stat.ino);

/** Whether the content of the parent may stand for the file without reading it. */
function isUnchanged(entry: FileEntry, stat: VolumeStat, parentStartedAt: string): boolean {
  const settled = BigInt(Date.parse(parentStartedAt)) * 1_000_000n - SETTLED_NS;
  return !entry.unstable && sameStat(entry, stat) && stat.ctimeNs < settled && stat.mtimeNs < settled;
}

/** Numbers the packs that the entries name, and gives each entry its pieces. */
function assemble(exported: readonly Exported[], parent: Parent | undefined) {
  const packs: PackReference[] = [];
  const indexes = new Map<string, number>();
  const indexOf = (pack: PackReference) => {
    const index = indexes.get(pack.key) ?? packs.push(pack) - 1;
    indexes.set(pack.key, index);
    return index;
  };
  const entries = sortedByPath(exported).map((item): ManifestEntry => {
    if (!('content' in item)) return item;
    const { content, ...fields } = item;
    const pieces =
      'parent' in content
        ? content.parent.map((piece) => ({ ...piece, pack: indexOf(parent!.manifest.header.packs[piece.pack]!) }))
        : content.draft.map(({ frame, skip, size }) => ({
            pack: indexOf(frame.pack.reference!),
            offset: frame.offset,
            length: frame.length,
            skip,
            size,
          }));
    return { ...fields, pieces };
  });
  return { entries, packs };
}

/** What is stored must be what was sent, before anything names it. */
async function checkPacks(store: ObjectStore, packs: readonly PackReference[]): Promise<void> {
  await pMap(
    packs,
    async ({ key, bytes }) => {
      const head = await store.head(key);
      if (!head)
        throw new ArchiveDamagedError(store.prefix + key, 'the pack is not in the archive after it was written');
      checkObject(store.prefix + key, head, bytes, key.slice('packs/'.length, -'.tar.zst'.length));
    },
    { concurrency: FILES_IN_FLIGHT },
  );
}

function checkObject(
  key: string,
  head: { readonly bytes: number; readonly sha256: string | undefined },
  bytes: number,
  sha256: string,
): void {
  if (head.bytes !== bytes) throw new ArchiveDamagedError(key, `${bytes} bytes were written, ${head.bytes} are stored`);
  if (head.sha256 !== undefined && head.sha256 !== sha256) {
    throw new ArchiveDamagedError(key, 'another SHA-256 is stored than was written');
  }
}

/** Writes the manifest, after which the point exists. */
async function commit(store: ObjectStore, started: Date, body: Buffer): Promise<string> {
  const sha256 = createHash('sha256').update(body).digest('hex');
  const key = manifestName(started, sha256);
  if ((await store.put(key, body, sha256)) === 'created') return key;
  // A put whose answer was lost is repeated and finds its own object.
  const stored = await store.get(key);
  if (!stored?.equals(body)) throw new ArchiveError(`${store.prefix}${key} is there already, with another content`);
  return key;
}
