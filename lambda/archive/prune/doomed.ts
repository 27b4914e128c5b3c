/**
 * Objects that no point named when a prune looked, and since when. They are deleted only after a time in which every export
 * that may have begun to rely on them has ended: an export takes from its parent, and may find again what one before it
 * left behind.
 */
import { createHash } from 'node:crypto';
import { ObjectLockedError } from '../errors';
import { decodeFrame, encodeFrame } from '../frame';
import { isCount, isRecord } from '../json-checks';
import { stampOf } from '../manifest';
import type { ObjectStore } from '../object-store';

const DOOMED_PREFIX = 'doomed/';
const MAX_BYTES = 512 * 1024 * 1024;

/** Since when, in milliseconds since 1970, by relative key. */
export type Doomed = ReadonlyMap<string, number>;

/** What the last prune has written down. A list that cannot be read is no list: then the time begins anew. */
export async function readDoomed(store: ObjectStore): Promise<{ readonly doomed: Doomed; readonly keys: string[] }> {
  const keys: string[] = [];
  for await (const { key } of store.list(DOOMED_PREFIX)) keys.push(key);
  keys.sort();
  for (const key of keys.toReversed()) {
    const body = await store.get(key);
    const doomed = body && parse(key, body);
    if (doomed) return { doomed, keys };
  }
  return { doomed: new Map(), keys };
}

function parse(key: string, body: Buffer): Doomed | undefined {
  if (!key.endsWith(`-${sha256Of(body)}.json.zst`)) return undefined;
  try {
    const value: unknown = JSON.parse(decodeFrame(body, MAX_BYTES).toString('utf8'));
    if (!isRecord(value)) return undefined;
    return new Map(Object.entries(value).filter((entry): entry is [string, number] => isCount(entry[1])));
  } catch {
    return undefined;
  }
}

export async function writeDoomed(store: ObjectStore, doomed: Doomed, now: Date, before: readonly string[]) {
  let written: string | undefined;
  if (doomed.size > 0) {
    const body = encodeFrame(Buffer.from(JSON.stringify(Object.fromEntries(doomed))));
    const sha256 = sha256Of(body);
    written = `${DOOMED_PREFIX}${stampOf(now)}-${sha256}.json.zst`;
    await store.put(written, body, sha256);
  }
  for (const key of before) {
    if (key === written) continue;
    // The newest counts: one that may not be deleted yet is in nobody's way, and goes with a later prune.
    await store.delete(key).catch((error: unknown) => {
      if (!(error instanceof ObjectLockedError)) throw error;
    });
  }
}

const sha256Of = (body: Buffer) => createHash('sha256').update(body).digest('hex');
