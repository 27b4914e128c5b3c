/** Suspicious points: an export says so in its manifest, which never changes; a person says beside it that it is good. */
import { createHash } from 'node:crypto';
import { MANIFEST_PREFIX, type ManifestHeader } from '../manifest';
import type { ObjectStore } from '../object-store';

export const TRUST_PREFIX = 'trusted/';

/** By the name of the manifest, which contains its SHA-256. */
function trustKey(store: ObjectStore, manifestKey: string): string {
  const name = manifestKey.slice((store.prefix + MANIFEST_PREFIX).length);
  return `${TRUST_PREFIX}${name.replace(/\.jsonl\.zst$/, '')}.json`;
}

/**
 * Why a point must not be restored as it is: the reasons of its export, unless a person said that it is good.
 *
 * @param manifestKey key in the bucket, the store's prefix included
 */
export async function suspicionOf(
  store: ObjectStore,
  manifestKey: string,
  { suspicious = [] }: Pick<ManifestHeader, 'suspicious'>,
): Promise<string | undefined> {
  if (suspicious.length === 0) return undefined;
  const trusted = await store.head(trustKey(store, manifestKey));
  return trusted ? undefined : suspicious.join('; ');
}

/** @param reason for people; the mark in the manifest stays, this stands beside it for good */
export async function trust(
  store: ObjectStore,
  manifestKey: string,
  reason: string,
  now: Date,
): Promise<'created' | 'exists'> {
  const body = Buffer.from(`${JSON.stringify({ reason, trustedAt: now.toISOString() })}\n`);
  return store.put(trustKey(store, manifestKey), body, createHash('sha256').update(body).digest('hex'));
}
