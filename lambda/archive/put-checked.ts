import pMap from 'p-map';
import { ArchiveDamagedError } from './errors';
import type { ObjectStore } from './object-store';

/** An object that this run has put. */
export interface PutObject {
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Keys of one answer to a list request of S3. */
const LISTED_AT_ONCE = 1000;
const HEADS_IN_FLIGHT = 16;

/**
 * Looks at what is in the archive after it was put, before anything names it: what is stored must be what was sent. The
 * store has compared each SHA-256 when it took the object; here it is asked what it has, with as few requests as can be.
 *
 * @param prefixes of the objects' keys
 * @param present how many objects are there about
 * @throws ArchiveDamagedError when an object is not there, or not as it was sent
 */
export async function checkStored(
  store: ObjectStore,
  objects: readonly PutObject[],
  prefixes: readonly string[],
  present: number,
): Promise<void> {
  const lists = Math.ceil((present + objects.length) / LISTED_AT_ONCE) + prefixes.length - 1;
  if (objects.length <= lists) {
    await pMap(objects, (object) => checkHead(store, object), { concurrency: HEADS_IN_FLIGHT });
    return;
  }
  const wanted = new Map(objects.map((object) => [object.key, object]));
  for (const prefix of prefixes) {
    for await (const { key, bytes } of store.list(prefix)) {
      const object = wanted.get(key);
      if (!object) continue;
      checkSize(store, object, bytes);
      wanted.delete(key);
    }
  }
  for (const { key } of wanted.values()) throw missing(store, key);
}

async function checkHead(store: ObjectStore, object: PutObject): Promise<void> {
  const head = await store.head(object.key);
  if (!head) throw missing(store, object.key);
  checkSize(store, object, head.bytes);
  if (head.sha256 !== undefined && head.sha256 !== object.sha256) {
    throw new ArchiveDamagedError(store.prefix + object.key, 'another SHA-256 is stored than was written');
  }
}

function checkSize(store: ObjectStore, { key, bytes }: PutObject, stored: number): void {
  if (stored !== bytes) {
    throw new ArchiveDamagedError(store.prefix + key, `${bytes} bytes were written, ${stored} are stored`);
  }
}

const missing = (store: ObjectStore, key: string) =>
  new ArchiveDamagedError(store.prefix + key, 'it is not in the archive after it was written');
