/** The folder that a demo leaves its report in: one demo at a time writes to it. */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from './input-error';

/**
 * Takes the folder, which is made, until `release`.
 *
 * @throws InputError if a demo that runs has it
 */
export function takeReportFolder(folder: string): { release(): void } {
  const lock = join(folder, 'demo.lock');
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new InputError(`--out must be a directory or one to be made, got '${folder}': ${(error as Error).message}`);
  }
  // Nobody must see a lock without its process, so it is written elsewhere first.
  const own = `${lock}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    take(lock, own, folder);
  } finally {
    rmSync(own);
  }
  return { release: () => rmSync(lock, { force: true }) };
}

function take(lock: string, own: string, folder: string): void {
  for (;;) {
    try {
      return linkSync(own, lock);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = read(lock);
    if (isAlive(holder)) {
      throw new InputError(
        `${folder} is in use by another demo (process ${holder}): wait for its end, or give another folder with --out`,
      );
    }
    // Of a demo that was killed.
    rmSync(lock, { force: true });
  }
}

function read(lock: string): number {
  try {
    return Number(readFileSync(lock, 'utf8'));
  } catch {
    return 0;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
