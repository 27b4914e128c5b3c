import { InvalidArgumentError, type Command } from 'commander';
import { formatDuration } from '../../lib/planning/duration';
import { parseDuration } from '../duration';
import { ExitStatus, firstLines, run } from '../output';
import type { BackupResult } from '../recovery/backup/take-backup';
import { type DeploymentOptions, withDeploymentOptions } from '../recovery/options';
import { Progress } from '../recovery/progress';

interface BackupOptions extends DeploymentOptions {
  readonly timeout: number;
}

const DEFAULT_TIMEOUT_SECONDS = 24 * 3600;

/**
 * Exit status 0: the set is usable at the DR site; 1: it is not, with the reason by component; 2: bad input or failure;
 * 3: usable, without the files that are named.
 */
export function registerBackup(program: Command): void {
  withDeploymentOptions(program.command('backup'))
    .description(
      'take a recovery set now: back up every database and copy it, export every volume, and wait until all of it is usable at the DR site',
    )
    .option('--timeout <duration>', 'how long to wait; jobs go on after it', timeout, DEFAULT_TIMEOUT_SECONDS)
    .action((options: BackupOptions) =>
      run(
        options,
        async () => {
          const { takeBackup } = await import('../recovery/backup/take-backup');
          const { findDeployment } = await import('../recovery/find-deployment');
          return takeBackup(await findDeployment(options), options.timeout * 1000, new Progress());
        },
        (result) => ({
          text: text(result),
          status: !result.usable
            ? ExitStatus.no
            : result.components.some(({ problems }) => problems.length > 0)
              ? ExitStatus.partly
              : ExitStatus.ok,
        }),
      ),
    );
}

function timeout(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError('It must be a duration such as 90m or 12h.');
  return seconds;
}

function text({ deployment, drRegion, usable, skewSeconds, components, startedAt, endedAt }: BackupResult): string {
  const took = formatDuration(Math.round((Date.parse(endedAt) - Date.parse(startedAt)) / 1000));
  return [
    usable
      ? `a recovery set of ${deployment} is usable in ${drRegion}, after ${took}; ${Math.round(skewSeconds ?? 0)} s between its components`
      : `no recovery set of ${deployment} became usable in ${drRegion}`,
    ...components.map(({ component, id, moment, reason }) =>
      id === null ? `${component}: ${reason}` : `${component}: as of ${moment}: ${id}`,
    ),
    ...components.flatMap(({ component, problems }) =>
      firstLines(problems, ({ path, reason }) => `not exported: ${component}: ${path}: ${reason}`, 'files'),
    ),
  ].join('\n');
}
