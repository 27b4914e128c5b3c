import { createHash, randomBytes } from 'node:crypto';
import {
  chmod,
  lchown,
  link,
  lstat,
  lutimes,
  mkdir,
  open,
  rename,
  rm,
  symlink,
  utimes,
  type FileHandle,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import pMap from 'p-map';
import { displayPath, pathToBytes } from './byte-path';
import { ArchiveError, codeOf, messageOf } from './errors';
import { groupBy } from './group-by';
import type { DirectoryEntry, FileEntry, LinkEntry, Manifest, ManifestEntry, Ownership, Remark } from './manifest';
import type { ObjectStore } from './object-store';
import { readManifest } from './points';
import { contentDamaged, cut, fetchFrames, frameId, planRanges, readFile, type FrameRange } from './read-content';

export interface RestoreOptions {
  readonly store: ObjectStore;
  /** Key in the bucket, the store's prefix included. */
  readonly manifestKey: string;
  /** A directory that does not exist yet; the one that is to hold it does. */
  readonly target: string;
  /** Only these and what is under them, relative to the volume. Default: everything. */
  readonly paths?: readonly string[];
  readonly onProgress?: (progress: RestoreProgress) => void;
}

export interface RestoreProgress {
  readonly filesDone: number;
  readonly filesTotal: number;
}

export interface RestoreOutcome {
  readonly manifestKey: string;
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly hardlinks: number;
  readonly bytes: number;
  /** Metadata that could not be restored: owners as a user that is not root, or on a share that forces its own. */
  readonly warnings: readonly Remark[];
}

const RANGES_IN_FLIGHT = 6;
const ENTRIES_IN_FLIGHT = 16;

/**
 * Restores a point, or some paths of it. Everything is made in a sibling of the target and moved there at the end, so
 * that the target is there only when each file was written and its SHA-256 compared.
 *
 * @throws ArchiveError when the target exists or a path is not in the point
 * @throws ArchiveDamagedError that names the object and the file; the target does not exist then
 */
export async function restorePoint(options: RestoreOptions): Promise<RestoreOutcome> {
  const target = resolve(options.target);
  await refuseExisting(target);
  const manifest = await readManifest(options.store, options.manifestKey);
  const selected = selectEntries(manifest, options.paths);
  // A random name in the same directory: a rename is atomic there, and nobody can have put a link in its place.
  const staging = join(dirname(target), `.${basename(target)}.restoring-${randomBytes(6).toString('hex')}`);
  await mkdir(staging, { mode: 0o700 }).catch((error: unknown) => {
    throw new ArchiveError(`the target cannot be made: ${messageOf(error)}`, { cause: error });
  });
  try {
    const warnings = await new Restore(options, manifest, selected, staging).run();
    await refuseExisting(target);
    await rename(staging, target);
    const of = (type: ManifestEntry['type']) => selected.filter((entry) => entry.type === type).length;
    return {
      manifestKey: options.manifestKey,
      files: of('file'),
      directories: of('directory'),
      symlinks: of('symlink'),
      hardlinks: of('hardlink'),
      bytes: selected.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0),
      warnings,
    };
  } catch (error) {
    await makeRemovable(staging, selected);
    await rm(staging, { recursive: true, force: true, maxRetries: 3 });
    throw error;
  }
}

async function refuseExisting(target: string): Promise<void> {
  const exists = await lstat(target).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw new ArchiveError(`the target ${target} cannot be made: ${messageOf(error)}`, { cause: error });
    },
  );
  if (exists) throw new ArchiveError(`the target must not exist yet, got ${target}: choose another or move it away`);
}

/** Not as root, what is in a directory without write permission cannot be removed. */
async function makeRemovable(staging: string, entries: readonly ManifestEntry[]): Promise<void> {
  for (const entry of entries) {
    if (entry.type === 'directory') await chmod(at(staging, entry.path), 0o700).catch(() => {});
  }
}

