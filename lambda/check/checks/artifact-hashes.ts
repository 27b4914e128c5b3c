import { lstat, readlink } from 'node:fs/promises';
import { displayPath, pathFromBytes } from '../../archive/byte-path';
import type { ArchivedVolume, RestoredVolume } from '../contract';
import {
  type Check,
  failed,
  passed,
  someOf,
  warning,
  type ExpectedEntry,
  type Finding,
  type Surroundings,
} from '../check';
import { bytesOf, sha256OfFile, walk } from '../restored-tree';

/** Files hashed at once: enough to hide the latency of a network file system. */
const CONCURRENCY = 16;

/** Every restored file is what the export read: hashes, sizes, links, nothing missing, nothing extra. */
export const artifactHashes: Check = {
  name: 'artifact-hashes',
  targets: (surroundings) =>
    surroundings.event.volumes.map((volume) => ({
      component: volume.name,
      run: () => (isArchived(volume) ? compareVolume(volume, surroundings) : countFiles(volume, surroundings)),
    })),
};

const isArchived = (volume: RestoredVolume): volume is ArchivedVolume =>
  volume.archivePrefix !== undefined && volume.manifestKey !== undefined;

/** AWS Backup keeps no hashes: that files are there is all that can be said of them by themselves. */
async function countFiles(volume: RestoredVolume, { tree }: Surroundings): Promise<Finding> {
  const root = tree.absolute(volume.mountedAt);
  let files = 0;
  for await (const path of walk(root, tree.mountsWithin(volume))) {
    if ((await lstat(bytesOf(root, path))).isFile()) files++;
  }
  const compared = { files, filesInManifest: 0 };
  return files === 0
    ? failed(`the recovery point of AWS Backup held no file for ${volume.mountedAt}. Restore another one`, compared)
    : warning(
        `${files} files were restored to ${volume.mountedAt} from a recovery point of AWS Backup, which keeps no hashes to compare ` +
          'them with: only an export of the archive proves its files',
        compared,
      );
}

async function compareVolume(volume: ArchivedVolume, { tree, readManifest }: Surroundings): Promise<Finding> {
  const root = tree.absolute(volume.mountedAt);
  const { entries: expected, problems: notExported } = await readManifest(volume);
  const known = new Set(expected.map(({ path }) => path));
  const extra: string[] = [];
  for await (const path of walk(root, tree.mountsWithin(volume))) if (!known.has(path)) extra.push(displayPath(path));

  const problems: string[] = [];
  let bytes = 0;
  const queue = expected.values();
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      for (const entry of queue) {
        const problem = await compareEntry(bytesOf(root, entry.path), entry);
        if (problem === undefined) bytes += entry.type === 'file' ? entry.size : 0;
        else problems.push(`${displayPath(entry.path)} ${problem}`);
      }
    }),
  );

  const files = expected.filter(({ type }) => type === 'file').length;
  const compared = {
    filesInManifest: files,
    directoriesInManifest: expected.filter(({ type }) => type === 'directory').length,
    linksInManifest: expected.filter(({ type }) => type === 'symlink').length,
    bytesCompared: bytes,
    different: problems.length,
    extra: extra.length,
    notExported: notExported.length,
    manifest: volume.manifestKey,
  };
  if (problems.length > 0 || extra.length > 0) {
    const parts = [
      ...(problems.length > 0 ? [`${problems.length} differ from the manifest: ${someOf(problems.sort())}`] : []),
      ...(extra.length > 0 ? [`${extra.length} are in no manifest: ${someOf(extra.sort())}`] : []),
    ];
    return failed(
      `of the files restored to ${volume.mountedAt}, ${parts.join('; ')}. Restore another export`,
      compared,
    );
  }
  if (notExported.length > 0) {
    return warning(
      `all ${files} files are as exported, but the export could not read ${notExported.length} more: ` +
        `${someOf(notExported)}. Let the export function read them`,
      compared,
    );
  }
  return passed(`all ${files} files have the SHA-256 and size of the manifest, none is missing or extra`, compared);
}

async function compareEntry(absolute: Buffer, expected: ExpectedEntry): Promise<string | undefined> {
  const stats = await lstat(absolute).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (stats === undefined) return 'is missing';
  switch (expected.type) {
    case 'directory':
      return stats.isDirectory() ? undefined : 'is no directory';
    case 'symlink': {
      if (!stats.isSymbolicLink()) return 'is no symbolic link';
      const target = pathFromBytes(await readlink(absolute, { encoding: 'buffer' }));
      return target === expected.linkTarget ? undefined : `leads to ${target} instead of ${expected.linkTarget}`;
    }
    case 'file': {
      if (!stats.isFile()) return 'is no file';
      if (stats.size !== expected.size) return `has ${stats.size} bytes instead of ${expected.size}`;
      return (await sha256OfFile(absolute)) === expected.sha256 ? undefined : 'has another SHA-256';
    }
  }
}
