/** Whether a directory still holds what a point does: by content, not by times and owners, which another machine has others of. */
import { createHash } from 'node:crypto';
import { displayPath } from '../archive/byte-path';
import type { ManifestEntry } from '../archive/entry';
import { exclusionReason } from '../archive/exclusions';
import type { ObjectStore } from '../archive/object-store';
import { readEntries, readHeader } from '../archive/points';
import type { Volume, VolumeStat } from '../archive/volume';

export interface TreeDifference {
  readonly path: string;
  /** As seen from the point. */
  readonly change: 'added' | 'removed' | 'type' | 'content' | 'target' | 'mode';
}

export async function compareTree(store: ObjectStore, manifestKey: string, volume: Volume): Promise<TreeDifference[]> {
  const header = await readHeader(store, manifestKey);
  const there = new Map(walk(volume, header.mountedAt));
  const differences: TreeDifference[] = [];
  const contents = new Map<string, string>();
  for await (const { entries } of readEntries(store, manifestKey, header)) {
    for (const entry of entries) {
      const stat = there.get(entry.path);
      there.delete(entry.path);
      if (entry.type === 'file') contents.set(entry.path, entry.sha256);
      const change = stat === undefined ? 'removed' : changeOf(entry, stat, volume, contents);
      if (change !== undefined) differences.push({ path: displayPath(entry.path), change });
    }
  }
  for (const path of there.keys()) differences.push({ path: displayPath(path), change: 'added' });
  return differences;
}

function* walk(volume: Volume, mountedAt: string, directory = ''): Generator<[string, VolumeStat]> {
  for (const name of volume.readDirectory(directory)) {
    const path = directory === '' ? name : `${directory}/${name}`;
    if (exclusionReason(mountedAt, path) !== undefined) continue;
    const stat = volume.stat(path);
    if (stat.type === 'other') continue;
    yield [path, stat];
    if (stat.type === 'directory') yield* walk(volume, mountedAt, path);
  }
}

function changeOf(
  entry: ManifestEntry,
  stat: VolumeStat,
  volume: Volume,
  contents: ReadonlyMap<string, string>,
): TreeDifference['change'] | undefined {
  // A hard link may have become a file of its own on another machine: the content is what counts.
  const type = entry.type === 'hardlink' ? 'file' : entry.type;
  if (stat.type !== type) return 'type';
  if (entry.type === 'symlink') return volume.readLink(entry.path) === entry.target ? undefined : 'target';
  if (stat.mode !== entry.mode) return 'mode';
  if (entry.type === 'directory') return undefined;
  if (entry.type === 'file' && entry.size !== stat.size) return 'content';
  const sha256 = entry.type === 'file' ? entry.sha256 : contents.get(entry.target);
  return sha256Of(volume, entry.path) === sha256 ? undefined : 'content';
}

const CHUNK = 1024 * 1024;

function sha256Of(volume: Volume, path: string): string {
  const file = volume.open(path);
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (let position = 0; ;) {
      const read = file.read(buffer, 0, CHUNK, position);
      hash.update(buffer.subarray(0, read));
      position += read;
      if (read < CHUNK) return hash.digest('hex');
    }
  } finally {
    file.close();
  }
}
