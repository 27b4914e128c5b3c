/** What restores that replaced something have moved aside: kept until somebody says that it may go. */
import { lstat, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ArchiveError } from '../errors';
import { isThere, keptStem, removeTree, wholeVolume } from './put-in-place';

export interface DropOptions {
  /** As it was given to the restore. */
  readonly target: string;
  /** The same. Default: what was kept of the whole target. */
  readonly paths?: readonly string[];
  /** Says what would be dropped, and drops nothing. */
  readonly dryRun?: boolean;
}

/**
 * Drops what was kept, oldest first.
 *
 * @returns paths of what is gone
 * @throws ArchiveError when what took its place is not there: what was kept is all that there is, then; nothing is dropped
 */
export async function dropReplaced({ target, paths, dryRun = false }: DropOptions): Promise<string[]> {
  const root = resolve(target);
  const kept: string[] = [];
  if (!paths) kept.push(...(await keptInside(root)));
  for (const place of paths?.map((path) => join(root, path)) ?? [root]) {
    const found = await keptOf(place);
    if (found.length > 0 && !(await isThere(place))) {
      throw new ArchiveError(`${place} is not there: ${found.at(-1)} is what there is of it, and was not dropped`);
    }
    kept.push(...found);
  }
  if (!dryRun) for (const path of kept) await removeTree(path);
  return kept;
}

/** Of a directory that could not be moved aside itself. */
async function keptInside(root: string): Promise<string[]> {
  const kept = await keptOf(wholeVolume(root));
  if (kept.length === 0) return [];
  const others = (await readdir(root)).filter((name) => !kept.includes(join(root, name)));
  if (others.length > 0) return kept;
  throw new ArchiveError(`nothing else is in ${root}: ${kept.at(-1)} is what there is of it, and was not dropped`);
}

async function keptOf(place: string): Promise<string[]> {
  const stem = keptStem(place);
  const folder = dirname(place);
  if (
    !(await lstat(folder).then(
      (stat) => stat.isDirectory(),
      () => false,
    ))
  )
    return [];
  return (await readdir(folder))
    .filter((name) => name.startsWith(stem) && /^[1-9]\d*$/.test(name.slice(stem.length)))
    .sort((a, b) => Number(a.slice(stem.length)) - Number(b.slice(stem.length)))
    .map((name) => join(folder, name));
}
