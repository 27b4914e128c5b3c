/** What was restored is on the disk before anything is moved aside for it: a machine that loses power keeps one or the other. */
import { execFile } from 'node:child_process';
import { closeSync, constants, fsyncSync, openSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { pathFromBytes } from '../byte-path';
import { ArchiveError, codeOf, messageOf } from '../errors';
import { atPath } from '../long-path';

/** With more entries, one call for the whole file system (syncfs) costs less than one for each of them. */
const FEW_ENTRIES = 100;

/** @throws ArchiveError when the disk did not take it */
export async function syncTree(root: string, entries: number): Promise<void> {
  try {
    if (entries > FEW_ENTRIES && (await syncFileSystem(root))) return;
    syncEach(root, '');
  } catch (error) {
    throw new ArchiveError(`what was restored could not be written to the disk: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Node has no syncfs: the `sync` of coreutils and of busybox makes that call.
 *
 * @returns false where there is none that can
 */
async function syncFileSystem(root: string): Promise<boolean> {
  try {
    await promisify(execFile)('sync', ['-f', root]);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || /option|usage/i.test(messageOf(error))) return false;
    throw error;
  }
}

function syncEach(root: string, path: string): void {
  for (const entry of unlessDenied(() => atPath(root, path, list)) ?? []) {
    const inside = `${path === '' ? '' : `${path}/`}${pathFromBytes(entry.name)}`;
    if (entry.isDirectory()) syncEach(root, inside);
    else if (entry.isFile()) unlessDenied(() => atPath(root, inside, (at) => sync(at, constants.O_RDONLY)));
  }
  unlessDenied(() => atPath(root, path, syncDirectory));
}

const list = (at: string | Buffer) => readdirSync(at, { withFileTypes: true, encoding: 'buffer' });

/** What this process has just written may have a mode now by which it cannot be opened again. */
function unlessDenied<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (codeOf(error) === 'EACCES') return undefined;
    throw error;
  }
}

/** What is in it under which name. */
export const syncDirectory = (path: string | Buffer) => sync(path, constants.O_RDONLY | constants.O_DIRECTORY);

function sync(path: string | Buffer, flags: number): void {
  const descriptor = openSync(path, flags | constants.O_NOFOLLOW);
  try {
    fsyncSync(descriptor);
  } catch (error) {
    // Some file servers have no such call for directories.
    if (!['EINVAL', 'ENOTSUP'].includes(codeOf(error) ?? '')) throw error;
  } finally {
    closeSync(descriptor);
  }
}
