import type { Command } from 'commander';
import { ArchiveError } from '../../lambda/archive/errors';
import {
  archiveLocation,
  withReadingOptions,
  type ArchiveLocation,
  type ReadingOptions,
  noPointIn,
} from '../archive/options';
import { withSpareThreads } from '../archive/spare-threads';
import { ExitStatus, progressOf, run } from '../output';

interface VerifyOptions extends ReadingOptions {
  readonly readData?: boolean;
}

const MENDING =
  'what is damaged is mended by a sound copy (an older version of the object, or that of the other Region); ' +
  'export --no-parent stores anew what is still on the volume';

/** Exit status 0: nothing is wrong; 1: something is, and is named; 2: bad input, failure, or nothing to verify. */
export function registerVerify(program: Command): void {
  withReadingOptions(program.command('verify'))
    .description('check that every point of an archive is complete, and with --read-data that all content is intact')
    .argument('<archive>', 's3://BUCKET/PREFIX', archiveLocation)
    .option('--read-data', 'read every pack and compare the SHA-256 of every file')
    .action((archive: ArchiveLocation, options: VerifyOptions) =>
      run(
        options,
        () =>
          withSpareThreads(options.readData ?? false, async (spare) => {
            const progress = progressOf('packs');
            const { verifyArchive } = await import('../../lambda/archive/verify/verify-archive');
            const { authenticatorFor } = await import('../archive/authenticator');
            const { openToRead } = await import('../archive/open-store');
            const store = await openToRead(archive, options);
            const outcome = await verifyArchive({
              store,
              readData: options.readData ?? false,
              authenticator: authenticatorFor(options),
              spare,
              onProgress: ({ packsDone, packsTotal, bytesDone, bytesTotal }) =>
                progress({ done: packsDone, total: packsTotal }, { done: bytesDone, total: bytesTotal }),
            });
            if (outcome.points.length === 0) throw new ArchiveError(noPointIn(store.description));
            return outcome;
          }),
        ({ points, packs, filesRead, findings }) => ({
          text: [
            `${points.length} points, ${packs} packs, ${filesRead} contents read: ${findings.length === 0 ? 'nothing is wrong' : `${findings.length} findings`}`,
            ...findings.map(({ key, problem, paths }) =>
              [`damaged: ${key}: ${problem}`, ...paths.map((path) => `  ${path}`)].join('\n'),
            ),
            ...(findings.length > 0 ? [MENDING] : []),
          ].join('\n'),
          status: findings.length === 0 ? ExitStatus.ok : ExitStatus.no,
        }),
      ),
    );
}
