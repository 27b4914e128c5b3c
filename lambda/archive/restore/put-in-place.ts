/** Moves what was restored to where it belongs, and what was there aside. */
import { chmodSync, lstatSync, readdirSync } from 'node:fs';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ArchiveError, codeOf, messageOf } from '../errors';
import { syncDirectory } from './durable';

export interface Swap {
  readonly path: string;
  /** Where that which was there is kept. */
  readonly keptAt: string;
}

/**
 * @param paths relative to both; each is swapped alone. Default: the whole target
 * @throws ArchiveError when something is there that is not to be replaced, or a move fails; all is as it was then
 */
export async function putInPlace(
  staging: string,
  target: string,
  paths: readonly string[] | undefined,
  { replace, sync }: { readonly replace: boolean; readonly sync: boolean },
): Promise<Swap[]> {
  const moves = paths?.map((path) => ({ from: join(staging, path), to: join(target, path) })) ?? [
    { from: staging, to: target },
  ];
  for (const path of paths ?? []) await refuseLinks(target, path);
  const swaps: Swap[] = [];
  const done: { readonly from: string; readonly to: string }[] = [];
  try {
    for (const { from, to } of moves) {
      const there = await isThere(to);
      if (there && !replace) throw new ArchiveError(`the target must not exist yet, got ${to}`);
      if (there) {
        const keptAt = await freeName(to);
        await rename(to, keptAt);
        swaps.push({ path: to, keptAt });
      } else if (paths) await mkdir(dirname(to), { recursive: true });
      await rename(from, to);
      done.push({ from, to });
    }
  } catch (error) {
    // Back in the opposite order.
    for (const { from, to } of done.reverse()) await rename(to, from).catch(() => {});
    for (const { path, keptAt } of swaps.reverse()) await rename(keptAt, path);
    if (codeOf(error) === 'EBUSY') {
      throw new ArchiveError(
        `${target} is where a file system is mounted, and cannot be moved aside: replace the paths in it one by one`,
        { cause: error },
      );
    }
    throw error instanceof ArchiveError
      ? error
      : new ArchiveError(`nothing was replaced: ${messageOf(error)}`, { cause: error });
  }
  if (sync) for (const directory of new Set(moves.flatMap(({ to }) => holdersOf(target, to)))) syncDirectory(directory);
  // What is left of it are the directories that lead to the paths.
  if (paths) await removeTree(staging);
  return swaps;
}

/** The directories that lead to it from the target on, or the one that the target is in. */
function holdersOf(target: string, path: string): string[] {
  const holder = dirname(path);
  return path === target || holder === target ? [holder] : [...holdersOf(target, holder), holder];
}

/** A link on the way to a path leads to where nobody asked to have anything replaced. */
async function refuseLinks(target: string, path: string): Promise<void> {
  const names = path.split('/').slice(0, -1);
  for (let count = 1; count <= names.length; count += 1) {
    const holder = join(target, ...names.slice(0, count));
    const stat = await lstat(holder).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (!stat) return;
    if (stat.isSymbolicLink()) {
      throw new ArchiveError(`${holder} is a symbolic link: restore ${path} to where it leads, or replace ${holder}`);
    }
  }
}

/** Also a link that leads nowhere. */
export const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );

/** What was at a path is kept beside it under this name and a number. */
export const keptStem = (path: string): string => `.${basename(path)}.replaced-`;

/**
 * What was in a directory that cannot be moved aside itself, since a file system is mounted there, is kept in it, as if this had
 * been replaced: in the form that no export takes up, and that nobody has by chance.
 */
export const wholeVolume = (directory: string): string => join(directory, 'whole-volume');

export async function freeName(path: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = join(dirname(path), `${keptStem(path)}${number}`);
    if (!(await isThere(name))) return name;
  }
}

/** Not as root, what is in a directory without write permission cannot be removed as it is. */
export async function removeTree(root: string): Promise<void> {
  if (process.getuid?.() !== 0) openDirectories(Buffer.from(root));
  await rm(root, { recursive: true, force: true, maxRetries: 3 });
}

function openDirectories(path: Buffer): void {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path, { encoding: 'buffer' })) {
    openDirectories(Buffer.concat([path, Buffer.from('/'), name]));
  }
}
