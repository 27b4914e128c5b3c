/** Exports that are under way, in the store: what one invocation leaves to the next. */
import { createHash } from 'node:crypto';
import { ArchiveDamagedError } from '../errors';
import { decodeFrame, encodeFrame } from '../frame';
import { MAX_MANIFEST_BYTES } from '../manifest';
import type { ObjectStore } from '../object-store';
import { decodeState, encodeState, type ExportState } from './state';

/** Prune deletes what is under it, like everything that no point names, when it is old enough. */
export const TURN_PREFIX = 'turns/';

const keyOf = (sha256: string) => `${TURN_PREFIX}${sha256}.json.zst`;
const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** @returns its key, relative to the store */
export const saveState = (store: ObjectStore, state: ExportState): Promise<string> => save(store, encodeState(state));

/** @throws ArchiveDamagedError when it is not there, or not what was saved */
export const loadState = async (store: ObjectStore, key: string): Promise<ExportState> =>
  decodeState(await load(store, key));

/** The same of the header of a manifest that is not signed yet. */
export const saveHeader = (store: ObjectStore, bytes: Buffer): Promise<string> => save(store, encodeFrame(bytes));

export const loadHeader = async (store: ObjectStore, key: string): Promise<Buffer> =>
  decodeFrame(await load(store, key), MAX_MANIFEST_BYTES);

async function save(store: ObjectStore, bytes: Buffer): Promise<string> {
  const sha256 = sha256Of(bytes);
  await store.put(keyOf(sha256), bytes, sha256, { transient: true });
  return keyOf(sha256);
}

async function load(store: ObjectStore, key: string): Promise<Buffer> {
  const bytes = await store.get(key);
  if (!bytes) throw new ArchiveDamagedError(store.prefix + key, 'the state of the export is missing');
  if (key !== keyOf(sha256Of(bytes)))
    throw new ArchiveDamagedError(store.prefix + key, 'the state of the export is not what was saved');
  return bytes;
}
