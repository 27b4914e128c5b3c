import { closeSync, constants, openSync } from 'node:fs';
import { isPlain, pathToBytes } from './byte-path';

/** PATH_MAX is 4,096 bytes, the final NUL included. */
const MAX_PATH_BYTES = 4000;

/** Of a root and a path of printable ASCII together: a shorter one needs no care. */
export const MAX_PLAIN_PATH = MAX_PATH_BYTES / 4;

/**
 * Calls with the file system's path of a path below a root. A path that is longer than a system call takes is reached
 * through open descriptors of the directories on the way.
 */
export function atPath<T>(root: string, path: string, call: (at: string | Buffer) => T): T {
  if (path === '') return call(root);
  if (root.length + path.length < MAX_PLAIN_PATH && isPlain(path)) return call(`${root}/${path}`);
  const bytes = Buffer.concat([Buffer.from(`${root}/`), pathToBytes(path)]);
  return bytes.length <= MAX_PATH_BYTES ? call(bytes) : throughDescriptors(bytes, call);
}

function throughDescriptors<T>(path: Buffer, call: (at: Buffer) => T): T {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  let descriptor: number | undefined;
  let rest = path;
  try {
    while (rest.length > MAX_PATH_BYTES) {
      const slash = rest.lastIndexOf('/', MAX_PATH_BYTES - 64);
      const next = openSync(below(descriptor, rest.subarray(0, slash)), flags);
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = next;
      rest = rest.subarray(slash + 1);
    }
    return call(below(descriptor, rest));
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

const below = (descriptor: number | undefined, path: Buffer) =>
  descriptor === undefined ? path : Buffer.concat([Buffer.from(`/proc/self/fd/${descriptor}/`), path]);
