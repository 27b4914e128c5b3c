import { lstat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A path on a mounted volume, from a relative one out of an event.
 *
 * @throws Error when it could lead out of the volume: absolute, empty, with `.` or `..`, or through a symbolic link
 */
export async function pathOnVolume(mountPath: string, relative: string): Promise<string> {
  const segments = relative.split('/');
  if (relative.includes('\0') || segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new Error(`\`target\` must be a relative path without . and .., got ${JSON.stringify(relative)}`);
  }
  let path = mountPath;
  for (const segment of segments) {
    path = join(path, segment);
    const stat = await lstat(path).catch(() => undefined);
    if (stat?.isSymbolicLink()) throw new Error(`\`target\` must not lead through a symbolic link, got ${relative}`);
  }
  return path;
}
