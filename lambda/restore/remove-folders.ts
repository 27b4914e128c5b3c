import { lstat, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { SweepResult } from './contract';

/** Removes each of them that it can; what it says it removed, no other sweep at the same time says. */
export async function removeFolders(mountPath: string, names: readonly string[]): Promise<SweepResult> {
  const folders: string[] = [];
  const failed: { folder: string; reason: string }[] = [];
  for (const name of names) {
    try {
      if (await removeFolder(join(mountPath, name))) folders.push(name);
    } catch (error) {
      failed.push({ folder: name, reason: (error as Error).message });
    }
  }
  return { folders, failed };
}

/** False: another one has removed it. Of many that empty a folder, one alone removes the folder itself. */
async function removeFolder(path: string): Promise<boolean> {
  try {
    if (!(await lstat(path)).isDirectory()) await unlink(path);
    else {
      for (const name of await readdir(path)) {
        await rm(join(path, name), { recursive: true, force: true, maxRetries: 3 });
      }
      await rmdir(path);
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
