/**
 * What the archive needs of the place that it is kept in. Keys are relative to `prefix`.
 *
 * Objects are written once and never changed: a `put` under an existing key leaves the object as it is.
 */
export interface ObjectStore {
  /** Ends with a slash, or is empty; with it a relative key becomes the key in the bucket. */
  readonly prefix: string;
  /** For messages: `s3://bucket/prefix/`. */
  readonly description: string;

  /**
   * Writes with a SHA-256 checksum (hex) that the store verifies, if the key does not exist. With `renew` an object that is
   * there is written once more: then it is as young as a new one, and no prune takes it for left over.
   */
  put(key: string, body: Buffer, sha256: string, options?: PutOptions): Promise<'created' | 'exists'>;

  /**
   * The whole object or a part of it; undefined when there is no such object.
   *
   * @param into memory of the caller that may be used for it, at its beginning, or not: what comes back says where it is
   */
  get(key: string, range?: ByteRange, into?: Uint8Array): Promise<Buffer | undefined>;

  /** Undefined when there is no such object. */
  head(key: string): Promise<ObjectHead | undefined>;

  /** All objects whose key begins with this, in the order of their keys. */
  list(keyPrefix: string): AsyncIterable<ListedObject>;

  /** Deleting what is not there is no error; what may not be deleted yet (object lock) is an {@link ObjectLockedError}. */
  delete(key: string): Promise<void>;

  /** The store's own clock. */
  time(): Promise<Date>;

  /** Retention that the store gives each new object; undefined without object lock. */
  defaultRetention(): Promise<DefaultRetention | undefined>;

  /** Makes the time longer for which an object cannot be deleted; it never becomes shorter. */
  extendLock(key: string, until: Date): Promise<void>;
}

export interface PutOptions {
  readonly renew?: boolean;
  /** It serves an export that is under way and no point: the bucket may let it expire. */
  readonly transient?: boolean;
}

export interface DefaultRetention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  readonly days: number;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface ObjectHead {
  readonly bytes: number;
  /** Hex; undefined when the store keeps none for this object. */
  readonly sha256: string | undefined;
  readonly modified: Date;
  /** Until then it cannot be deleted. */
  readonly lockedUntil?: Date;
}

export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  readonly modified: Date;
}

/** As {@link ObjectStore.get}, surely in that memory: how many bytes, undefined when there is no such object. */
export async function getInto(
  store: ObjectStore,
  key: string,
  into: Uint8Array,
  range?: ByteRange,
): Promise<number | undefined> {
  const body = await store.get(key, range, into);
  if (!body) return undefined;
  if (body.buffer === into.buffer && body.byteOffset === into.byteOffset) return body.length;
  into.set(body.subarray(0, into.length));
  return body.length;
}
