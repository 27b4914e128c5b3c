import { basename, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import {
  archiveLocation,
  withCommonOptions,
  withMacKey,
  type ArchiveLocation,
  type SigningOptions,
} from '../archive/options';
import { withSpareThreads } from '../archive/spare-threads';
import { notEmpty } from '../arguments';
import { ExitStatus, formatBytes, progressOf, run } from '../output';

interface ExportOptions extends SigningOptions {
  readonly volumeMountedAt: string;
  readonly fullRead?: boolean;
  /** False with --no-parent. */
  readonly parent: boolean;
  readonly dryRun?: boolean;
}

/** Exit status 0: exported; 2: not, and no point exists; 3: exported without the files that are named. */
export function registerExport(program: Command): void {
  withMacKey(
    withCommonOptions(program.command('export')),
    'signs the point, and is to have signed the one that it takes from',
  )
    .description('export a directory into an archive; only what changed since the export before is read and stored')
    .argument('<dir>', 'directory to export', notEmpty)
    .argument('<archive>', 's3://BUCKET/PREFIX', archiveLocation)
    .option('--volume-mounted-at <path>', 'where the directory is, relative to <IS_HOME>', mountPlace, 'repository')
    .option('--full-read', 'read every file, also those that look unchanged')
    .option('--no-parent', 'store everything anew: mends what verify has found damaged')
    .option('--dry-run', 'read what an export would read, and write nothing')
    .action((directory: string, archive: ArchiveLocation, options: ExportOptions) => {
      const progress = progressOf('entries');
      return run(
        options,
        () =>
          withSpareThreads(true, async (spare) => {
            const { exportVolume } = await import('../../lambda/archive/export/export-volume');
            const { DirectoryVolume } = await import('../../lambda/archive/volume');
            const { authenticatorFor } = await import('../archive/authenticator');
            const { openStore } = await import('../archive/open-store');
            return exportVolume({
              volume: new DirectoryVolume(resolve(directory)),
              store: openStore(archive, options),
              volumeName: basename(archive.prefix) || basename(resolve(directory)),
              mountedAt: options.volumeMountedAt,
              fullRead: options.fullRead ?? false,
              withoutParent: !options.parent,
              dryRun: options.dryRun ?? false,
              authenticator: authenticatorFor(options),
              spare,
              onProgress: ({ entriesDone, entriesExpected, bytesRead }) =>
                progress({ done: entriesDone, total: entriesExpected }, { done: bytesRead }),
            });
          }),
        ({ manifestKey, counts, filesRead, bytesStored, problems, warnings }) => ({
          text: [
            `${options.dryRun ? 'would export' : 'exported'} ${counts.files} files, ${formatBytes(counts.bytes)}: ${filesRead} read, ${formatBytes(bytesStored)} stored`,
            ...(options.dryRun ? [] : [`point: s3://${archive.bucket}/${manifestKey}`]),
            ...warnings.map(({ path, reason }) => `warning: ${path}: ${reason}`),
            ...problems.map(({ path, reason }) => `problem: ${path}: ${reason}`),
          ].join('\n'),
          status: problems.length > 0 ? ExitStatus.partly : ExitStatus.ok,
        }),
      );
    });
}

function mountPlace(text: string): string {
  const path = text.replace(/^\.?\/+|\/+$/g, '');
  if (path.split('/').includes('..')) {
    throw new InvalidArgumentError('It must be a path in <IS_HOME>, such as repository/tenants.');
  }
  return path;
}
