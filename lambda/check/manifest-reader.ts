import type { S3Client } from '@aws-sdk/client-s3';
import type { FileEntry, ManifestEntry } from '../archive/manifest';
import { readManifest } from '../archive/points';
import { S3Store } from '../archive/s3-store';
import type { ExpectedEntry, Surroundings } from './check';

/** Reads the manifest again from the bucket: what the restore said of itself proves nothing. */
export function manifestReader(client: S3Client, bucket: string): Surroundings['readManifest'] {
  return async ({ archivePrefix, manifestKey }) => {
    const { header, entries } = await readManifest(new S3Store(client, bucket, archivePrefix), manifestKey);
    return {
      entries: expectedEntries(entries),
      problems: header.problems.map(({ path, reason }) => `${path}: ${reason}`),
    };
  };
}

/** Each name of a hard link is a file with the content of its target. */
export function expectedEntries(entries: readonly ManifestEntry[]): readonly ExpectedEntry[] {
  const files = new Map(entries.flatMap((entry) => (entry.type === 'file' ? [[entry.path, entry] as const] : [])));
  const file = (path: string, { size, sha256 }: FileEntry): ExpectedEntry => ({ path, type: 'file', size, sha256 });
  return entries.map((entry) => {
    const { path } = entry;
    switch (entry.type) {
      case 'file':
        return file(path, entry);
      case 'directory':
        return { path, type: 'directory', size: 0 };
      case 'symlink':
        return { path, type: 'symlink', size: 0, linkTarget: entry.target };
      case 'hardlink': {
        const target = files.get(entry.target);
        if (target === undefined)
          throw new Error(`the manifest links ${path} to ${entry.target}, which it does not hold`);
        return file(path, target);
      }
    }
  });
}
