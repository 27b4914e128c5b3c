import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pathFromBytes, pathToBytes } from '../archive/byte-path';
import type { RestoredVolume } from './contract';

/** The restored files: `<IS_HOME>` as it would be, put together from the volumes. */
export class RestoredTree {
  constructor(
    /** `<MOUNT_PATH>/<drillId>` */
    readonly root: string,
    private readonly volumes: readonly RestoredVolume[],
  ) {}

  /** The volume whose files a path of `<IS_HOME>` belongs to: where mounts are nested, the innermost. */
  volumeOf(path: string): RestoredVolume | undefined {
    return this.volumes
      .filter(({ mountedAt }) => isBelow(path, mountedAt))
      .sort((a, b) => b.mountedAt.length - a.mountedAt.length)[0];
  }

  /** Paths, relative to this volume's root, where other volumes are mounted: their files are not this volume's. */
  mountsWithin(volume: RestoredVolume): readonly string[] {
    return this.volumes
      .filter((other) => other.name !== volume.name && isBelow(other.mountedAt, volume.mountedAt))
      .map((other) => relative(volume.mountedAt, other.mountedAt));
  }

  absolute(path: string): string {
    return join(this.root, path);
  }

  /**
   * What is at a path of `<IS_HOME>`. Links are followed as long as they stay in the restored files: one that leads out
   * would show this machine's own files as if they were restored.
   */
  async inspect(path: string): Promise<Inspection> {
    const absolute = this.absolute(path);
    const stats = await lstat(absolute).catch(ifMissing);
    if (stats === undefined) return { kind: 'missing' };
    // Also where a folder on the way is a link: `repository/tenants` is one in WSO2's clustering guide.
    const real = await realpath(absolute).catch(ifMissing);
    if (real === undefined || !isInside(real, await realpath(this.root))) {
      return { kind: 'link-outside', target: stats.isSymbolicLink() ? await readlink(absolute) : (real ?? absolute) };
    }
    return { kind: (await lstat(real)).isDirectory() ? 'directory' : 'file', absolute: real };
  }

  async readText(path: string): Promise<string | undefined> {
    const found = await this.inspect(path);
    return found.kind === 'file' ? readFile(found.absolute, 'utf8') : undefined;
  }
}

export type Inspection =
  | { readonly kind: 'missing' }
  | { readonly kind: 'link-outside'; readonly target: string }
  | { readonly kind: 'file' | 'directory'; readonly absolute: string };

export interface FoundEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
}

/**
 * Everything below a folder, links not followed, without what is at or below one of `except`. Names are bytes; their text
 * is that of the archive's manifests.
 */
export async function* walk(root: string, except: readonly string[], within = ''): AsyncGenerator<string> {
  for (const entry of await readdir(bytesOf(root, within), { withFileTypes: true, encoding: 'buffer' })) {
    const name = pathFromBytes(entry.name);
    const path = within === '' ? name : `${within}/${name}`;
    if (except.includes(path)) continue;
    yield path;
    if (entry.isDirectory()) yield* walk(root, except, path);
  }
}

/** The file name that a path of a manifest stands for. */
export function bytesOf(root: string, path: string): Buffer {
  return path === '' ? Buffer.from(root) : Buffer.concat([Buffer.from(`${root}/`), pathToBytes(path)]);
}

export async function sha256OfFile(absolute: string | Buffer): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(absolute), hash);
  return hash.digest('hex');
}

function isBelow(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

function isInside(absolute: string, root: string): boolean {
  return absolute === root || absolute.startsWith(root + sep);
}

function ifMissing(error: unknown): undefined {
  if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
  throw error;
}
