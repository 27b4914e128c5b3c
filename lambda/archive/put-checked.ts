import { ArchiveDamagedError } from './errors';
import type { ObjectStore } from './object-store';

/**
 * Puts an object and looks at what is there then, before anything names it: what is stored must be what was sent.
 *
 * @returns whether it was not there before
 * @throws ArchiveDamagedError when something else is there
 */
export async function putChecked(store: ObjectStore, key: string, body: Buffer, sha256: string): Promise<boolean> {
  const result = await store.put(key, body, sha256);
  const head = await store.head(key);
  const name = store.prefix + key;
  if (!head) throw new ArchiveDamagedError(name, 'it is not in the archive after it was written');
  if (head.bytes !== body.length) {
    throw new ArchiveDamagedError(name, `${body.length} bytes were written, ${head.bytes} are stored`);
  }
  if (head.sha256 !== undefined && head.sha256 !== sha256) {
    throw new ArchiveDamagedError(name, 'another SHA-256 is stored than was written');
  }
  return result === 'created';
}
