/** The directory in which a restore works, beside the target or in it: its name, room for it, and what others have left. */
import { randomBytes } from 'node:crypto';
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ArchiveError } from '../errors';
import type { Counts } from '../counts';
import { removeTree } from './put-in-place';

/** Long names leave room for what is added. */
const NAME_CHARACTERS = 60;

const stemOf = (target: string) => `.${basename(target).slice(0, NAME_CHARACTERS)}.restoring-`;

/**
 * On the same file system as the target, so that a rename is atomic. Nobody can have put a link in the place of a random
 * name; the rest of it says which process works there.
 */
export const stagingName = (target: string): string =>
  `${stemOf(target)}${ownerOf(process.pid) ?? 'unknown'}-${randomBytes(6).toString('hex')}`;

const OWNED_NAME = /^([0-9a-f]{12}\.\d+)\.(\d+)\.\d+-[0-9a-f]{12}$/;

/** A process of this machine, as no other is called: the machine's start, its space of process ids, the id, its start. */
function ownerOf(pid: number | string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program is in parentheses and may hold any; the 22nd field is the start, in ticks.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${space()}.${pid}.${started}`;
  } catch {
    return undefined;
  }
}

/** Where process ids mean the same as here. */
function space(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
    .replaceAll(/[^0-9a-f]/g, '')
    .slice(0, 12);
  return `${boot}.${/\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0]}`;
}

export interface LeftOvers {
  /** Of restores of this machine that were killed; removed now. */
  readonly removed: readonly string[];
  /** Of others, which may still run: of another machine, or from before this one was started anew. */
  readonly left: readonly string[];
}

/** Removes what killed restores of this target have left, where nobody can be working in it any more. */
export async function removeLeftOvers(directory: string, target: string): Promise<LeftOvers> {
  const stem = stemOf(target);
  const removed: string[] = [];
  const left: string[] = [];
  for (const name of await readdir(directory)) {
    if (!name.startsWith(stem)) continue;
    const path = join(directory, name);
    const state = stateOf(path, name.slice(stem.length));
    if (state === 'running') continue;
    const gone =
      state === 'ended' &&
      (await removeTree(path).then(
        () => true,
        () => false,
      ));
    (gone ? removed : left).push(path);
  }
  return { removed, left };
}

function stateOf(path: string, suffix: string): 'running' | 'ended' | 'unknown' {
  const [, where, pid] = OWNED_NAME.exec(suffix) ?? [];
  const stat = lstatSync(path, { throwIfNoEntry: false });
  // What is another user's is not ours, whatever it is called.
  if (!stat?.isDirectory() || stat.uid !== process.geteuid?.()) return 'unknown';
  const here = ownerOf('self') === undefined ? undefined : space();
  if (where === undefined || here !== where) return 'unknown';
  return suffix.startsWith(`${ownerOf(pid!)}-`) ? 'running' : 'ended';
}

/**
 * @throws ArchiveError when the file system has less room than the contents alone take, or fewer entries
 */
export async function checkRoom(directory: string, needed: Counts): Promise<void> {
  const { bavail, bsize, files, ffree } = await statfs(directory);
  const entries = needed.files + needed.directories + needed.symlinks;
  if (needed.bytes > bavail * bsize) {
    throw new ArchiveError(
      `the restore takes ${needed.bytes} bytes, and ${directory} has room for ${bavail * bsize}: free some, or choose another target`,
    );
  }
  // Where entries are not limited, it says 0.
  if (files > 0 && entries > ffree) {
    throw new ArchiveError(
      `the restore makes ${entries} files and directories, and the file system of ${directory} has inodes for ${ffree}: free some, or choose another target`,
    );
  }
}
