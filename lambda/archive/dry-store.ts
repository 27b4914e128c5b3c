import type { ListedObject, ObjectHead, ObjectStore, PutOptions } from './object-store';

/** Looks like another store in which everything that is put is there, but writes nothing. */
export class DryStore implements ObjectStore {
  readonly prefix: string;
  readonly description: string;
  readonly #put = new Map<string, ObjectHead>();

  constructor(private readonly store: ObjectStore) {
    this.prefix = store.prefix;
    this.description = store.description;
  }

  async put(key: string, body: Buffer, sha256: string, _options?: PutOptions): Promise<'created' | 'exists'> {
    if (this.#put.has(key) || (await this.store.head(key))) return 'exists';
    this.#put.set(key, { bytes: body.length, sha256, modified: new Date() });
    return 'created';
  }

  get(...args: Parameters<ObjectStore['get']>) {
    return this.store.get(...args);
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    return this.#put.get(key) ?? this.store.head(key);
  }

  async *list(keyPrefix: string): AsyncIterable<ListedObject> {
    yield* this.store.list(keyPrefix);
    for (const [key, { bytes, modified }] of this.#put) if (key.startsWith(keyPrefix)) yield { key, bytes, modified };
  }

  async delete(): Promise<void> {}

  time() {
    return this.store.time();
  }

  defaultRetention() {
    return this.store.defaultRetention();
  }

  async extendLock(): Promise<void> {}
}
