/** What it was measured on. */
import { statfsSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

export const machine = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cpus: cpus().length,
  memoryBytes: totalmem(),
  kernel: release(),
});

/** Bytes that are free where this folder is; 0 when it is not there. */
export function roomOn(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
