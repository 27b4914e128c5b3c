import type { Command } from 'commander';
import { choosePoint } from '../../lambda/archive/points';
import { restorePoint } from '../../lambda/archive/restore/restore-point';
import {
  archiveLocation,
  ExitStatus,
  formatBytes,
  openStore,
  run,
  showProgress,
  time,
  withCommonOptions,
  type ArchiveLocation,
  type CommonOptions,
} from '../archive/command';

interface RestoreOptions extends CommonOptions {
  readonly at?: Date;
  readonly path?: readonly string[];
}

/** Warnings that are printed; the rest is counted. */
const SHOWN_WARNINGS = 10;

/** Exit status 0: restored; 1: the archive is damaged; 2: bad input or failure. Nothing is at the target but after 0. */
export function registerRestore(program: Command): void {
  withCommonOptions(program.command('restore'))
    .description('restore the newest complete point of an archive into a directory that does not exist yet')
    .argument('<archive>', 's3://BUCKET/PREFIX', archiveLocation)
    .argument('<dir>', 'directory to make')
    .option('--at <time>', 'the newest point that had ended at this time (ISO 8601)', time)
    .option(
      '--path <path>',
      'only this path of the volume and what is under it; repeatable',
      (path, all: string[] = []) => [...all, path],
    )
    .action((archive: ArchiveLocation, target: string, options: RestoreOptions) =>
      run(
        options,
        async () => {
          const store = openStore(archive, options);
          const { manifestKey } = await choosePoint(store, options.at);
          return restorePoint({
            store,
            manifestKey,
            target,
            ...(options.path ? { paths: options.path } : {}),
            onProgress: ({ filesDone, filesTotal }) => showProgress(`${filesDone} of ${filesTotal} files`),
          });
        },
        ({ manifestKey, files, bytes, warnings }) => ({
          text: [
            `restored ${files} files, ${formatBytes(bytes)}, to ${target}`,
            `point: s3://${archive.bucket}/${manifestKey}`,
            ...warnings.slice(0, SHOWN_WARNINGS).map(({ path, reason }) => `warning: ${path}: ${reason}`),
            ...(warnings.length > SHOWN_WARNINGS ? [`and ${warnings.length - SHOWN_WARNINGS} more warnings`] : []),
          ].join('\n'),
          status: ExitStatus.ok,
        }),
      ),
    );
}
