import { createHash } from 'node:crypto';
import type { ByteRange, ListedObject, ObjectHead, ObjectStore } from './object-store';

/** An object store in memory, for tests and for trying. */
export class MemoryStore implements ObjectStore {
  readonly description = 'memory://';

  constructor(
    readonly prefix = '',
    /** By relative key; open to tests, which damage what is in it. */
    readonly objects = new Map<string, Buffer>(),
  ) {}

  async put(key: string, body: Buffer, sha256: string): Promise<'created' | 'exists'> {
    if (createHash('sha256').update(body).digest('hex') !== sha256) throw new Error(`BadDigest: ${key}`);
    if (this.objects.get(key)?.length === body.length) return 'exists';
    this.objects.set(key, Buffer.from(body));
    return 'created';
  }

  async get(key: string, range?: ByteRange): Promise<Buffer | undefined> {
    const body = this.objects.get(key);
    return body && Buffer.from(range ? body.subarray(range.offset, range.offset + range.length) : body);
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const body = this.objects.get(key);
    return body && { bytes: body.length, sha256: createHash('sha256').update(body).digest('hex') };
  }

  async *list(keyPrefix: string): AsyncIterable<ListedObject> {
    for (const key of [...this.objects.keys()].sort()) {
      if (key.startsWith(keyPrefix)) yield { key, bytes: this.objects.get(key)!.length };
    }
  }

  async delete(key: string): Promise<void> {
    this.objects.delete(key);
  }
}
