/**
 * What AWS Backup restores of a file system: never in its place, but in `aws-backup-restore_<time>/` at the root, on a new file
 * system too. A restore that does not finish leaves `aws-backup-failed-restore_<time>/` (EFS user guide, "Using AWS Backup").
 */
import { chmod, lchown, lstat, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pathOnVolume } from '../shared/mount-path';
import type { AdoptEvent, RestoreResult, SweepResult } from './contract';
import { removeFolders } from './remove-folders';

const RESTORED = 'aws-backup-restore_';
const LEFT = [RESTORED, 'aws-backup-failed-restore_'];

/** Names at the root of the file system. */
export async function recoveryDirectories(mountPath: string): Promise<readonly string[]> {
  return (await readdir(mountPath)).filter((name) => LEFT.some((prefix) => name.startsWith(prefix))).sort();
}

/**
 * Which of the directories that are there now is that of the restore which began when `before` were there. AWS Backup does not say
 * it of its job. Pure.
 *
 * @throws Error where it is none, or not one alone
 */
export function newRecoveryDirectory(before: readonly string[], now: readonly string[]): string {
  const [found, ...others] = now.filter((name) => name.startsWith(RESTORED) && !before.includes(name));
  if (found === undefined) {
    throw new Error(
      `AWS Backup left no new directory ${RESTORED}... at the root of the restore volume` +
        (now.length === 0 ? '' : ` (there are ${now.join(', ')})`),
    );
  }
  if (others.length === 0) return found;
  throw new Error(
    `the restore volume has ${others.length + 1} new directories of AWS Backup, ${[found, ...others].join(', ')}: something else ` +
      'was restored to it at the same time; start again when that has ended',
  );
}

/**
 * Moves what was restored to where drills have it, and gives it to the user as whom their functions read; those who owned it in
 * production are not known here.
 */
export async function adopt(
  event: AdoptEvent,
  { mountPath, now }: { readonly mountPath: string; readonly now: () => number },
): Promise<RestoreResult> {
  const started = now();
  const directory = newRecoveryDirectory(event.before, await recoveryDirectories(mountPath));
  const inside = event.path.split('/').filter((part) => part !== '');
  const source = await pathOnVolume(mountPath, [directory, ...inside].join('/'));
  if (!(await lstat(source).catch(() => undefined))?.isDirectory()) {
    throw new Error(
      `the recovery point has no directory ${event.path}, to which the access point of the volume leads: see what ` +
        `${directory} on the restore volume holds`,
    );
  }
  const target = await pathOnVolume(mountPath, event.target);
  const owner = { uid: event.uid, gid: event.gid };
  await makeParents(mountPath, dirname(target), owner);
  const counts = await own(source, owner);
  // What is mounted within another volume has an empty directory in it, where it was mounted.
  await rmdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return;
    throw new Error(`${event.target} is there already: ${error.code}`, { cause: error });
  });
  await rename(source, target);
  await rm(join(mountPath, directory), { recursive: true, force: true, maxRetries: 3 });
  return { ...counts, durationMs: now() - started };
}

/** Of restores that ended before the moment: what is older than any drill is nobody's. Milliseconds since 1970. */
export async function sweepRecoveryDirectories(mountPath: string, before: number): Promise<SweepResult> {
  const old: string[] = [];
  for (const name of await recoveryDirectories(mountPath)) {
    // Another sweep may remove it meanwhile.
    const stats = await lstat(join(mountPath, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (stats && stats.ctimeMs <= before) old.push(name);
  }
  return removeFolders(mountPath, old);
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

async function makeParents(mountPath: string, parent: string, { uid, gid }: Owner): Promise<void> {
  let path = mountPath;
  for (const part of relative(mountPath, parent)
    .split('/')
    .filter((each) => each !== '')) {
    path = join(path, part);
    const made = await mkdir(path, { mode: 0o750 }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    );
    if (made) await give(path, { uid, gid });
  }
}

/** Where it is not root who does it, everything stays whose it is. */
const give = (path: string | Buffer, { uid, gid }: Owner) =>
  lchown(path, uid, gid).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPERM') throw error;
  });

/** How many entries are asked about at once: a network file system takes its time for each. */
const AT_ONCE = 64;

/** Everything below a directory, and itself. A directory that its owner could not look into could be checked by nobody. */
async function own(root: string, owner: Owner) {
  const counts = { files: 0, directories: 0, symlinks: 0, bytes: 0 };
  const directories = [Buffer.from(root)];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    await give(directory, owner);
    const { mode } = await lstat(directory);
    if ((mode & 0o500) !== 0o500) await chmod(directory, (mode & 0o7777) | 0o500);
    const parent = directory;
    const names = await readdir(parent, { encoding: 'buffer' });
    for (let first = 0; first < names.length; first += AT_ONCE) {
      await Promise.all(
        names.slice(first, first + AT_ONCE).map(async (name) => {
          const path = Buffer.concat([parent, Buffer.from('/'), name]);
          const stats = await lstat(path);
          if (stats.isDirectory()) {
            counts.directories++;
            directories.push(path);
            return;
          }
          await give(path, owner);
          if (stats.isSymbolicLink()) counts.symlinks++;
          else {
            counts.files++;
            counts.bytes += stats.size;
            if (stats.isFile() && (stats.mode & 0o400) === 0) await chmod(path, (stats.mode & 0o7777) | 0o400);
          }
        }),
      );
    }
  }
  return counts;
}