/** In the manifest's order, with the directories that lead to what was asked for. */
export function selectEntries({ entries }: Manifest, paths: readonly string[] | undefined): readonly ManifestEntry[] {
  if (!paths) return entries;
  const wanted = paths.map((path) => path.replace(/^\.?\/+|\/+$/g, ''));
  const everything = wanted.some((path) => path === '' || path === '.');
  if (everything) return entries;
  const missing = wanted.filter((path) => !entries.some((entry) => entry.path === path));
  if (missing.length > 0) throw new ArchiveError(`the point does not hold ${missing.map(displayPath).join(', ')}`);
  const isWanted = ({ path }: ManifestEntry) => wanted.some((root) => path === root || path.startsWith(`${root}/`));
  const selected = new Set(entries.filter(isWanted).map(({ path }) => path));
  const files = new Map(entries.flatMap((entry) => (entry.type === 'file' ? [[entry.path, entry] as const] : [])));
  // A hard link whose file was not asked for becomes a file; others of the same file become links to it.
  const standIns = new Map<string, string>();
  return entries.flatMap((entry): ManifestEntry[] => {
    if (entry.type === 'hardlink' && selected.has(entry.path) && !selected.has(entry.target)) {
      const standIn = standIns.get(entry.target);
      if (standIn !== undefined) return [{ ...entry, target: standIn }];
      standIns.set(entry.target, entry.path);
      return [{ ...files.get(entry.target)!, path: entry.path }];
    }
    const leadsThere = entry.type === 'directory' && wanted.some((root) => root.startsWith(`${entry.path}/`));
    return selected.has(entry.path) || leadsThere ? [entry] : [];
  });
}

const at = (root: string, path: string) => Buffer.concat([Buffer.from(`${root}/`), pathToBytes(path)]);

class Restore {
  readonly #warnings: Remark[] = [];
  #filesDone = 0;

  constructor(
    private readonly options: RestoreOptions,
    private readonly manifest: Manifest,
    private readonly entries: readonly ManifestEntry[],
    private readonly root: string,
  ) {}

  async run(): Promise<readonly Remark[]> {
    const directories: DirectoryEntry[] = [];
    const files: FileEntry[] = [];
    const links: LinkEntry[] = [];
    for (const entry of this.entries) {
      if (entry.type === 'directory') directories.push(entry);
      else if (entry.type === 'file') files.push(entry);
      else links.push(entry);
    }
    // The manifest is sorted, so a directory comes before what is in it. mkdir and O_EXCL fail on what is there already:
    // names that differ to the manifest and not to this file system (case, Unicode form) are refused, not overwritten.
    for (const { path } of directories) await mkdir(at(this.root, path), { mode: 0o700 });
    await this.#restoreFiles(files);
    // Links only now: nothing is ever written through one.
    for (const entry of links) await this.#restoreLink(entry);
    // Inner directories first, since writing into a directory changes its time and its mode may forbid it.
    for (const entry of directories.toReversed())
      await this.#applyToDirectory(at(this.root, entry.path), entry.path, entry);
    await this.#applyToDirectory(Buffer.from(this.root), '', this.manifest.header.root);
    return this.#warnings;
  }

