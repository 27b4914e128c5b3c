import { createHash } from 'node:crypto';
import type { FileEntry } from './entry';
import type { ManifestHeader } from './manifest';
import type { ObjectStore } from './object-store';
import { readEntries } from './points';
import { cut, decodeOf, fetchRange, wrongContent } from './ranges';
import { selectPaths } from './restore/selection';

/**
 * One file of a point, in memory: for small ones.
 *
 * @returns undefined where the point has no file of that path
 * @throws ArchiveDamagedError when a part of it is missing, cut short or changed
 */
export async function readFile(
  store: ObjectStore,
  manifestKey: string,
  header: ManifestHeader,
  path: string,
): Promise<Buffer | undefined> {
  for await (const { entries } of readEntries(store, manifestKey, header, selectPaths(header, [path]))) {
    const file = entries.find((entry): entry is FileEntry => entry.type === 'file' && entry.path === path);
    if (file) return contentOf(store, file);
  }
  return undefined;
}

async function contentOf(store: ObjectStore, { path, pieces, sha256 }: FileEntry): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const piece of pieces) {
    parts.push(cut(store.prefix, piece, decodeOf(store.prefix, piece, await fetchRange(store, piece))));
  }
  const content = Buffer.concat(parts);
  if (createHash('sha256').update(content).digest('hex') !== sha256) throw wrongContent(store.prefix, pieces, path);
  return content;
}
