/** Mounts a folder once more, with a delay added to each file operation. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { goBuild } from '../tools';

const binary = (cache: string) => join(cache, 'bin', 'slow-volume');

export const isBuilt = (cache: string): boolean => existsSync(binary(cache));

/** Takes Go; each time, since a build that is up to date takes no time. */
export const build = (cache: string): Promise<void> => goBuild(__dirname, binary(cache));

/** Why this machine cannot mount one; undefined when it can. */
export function obstacle(): string | undefined {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return `/dev/fuse cannot be used (${(error as NodeJS.ErrnoException).code}): a volume in user space needs it`;
  }
}

export interface SlowVolume {
  readonly root: string;
  /** Safe to call twice. */
  unmount(): Promise<void>;
}

const mounted = new Set<SlowVolume>();

/** A mount outlives us unless it is ended. */
export const unmountAll = async (): Promise<void> => {
  for (const volume of mounted) await volume.unmount();
};

export async function mountSlowVolume(cache: string, original: string, mountPoint: string): Promise<SlowVolume> {
  mkdirSync(mountPoint, { recursive: true });
  const child = spawn(binary(cache), ['-delay', '1ms', original, mountPoint], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', () => resolve());
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`the slow volume could not be mounted: ${said}`)));
  });
  const volume: SlowVolume = {
    root: mountPoint,
    unmount: async () => {
      if (!mounted.delete(volume)) return;
      if (child.exitCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        await ended;
      }
      rmdirSync(mountPoint);
    },
  };
  mounted.add(volume);
  return volume;
}
