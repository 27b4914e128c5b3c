/** A run of the reaper over a site in memory. */
import type { Leftover } from '../../../lambda/reaper/leftover';
import { reap } from '../../../lambda/reaper/reap';
import type { RestoreEvent, SweepResult } from '../../../lambda/restore/contract';
import { type FakeSite, SETTINGS } from '../drill/fake-site';

/** @param now milliseconds since 1970 */
export function reapSite(
  site: FakeSite,
  now: number,
  restoreFunction: (event: RestoreEvent) => Promise<unknown> = site.restoreFunction,
): Promise<readonly Leftover[]> {
  const { rds, backup } = site.aws();
  return reap({
    rds,
    backup,
    deadTasks: () => Promise.resolve([]),
    sweepRecoveryDirectories: (before) =>
      restoreFunction({ action: 'sweep-recovery-directories', before }) as Promise<SweepResult>,
    sweepFolders: (startedBefore) => restoreFunction({ action: 'sweep', startedBefore }) as Promise<SweepResult>,
    restoreRoleArn: SETTINGS.restoreRoleArn,
    dbSubnetGroup: SETTINGS.dbSubnetGroup,
    timeoutSeconds: SETTINGS.timeoutSeconds,
    now,
  });
}
