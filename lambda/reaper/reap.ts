import { startOfDrill } from '../drill/drill-id';
import { describeError } from '../drill/steps';
import type { SweepResult } from '../restore/contract';
import { type DatabaseSurroundings, deadClusters, deadInstances } from './databases';
import type { Dead, Leftover } from './leftover';

export interface ReaperSurroundings extends DatabaseSurroundings {
  /** Asks the restore function to remove the folders of drills that began before this moment (ISO 8601). */
  readonly sweepFolders: (startedBefore: string) => Promise<SweepResult>;
  /** Asks the adopt function to remove what AWS Backup restored before this moment (ISO 8601) and nobody took. */
  readonly sweepRecoveryDirectories: (before: string) => Promise<SweepResult>;
  /** Booted copies of drills that began before this moment (milliseconds since 1970). */
  readonly deadTasks: (startedBefore: number) => Promise<readonly Dead[]>;
  readonly timeoutSeconds: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Removes what dead drills left, and says of each thing what became of it. May be repeated at any time, also while another run goes
 * on: what is in the middle of something waits for the next run. What fails keeps nothing else from being removed.
 */
export async function reap(surroundings: ReaperSurroundings): Promise<readonly Leftover[]> {
  const { now, timeoutSeconds } = surroundings;
  const startedBefore = now - timeoutSeconds * 1000;
  const leftovers: Leftover[] = [];
  const attempt = async (what: { readonly what: string; readonly drillId?: string }, run: () => Promise<void>) => {
    try {
      await run();
    } catch (error) {
      leftovers.push({ ...what, fate: 'failed', why: describeError(error) });
    }
  };
  const removeAll = (what: string, find: () => Promise<readonly Dead[]>) =>
    attempt({ what }, async () => {
      for (const { remove, ...each } of await find()) {
        await attempt(each, async () => {
          const fate = await remove();
          if (fate !== undefined) leftovers.push({ ...each, ...fate });
        });
      }
    });
  const sweepAll = (what: string, kind: string, sweep: (before: string) => Promise<SweepResult>) =>
    attempt({ what }, async () => {
      const { folders, failed } = await sweep(new Date(startedBefore).toISOString());
      const about = (name: string) => ({
        what: `${kind} ${name} on the restore volume`,
        ...(startOfDrill(name) === undefined ? {} : { drillId: name }),
      });
      leftovers.push(
        ...folders.map((name) => ({ ...about(name), fate: 'removed' as const })),
        ...failed.map(({ folder, reason }) => ({ ...about(folder), fate: 'failed' as const, why: reason })),
      );
    });

  await removeAll('tasks of Identity Server', () => surroundings.deadTasks(startedBefore));
  // Instances first: RDS deletes no Aurora cluster that has one which is not being deleted.
  await removeAll('DB instances', () => deadInstances(surroundings, startedBefore));
  await removeAll('DB clusters', () => deadClusters(surroundings, startedBefore));
  await sweepAll('restored files', 'folder', surroundings.sweepFolders);
  await sweepAll('restored recovery points', 'directory', surroundings.sweepRecoveryDirectories);
  return leftovers;
}
