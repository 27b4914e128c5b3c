import { createHash } from 'node:crypto';
import { ObjectLockedError } from './errors';
import type { ByteRange, DefaultRetention, ListedObject, ObjectHead, ObjectStore, PutOptions } from './object-store';

export interface MemoryStoreOptions {
  /** Default: the clock of this machine. */
  readonly now?: () => Date;
  /** Object lock with this retention for each new object. */
  readonly retention?: DefaultRetention;
}

const DAY_MS = 24 * 3600 * 1000;

/** An object store in memory, for tests and for trying. */
export class MemoryStore implements ObjectStore {
  readonly description = 'memory://';
  readonly #modified = new Map<string, Date>();
  readonly #lockedUntil = new Map<string, Date>();

  constructor(
    readonly prefix = '',
    /** By relative key; open to tests, which damage what is in it. */
    readonly objects = new Map<string, Buffer>(),
    private readonly options: MemoryStoreOptions = {},
  ) {}

  async put(key: string, body: Buffer, sha256: string, { renew = false }: PutOptions = {}) {
    if (createHash('sha256').update(body).digest('hex') !== sha256) throw new Error(`BadDigest: ${key}`);
    const exists = this.objects.has(key);
    if (exists && !renew) return 'exists';
    this.objects.set(key, Buffer.from(body));
    this.#modified.set(key, this.#now());
    const { retention } = this.options;
    if (retention) await this.extendLock(key, new Date(this.#now().getTime() + retention.days * DAY_MS));
    return exists ? 'exists' : 'created';
  }

  async get(key: string, range?: ByteRange): Promise<Buffer | undefined> {
    const body = this.objects.get(key);
    return body && Buffer.from(range ? body.subarray(range.offset, range.offset + range.length) : body);
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const body = this.objects.get(key);
    if (!body) return undefined;
    const lockedUntil = this.#lockedUntil.get(key);
    return {
      bytes: body.length,
      sha256: createHash('sha256').update(body).digest('hex'),
      modified: this.#modifiedOf(key),
      ...(lockedUntil ? { lockedUntil } : {}),
    };
  }

  async *list(keyPrefix: string): AsyncIterable<ListedObject> {
    for (const key of [...this.objects.keys()].sort()) {
      if (!key.startsWith(keyPrefix)) continue;
      yield { key, bytes: this.objects.get(key)!.length, modified: this.#modifiedOf(key) };
    }
  }

  async delete(key: string): Promise<void> {
    const lockedUntil = this.#lockedUntil.get(key);
    if (lockedUntil && lockedUntil > this.#now()) throw new ObjectLockedError(this.prefix + key);
    this.objects.delete(key);
    this.#modified.delete(key);
    this.#lockedUntil.delete(key);
  }

  async time(): Promise<Date> {
    return this.#now();
  }

  async defaultRetention(): Promise<DefaultRetention | undefined> {
    return this.options.retention;
  }

  async extendLock(key: string, until: Date): Promise<void> {
    const before = this.#lockedUntil.get(key);
    if (!before || before < until) this.#lockedUntil.set(key, until);
  }

  #now(): Date {
    return (this.options.now ?? (() => new Date()))();
  }

  /** What a test has put into the map itself is as old as can be. */
  #modifiedOf(key: string): Date {
    return this.#modified.get(key) ?? new Date(0);
  }
}
