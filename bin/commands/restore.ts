import { relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { archiveLocation, withReadingOptions, type ArchiveLocation, type ReadingOptions } from '../archive/options';
import { withSpareThreads } from '../archive/spare-threads';
import { notEmpty, pastTime, pathOfVolume } from '../arguments';
import { untilInterrupted } from '../interruption';
import { ExitStatus, firstLines, formatBytes, progressOf, run } from '../output';

interface RestoreOptions extends ReadingOptions {
  readonly at?: Date;
  readonly path?: readonly string[];
  readonly replace?: boolean;
  readonly keepGoing?: boolean;
  /** False with --no-sync. */
  readonly sync: boolean;
  readonly dryRun?: boolean;
}

/**
 * Exit status 0: restored; 2: bad input, a damaged archive, or failure: the target is as it was; 3: restored, but without
 * damaged files, or from an older point since a newer one is not to be used: both are named.
 */
export function registerRestore(program: Command): void {
  withReadingOptions(program.command('restore'))
    .description('restore the newest complete point of an archive into a directory that does not exist yet')
    .argument('<archive>', 's3://BUCKET/PREFIX', archiveLocation)
    .argument('<dir>', 'directory to make', notEmpty)
    .option('--at <time>', 'the newest point that had ended at this time (ISO 8601)', pastTime)
    .option('--path <path>', 'only this path of the volume and what is under it; repeatable', pathOfVolume)
    .option('--replace', 'move what is there aside and keep it: the whole directory, or each --path alone')
    .option('--keep-going', 'restore what is not damaged')
    .option('--no-sync', 'do not wait until all of it is on the disk')
    .option('--dry-run', 'say what would be restored, and write nothing')
    .action((archive: ArchiveLocation, target: string, options: RestoreOptions) => {
      const progress = progressOf('files');
      return run(
        options,
        () =>
          withSpareThreads(!options.dryRun, async (spare) => {
            const { choosePoint } = await import('../../lambda/archive/points');
            const { restorePoint } = await import('../../lambda/archive/restore/restore-point');
            const { authenticatorFor } = await import('../archive/authenticator');
            const { openToRead } = await import('../archive/open-store');
            const store = await openToRead(archive, options);
            const { manifestKey, passedOver } = await choosePoint(store, options.at, {
              authenticator: authenticatorFor(options),
            });
            const outcome = await untilInterrupted((signal) =>
              restorePoint({
                store,
                manifestKey,
                target,
                ...(options.path ? { paths: options.path } : {}),
                replace: options.replace ?? false,
                keepGoing: options.keepGoing ?? false,
                sync: options.sync,
                dryRun: options.dryRun ?? false,
                spare,
                signal,
                onProgress: ({ filesDone, filesTotal, bytesDone, bytesTotal }) =>
                  progress({ done: filesDone, total: filesTotal }, { done: bytesDone, total: bytesTotal }),
              }),
            );
            return { ...outcome, passedOver: passedOver.map(({ manifestKey: key, problems }) => ({ key, problems })) };
          }),
        ({ manifestKey, files, bytes, warnings, damages, replaced, passedOver, ...leftOvers }) => ({
          text: [
            `${options.dryRun ? 'would restore' : 'restored'} ${files} files, ${formatBytes(bytes)}, to ${target}`,
            `point: s3://${archive.bucket}/${manifestKey}`,
            ...passedOver.map(
              ({ key, problems }) =>
                `not the newest: s3://${archive.bucket}/${key} is not to be used: ${firstLines(problems, String, 'problems', 3).join('; ')}`,
            ),
            ...replaced.map(({ path, keptAt }) => {
              const inside = relative(resolve(target), path);
              const which = inside === '' ? '' : ` --path ${inside}`;
              return `replaced: ${path}; what was there is at ${keptAt} until you drop it: wso2is-recovery drop-replaced ${target}${which}`;
            }),
            ...leftOvers.removedLeftOvers.map((path) => `removed: ${path}, which a restore that was killed had left`),
            ...leftOvers.otherLeftOvers.map(
              (path) =>
                `left: ${path} is of a restore elsewhere, or from before this machine was started: remove it when none runs`,
            ),
            ...firstLines(warnings, ({ path, reason }) => `warning: ${path}: ${reason}`, 'warnings'),
            ...damages.map(({ path, key, problem }) => `damaged: ${path === '' ? '' : `${path}: `}${key}: ${problem}`),
          ].join('\n'),
          status: damages.length + passedOver.length > 0 ? ExitStatus.partly : ExitStatus.ok,
        }),
      );
    });
}
