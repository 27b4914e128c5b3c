import { InvalidArgumentError, type Command } from 'commander';
import { ArchiveError } from '../../lambda/archive/errors';
import {
  archiveLocation,
  withCommonOptions,
  withMacKey,
  type ArchiveLocation,
  type SigningOptions,
} from '../archive/options';
import { wholeNumber } from '../arguments';
import { parseDuration } from '../duration';
import { ExitStatus, formatBytes, progressOf, run } from '../output';

interface PruneOptions extends SigningOptions {
  readonly keepLast?: number;
  readonly keepHourly?: number;
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly keepMonthly?: number;
  readonly keepYearly?: number;
  readonly grace: number;
  readonly rewrite: boolean;
  readonly readData?: boolean;
  readonly dryRun?: boolean;
}

/**
 * Exit status 0: done, or nothing to do; 2: bad input, no archive, or failure; 3: not all that could go has gone, since some points are
 * locked or something is damaged, which is named.
 */
export function registerPrune(program: Command): void {
  withMacKey(
    withCommonOptions(program.command('prune')),
    'points that it did not sign count as not complete; signs what is written anew',
  )
    .description('remove the points that are not to be kept, and what no point needs any more')
    .argument('<archive>', 's3://BUCKET/PREFIX', archiveLocation)
    .option('--keep-last <n>', 'the newest points', wholeNumber)
    .option('--keep-hourly <n>', 'the newest point of each of the last hours that have one', wholeNumber)
    .option('--keep-daily <n>', 'the same of days', wholeNumber)
    .option('--keep-weekly <n>', 'the same of weeks', wholeNumber)
    .option('--keep-monthly <n>', 'the same of months', wholeNumber)
    .option('--keep-yearly <n>', 'the same of years', wholeNumber)
    .option(
      '--grace <duration>',
      'how long what no point needs stays: twice as long as an export can take',
      grace,
      7 * 86_400_000,
    )
    .option('--read-data', 'read everything first: only points that are found sound count as kept')
    .option('--no-rewrite', 'leave packs as they are that are more than half empty')
    .option('--dry-run', 'say what would be removed, and remove nothing')
    .action((archive: ArchiveLocation, options: PruneOptions) => {
      const progress = progressOf('objects deleted');
      return run(
        options,
        async () => {
          const { prune } = await import('../../lambda/archive/prune/prune');
          const { authenticatorFor } = await import('../archive/authenticator');
          const { openStore } = await import('../archive/open-store');
          const store = openStore(archive, options);
          const done = await prune({
            store,
            policy: policyOf(options),
            graceMs: options.grace,
            rewrite: options.rewrite,
            readData: options.readData ?? false,
            dryRun: options.dryRun ?? false,
            authenticator: authenticatorFor(options),
            onProgress: ({ deleted, toDelete }) => progress({ done: deleted, total: toDelete }, { done: 0 }),
          });
          // A prune on a schedule whose prefix is wrong would never be noticed.
          if (done.decisions.length + done.deletedObjects + done.waitingObjects + done.damaged.length === 0) {
            throw new ArchiveError(`no archive is in ${store.description}: is the prefix right?`);
          }
          return done;
        },
        ({ decisions, locked, damaged, ...done }) => ({
          text: [
            ...decisions.map(({ startedAt, manifestKey, reasons }) => {
              const why = reasons.length > 0 ? `keep (${reasons.join('; ')})` : 'remove';
              return `${startedAt}  ${locked.includes(manifestKey) ? 'locked: stays for now' : why}`;
            }),
            `${options.dryRun ? 'would delete' : 'deleted'} ${done.deletedObjects} objects, ${formatBytes(done.deletedBytes)}; ${done.rewrittenPacks} packs rewritten; ${done.waitingObjects} objects, ${formatBytes(done.waitingBytes)}, wait for a later prune; ${done.extendedLocks} locks made longer`,
            ...damaged.map(({ key, problem }) => damageText(archive.bucket, key, problem)),
          ].join('\n'),
          status: locked.length + damaged.length > 0 ? ExitStatus.partly : ExitStatus.ok,
        }),
      );
    });
}

/** What is damaged, what that keeps, and how to get out of it. */
function damageText(bucket: string, key: string, problem: string): string {
  const object = `s3://${bucket}/${key}`;
  if (!key.includes('manifests/')) {
    return `damaged: ${object}: ${problem}; packs are not written anew while a point needs it: verify names the files`;
  }
  return `damaged: ${object}: ${problem}; no pack and no page is deleted while it is there, since what it needs is not known: bring a sound copy back (an older version of the object, or that of the other Region), or give the point up: aws s3 rm ${object}`;
}

function grace(text: string): number {
  const seconds = text === '0' ? 0 : parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError('It must be a duration such as 7d or 12h, or 0.');
  return seconds * 1000;
}

function policyOf(options: PruneOptions) {
  const { keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly } = options;
  const policy = {
    ...(keepLast ? { last: keepLast } : {}),
    ...(keepHourly ? { hourly: keepHourly } : {}),
    ...(keepDaily ? { daily: keepDaily } : {}),
    ...(keepWeekly ? { weekly: keepWeekly } : {}),
    ...(keepMonthly ? { monthly: keepMonthly } : {}),
    ...(keepYearly ? { yearly: keepYearly } : {}),
  };
  if (Object.keys(policy).length === 0) {
    throw new ArchiveError('prune must be told what to keep: give at least one of --keep-last, --keep-daily, ...');
  }
  return policy;
}
