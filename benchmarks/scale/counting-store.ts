/** Counts and forgets what is put, but for what is read again: manifests, pages, states. */
import type { ListedObject, ObjectStore } from '../../lambda/archive/object-store';

const LISTED_AT_ONCE = 1000;

export class CountingStore implements ObjectStore {
  readonly prefix = 'archives/simulated/tenants/';
  readonly description = 'nowhere';
  requests = { put: 0, get: 0, list: 0, head: 0 };
  bytesPut = 0;
  readonly sizes = new Map<string, number>();
  readonly #kept = new Map<string, Buffer>();
  #keptBytes = 0;

  /** Memory that a bucket would hold, and not the function. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  async put(key: string, body: Buffer) {
    this.requests.put += 1;
    if (this.sizes.has(key)) return 'exists' as const;
    this.sizes.set(key, body.length);
    this.bytesPut += body.length;
    if (!key.startsWith('packs/')) {
      this.#kept.set(key, Buffer.from(body));
      this.#keptBytes += body.length;
    }
    return 'created' as const;
  }

  async get(key: string): Promise<Buffer | undefined> {
    this.requests.get += 1;
    return this.#kept.get(key);
  }

  async head(key: string) {
    this.requests.head += 1;
    const bytes = this.sizes.get(key);
    return bytes === undefined ? undefined : { bytes, sha256: undefined, modified: new Date() };
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    let count = 0;
    if (this.sizes.size === 0) this.requests.list += 1;
    for (const [key, bytes] of this.sizes) {
      if (!key.startsWith(prefix)) continue;
      if (count++ % LISTED_AT_ONCE === 0) this.requests.list += 1;
      yield { key, bytes, modified: new Date() };
    }
  }

  async delete(): Promise<void> {}
  async time() {
    return new Date();
  }
  async defaultRetention() {
    return undefined;
  }
  async extendLock(): Promise<void> {}
}
