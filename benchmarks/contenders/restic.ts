/** restic, the baseline: with its defaults, its cache too. */
import { REGION } from '../server/server';
import { versionOf } from '../tools';
import { type Archive, awsEnvironment, type Contender } from './contender';

export const RESTIC = 'restic';

export function restic(): Contender | undefined {
  const version = versionOf('restic', 'version');
  if (version === undefined) return undefined;
  const command = (archive: Archive, args: readonly string[], cwd?: string) => ({
    program: 'restic',
    arguments: args,
    env: {
      ...awsEnvironment(archive, REGION),
      RESTIC_REPOSITORY: `s3:${archive.endpoint}/${archive.bucket}/archive`,
      RESTIC_PASSWORD: 'benchmark',
      RESTIC_CACHE_DIR: archive.cacheDir,
    },
    ...(cwd === undefined ? {} : { cwd }),
  });
  return {
    name: RESTIC,
    version,
    keeps: 'everything',
    incremental: true,
    initialise: (archive) => command(archive, ['init']),
    // Relative, so that the restored tree is not below the path of the original.
    export: (tree, archive) => command(archive, ['backup', '--host', 'bench', '.'], tree),
    restore: (archive, target) => command(archive, ['restore', 'latest', '--target', target]),
    verify: (archive) => command(archive, ['check', '--read-data']),
  };
}