  async #restoreFiles(files: readonly FileEntry[]): Promise<void> {
    const total = files.length;
    const done = () => this.options.onProgress?.({ filesDone: (this.#filesDone += 1), filesTotal: total });
    const empty = files.filter(({ pieces }) => pieces.length === 0);
    const inOneFrame = files.filter(({ pieces }) => pieces.length === 1);
    const long = files.filter(({ pieces }) => pieces.length > 1);

    await pMap(
      empty,
      async (entry) => {
        await this.#writeFile(entry, [Buffer.alloc(0)]);
        done();
      },
      { concurrency: ENTRIES_IN_FLIGHT },
    );
    const byFrame = groupBy(inOneFrame, ({ pieces: [piece] }) => `${piece!.pack}:${frameId(piece!)}`);
    const restoreRange = async (range: FrameRange) => {
      for await (const { frame, content } of fetchFrames(this.options.store, this.manifest.header.packs, range)) {
        const key = this.options.store.prefix + this.manifest.header.packs[range.pack]!.key;
        for (const entry of byFrame.get(`${frame.pack}:${frameId(frame)}`) ?? []) {
          await this.#writeFile(entry, [cut(key, entry.pieces[0]!, content)]);
          done();
        }
      }
    };
    await pMap(planRanges(inOneFrame.flatMap(({ pieces }) => pieces)), restoreRange, { concurrency: RANGES_IN_FLIGHT });
    await pMap(
      long,
      async (entry) => {
        await this.#writeFile(entry, readFile(this.options.store, this.manifest, entry));
        done();
      },
      { concurrency: RANGES_IN_FLIGHT },
    );
  }

  async #writeFile(entry: FileEntry, content: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
    const hash = createHash('sha256');
    const file = await open(at(this.root, entry.path), 'wx', 0o600);
    try {
      for await (const chunk of content) {
        hash.update(chunk);
        await file.writeFile(chunk);
      }
      if (hash.digest('hex') !== entry.sha256) {
        throw contentDamaged(this.options.store, this.manifest.header.packs, entry);
      }
      await this.#applyToFile(file, entry);
    } finally {
      await file.close();
    }
  }

  async #applyToFile(file: FileHandle, entry: FileEntry): Promise<void> {
    // Owner before mode: changing the owner clears the set-id bits.
    await this.#keepOwner(
      entry.path,
      entry,
      () => file.chown(entry.uid, entry.gid),
      () => file.stat(),
    );
    await file.chmod(entry.mode);
    await file.utimes(timeOf(entry), timeOf(entry));
  }

  async #applyToDirectory(path: Buffer, shown: string, entry: Ownership): Promise<void> {
    await this.#keepOwner(
      shown,
      entry,
      () => lchown(path, entry.uid, entry.gid),
      () => lstat(path),
    );
    await chmod(path, entry.mode);
    await utimes(path, timeOf(entry), timeOf(entry));
  }

  async #restoreLink(entry: LinkEntry): Promise<void> {
    const path = at(this.root, entry.path);
    if (entry.type === 'hardlink') {
      await link(at(this.root, entry.target), path);
      return;
    }
    await symlink(pathToBytes(entry.target), path);
    await this.#keepOwner(
      entry.path,
      entry,
      () => lchown(path, entry.uid, entry.gid),
      () => lstat(path),
    );
    await lutimes(path, timeOf(entry), timeOf(entry));
  }

  /** Only root may give files away, and a share may force its own owner: said, not silent. */
  async #keepOwner(
    path: string,
    { uid, gid }: Ownership,
    change: () => Promise<void>,
    stat: () => Promise<{ uid: number; gid: number }>,
  ): Promise<void> {
    await change().catch((error: unknown) => {
      if (!['EPERM', 'EINVAL', 'ENOTSUP'].includes(codeOf(error) ?? '')) throw error;
    });
    const now = await stat();
    if (now.uid !== uid || now.gid !== gid) {
      const reason = `the owner is ${now.uid}:${now.gid}, was ${uid}:${gid}`;
      this.#warnings.push({ path: displayPath(path) || '.', reason });
    }
  }
}

/**
 * The file system calls of Node take a time as a double of seconds, and one before 1970 only as a Date: so times are
 * restored to the microsecond, those to the millisecond. The half keeps rounding from reaching the microsecond before.
 */
function timeOf({ mtimeNs }: Ownership): number | Date {
  const ns = BigInt(mtimeNs);
  return ns < 0n ? new Date(Number(ns / 1_000_000n)) : (Number(ns / 1000n) + 0.5) / 1e6;
}
