/** An archive as it was at some time, in a bucket that keeps versions: whatever was deleted or written over since is there. */
import { ArchiveError } from './errors';
import type { ByteRange, ListedObject, ObjectHead, ObjectStore } from './object-store';
import type { ObjectVersion, S3Store } from './s3-store';

export class PastStore implements ObjectStore {
  readonly prefix: string;
  readonly description: string;

  private constructor(
    private readonly store: S3Store,
    private readonly versions: ReadonlyMap<string, ObjectVersion>,
    at: Date,
  ) {
    this.prefix = store.prefix;
    this.description = `${store.description} as of ${at.toISOString()}`;
  }

  /** Asks for all versions once. */
  static async open(store: S3Store, at: Date): Promise<PastStore> {
    const newest = new Map<string, ObjectVersion>();
    for await (const version of store.listVersions()) {
      if (version.modified > at) continue;
      const before = newest.get(version.key);
      const age = before ? version.modified.getTime() - before.modified.getTime() : 1;
      // Times are to the second. Of a deletion within it, what was there is kept: its name says whether it is right.
      if (age > 0 || (age === 0 && before?.deleted)) newest.set(version.key, version);
    }
    const there = [...newest].filter(([, { deleted }]) => !deleted).sort(([a], [b]) => (a < b ? -1 : 1));
    return new PastStore(store, new Map(there), at);
  }

  async get(key: string, range?: ByteRange, into?: Uint8Array): Promise<Buffer | undefined> {
    const version = this.versions.get(key);
    return version && this.store.get(key, range, into, version.versionId);
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const version = this.versions.get(key);
    return version && { bytes: version.bytes, sha256: undefined, modified: version.modified };
  }

  async *list(keyPrefix: string): AsyncIterable<ListedObject> {
    for (const version of this.versions.values()) if (version.key.startsWith(keyPrefix)) yield version;
  }

  time(): Promise<Date> {
    return this.store.time();
  }

  async defaultRetention() {
    return undefined;
  }

  async put(): Promise<never> {
    return this.#refuse();
  }

  async delete(): Promise<never> {
    return this.#refuse();
  }

  async extendLock(): Promise<never> {
    return this.#refuse();
  }

  #refuse(): never {
    throw new ArchiveError(`${this.description} cannot be changed`);
  }
}
