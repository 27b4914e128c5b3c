import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { displayPath } from '../../lambda/archive/byte-path';
import { exportVolume } from '../../lambda/archive/export/export-volume';
import { DirectoryVolume } from '../../lambda/archive/volume';
import {
  archiveLocation,
  ExitStatus,
  formatBytes,
  openStore,
  run,
  showProgress,
  withCommonOptions,
  type ArchiveLocation,
  type CommonOptions,
} from '../archive/command';

interface ExportOptions extends CommonOptions {
  readonly volumeMountedAt: string;
  readonly fullRead?: boolean;
}

/** Exit status 0: exported; 2: not, and no point exists; 3: exported without the files that are named. */
export function registerExport(program: Command): void {
  withCommonOptions(program.command('export'))
    .description('export a directory into an archive; only what changed since the export before is read and stored')
    .argument('<dir>', 'directory to export')
    .argument('<archive>', 's3://BUCKET/PREFIX', archiveLocation)
    .option('--volume-mounted-at <path>', 'where the directory is, relative to <IS_HOME>', 'repository')
    .option('--full-read', 'read every file, also those that look unchanged')
    .action((directory: string, archive: ArchiveLocation, options: ExportOptions) => {
      const mountedAt = options.volumeMountedAt.replace(/^\.?\/+|\/+$/g, '');
      return run(
        options,
        () =>
          exportVolume({
            volume: new DirectoryVolume(resolve(directory)),
            store: openStore(archive, options),
            volumeName: basename(archive.prefix) || basename(resolve(directory)),
            mountedAt,
            fullRead: options.fullRead ?? false,
            onProgress: ({ entriesDone, bytesRead }) =>
              showProgress(`${entriesDone} files, ${formatBytes(bytesRead)} read`),
          }),
        ({ manifestKey, counts, filesRead, bytesStored, problems, warnings }) => ({
          text: [
            `exported ${counts.files} files, ${formatBytes(counts.bytes)}: ${filesRead} read, ${formatBytes(bytesStored)} stored`,
            `point: s3://${archive.bucket}/${manifestKey}`,
            ...warnings.map(({ path, reason }) => `warning: ${displayPath(path)}: ${reason}`),
            ...problems.map(({ path, reason }) => `problem: ${displayPath(path)}: ${reason}`),
          ].join('\n'),
          status: problems.length > 0 ? ExitStatus.partly : ExitStatus.ok,
        }),
      );
    });
}
