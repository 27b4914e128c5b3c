/**
 * Puts a point back into the directory that it was exported from, which may be where a file system is mounted: what is in it
 * is replaced, not the directory itself. What was there is kept beside, under one name.
 */
import { lstatSync } from 'node:fs';
import { cp, lstat, mkdir, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exclusionReason } from '../../../lambda/archive/exclusions';
import { ArchiveError } from '../../../lambda/archive/errors';
import type { ManifestHeader } from '../../../lambda/archive/manifest';
import type { ObjectStore } from '../../../lambda/archive/object-store';
import { readEntries, readHeader } from '../../../lambda/archive/points';
import { freeName, wholeVolume } from '../../../lambda/archive/restore/put-in-place';
import { type RestoreOutcome, type RestoreProgress, restorePoint } from '../../../lambda/archive/restore/restore-point';

export interface InPlaceOptions {
  readonly store: ObjectStore;
  readonly manifestKey: string;
  /** The directory whose content is replaced; it must be there. */
  readonly directory: string;
  /** Only these and what is under them, relative to the directory. Default: everything. */
  readonly paths?: readonly string[];
  readonly dryRun?: boolean;
  readonly onProgress?: (progress: RestoreProgress) => void;
}

export interface InPlaceOutcome extends Pick<
  RestoreOutcome,
  'manifestKey' | 'files' | 'directories' | 'symlinks' | 'bytes' | 'warnings'
> {
  /** What was there, and where it is kept; with `dryRun` what would be moved aside, and nowhere. */
  readonly replaced: readonly { readonly path: string; readonly keptAt: string | null }[];
  /** Of what was there: what no export holds, and a server needs. */
  readonly carriedOver: readonly string[];
  /** What stays as it is. */
  readonly leftAlone: readonly { readonly path: string; readonly reason: string }[];
}

/** @throws ArchiveError; everything is as it was then, or named where it is */
export async function restoreInPlace(options: InPlaceOptions): Promise<InPlaceOutcome> {
  const { store, manifestKey, directory, paths, dryRun = false } = options;
  const header = await readHeader(store, manifestKey);
  await requireDirectory(directory);
  if (paths) return restorePaths(options, paths);

  const inPoint = await topNames(store, manifestKey, header);
  if (inPoint.length === 0) throw new ArchiveError(`the point ${manifestKey} holds nothing: restore another one`);
  const there = await readdir(directory);
  const leftAlone = there.flatMap((name) => {
    const reason = whyLeaveAlone(directory, name, header, inPoint.includes(name));
    return reason === undefined ? [] : [{ path: join(directory, name), reason }];
  });
  const stays = (name: string) => leftAlone.some(({ path }) => path === join(directory, name));
  const toRestore = inPoint.filter((name) => !stays(name));
  if (toRestore.length === 0)
    throw new ArchiveError(`everything in ${directory} is a mount of its own: restore each of them`);
  const extras = there.filter((name) => !inPoint.includes(name) && !stays(name));

  const restored = await restorePoint({
    store,
    manifestKey,
    target: directory,
    paths: toRestore,
    replace: true,
    dryRun,
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  });
  if (dryRun) {
    const aside = there.filter((name) => !stays(name)).map((name) => ({ path: join(directory, name), keptAt: null }));
    return { ...countsOf(restored), replaced: aside, carriedOver: [], leftAlone };
  }
  const kept = await freeName(wholeVolume(directory));
  await mkdir(kept);
  // One name for all that was there: what is beside the new files would be taken for a part of them.
  const aside = [
    ...restored.replaced,
    ...extras.map((name) => ({ path: join(directory, name), keptAt: join(directory, name) })),
  ];
  for (const { path, keptAt } of aside) await rename(keptAt, join(kept, path.slice(directory.length + 1)));
  return {
    ...countsOf(restored),
    replaced: aside.length === 0 ? [] : [{ path: directory, keptAt: kept }],
    carriedOver: await carryOver(header, kept, directory),
    leftAlone,
  };
}

async function restorePaths(options: InPlaceOptions, paths: readonly string[]): Promise<InPlaceOutcome> {
  const { store, manifestKey, directory, dryRun = false, onProgress } = options;
  const restored = await restorePoint({
    store,
    manifestKey,
    target: directory,
    paths,
    replace: true,
    dryRun,
    ...(onProgress ? { onProgress } : {}),
  });
  const there = paths.map((path) => join(directory, path)).filter((path) => lstatSync(path, { throwIfNoEntry: false }));
  return {
    ...countsOf(restored),
    replaced: dryRun ? there.map((path) => ({ path, keptAt: null })) : restored.replaced,
    carriedOver: [],
    leftAlone: [],
  };
}

const countsOf = ({ manifestKey, files, hardlinks, directories, symlinks, bytes, warnings }: RestoreOutcome) => ({
  manifestKey,
  files: files + hardlinks,
  directories,
  symlinks,
  bytes,
  warnings,
});

async function requireDirectory(directory: string): Promise<void> {
  const stat = await lstat(directory).catch(() => undefined);
  if (stat?.isDirectory()) return;
  throw new ArchiveError(
    `${directory} must be the directory where the volume is mounted, got ${stat ? 'something else' : 'nothing'}`,
  );
}

async function topNames(store: ObjectStore, manifestKey: string, header: ManifestHeader): Promise<string[]> {
  const names: string[] = [];
  const selection = { needsPage: () => true, isWanted: (path: string) => !path.includes('/') };
  for await (const { entries } of readEntries(store, manifestKey, header, selection)) {
    names.push(...entries.map(({ path }) => path).filter((path) => !path.includes('/')));
  }
  return names;
}

const OF_FILE_SERVERS = new Set(['lost+found', '.snapshot']);

function whyLeaveAlone(
  directory: string,
  name: string,
  { mountedAt }: ManifestHeader,
  isInPoint: boolean,
): string | undefined {
  const stat = lstatSync(join(directory, name), { throwIfNoEntry: false });
  if (stat?.isDirectory() && stat.dev !== lstatSync(directory).dev) {
    return 'another file system is mounted there: restore its volume by itself';
  }
  if (isInPoint) return undefined;
  if (OF_FILE_SERVERS.has(name)) return 'it belongs to the file system';
  return exclusionReason(mountedAt, name);
}

/** An embedded H2 database is in no export, and a server does not start without it: the local registry is one. */
async function carryOver({ mountedAt }: ManifestHeader, kept: string, directory: string): Promise<string[]> {
  const folder = databaseFolder(mountedAt);
  if (folder === undefined) return [];
  const carried: string[] = [];
  for (const name of await readdir(join(kept, folder)).catch(() => [])) {
    const path = join(folder, name);
    if (exclusionReason(mountedAt, path) === undefined) continue;
    await mkdir(dirname(join(directory, path)), { recursive: true });
    // A copy: the way back is as whole as it was.
    await cp(join(kept, path), join(directory, path), { preserveTimestamps: true, errorOnExist: true, force: false });
    carried.push(join(directory, path));
  }
  return carried;
}

/** `<IS_HOME>/repository/database`, relative to the volume; undefined where it is not on it. */
function databaseFolder(mountedAt: string): string | undefined {
  const path = 'repository/database';
  if (mountedAt === '') return path;
  return path.startsWith(`${mountedAt}/`) ? path.slice(mountedAt.length + 1) : undefined;
}
