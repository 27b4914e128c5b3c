/** Takes a recovery set now: every component at the same time, so that it fits together, and until it is at the DR site. */
import {
  DescribeBackupJobCommand,
  DescribeCopyJobCommand,
  DescribeRecoveryPointCommand,
  StartBackupJobCommand,
  StartCopyJobCommand,
} from '@aws-sdk/client-backup';
import { randomUUID } from 'node:crypto';
import { examinePoint, listContents } from '../../../lambda/archive/points';
import { S3Store } from '../../../lambda/archive/s3-store';
import type { ExportResult } from '../../../lambda/export/contract';
import type { DatabaseEntry, VolumeEntry } from '../../../lib/planning/plan-document';
import { archivePrefix } from '../../../lib/private/bucket-layout';
import { describe } from '../clients';
import { callFunction } from '../durable';
import type { Deployment } from '../find-deployment';
import type { Progress } from '../progress';
import { authenticatorAt } from '../trusted-keys';
import { TimeUpError, until } from '../wait';
import { backupTerms, type BackupTerms } from './backup-plan';

/** What `backup --json` prints. */
export interface BackupResult {
  readonly formatVersion: 1;
  readonly deployment: string;
  readonly drRegion: string;
  readonly startedAt: string;
  readonly endedAt: string;
  /** Every component is usable at the DR site. */
  readonly usable: boolean;
  /** Newest minus oldest moment; null where not every component is usable. */
  readonly skewSeconds: number | null;
  readonly components: readonly BackedUp[];
}

export interface BackedUp {
  readonly component: string;
  readonly kind: 'database' | 'volume';
  readonly usable: boolean;
  /** Why it is not usable; empty where it is. */
  readonly reason: string;
  /** Recovery point or manifest at the DR site; null: there is none. */
  readonly id: string | null;
  /** Whose state it holds; null: there is none. */
  readonly moment: string | null;
  readonly usableAt: string | null;
  /** Files that are not in it. */
  readonly problems: readonly { readonly path: string; readonly reason: string }[];
}

export async function takeBackup(deployment: Deployment, timeoutMs: number, progress: Progress): Promise<BackupResult> {
  const { plan, primary, site, drUnseen } = deployment;
  if (drUnseen !== undefined) {
    throw new Error(`${plan.drRegion} cannot be reached (${drUnseen}): nothing can become usable there`);
  }
  const started = new Date();
  const deadline = started.getTime() + timeoutMs;
  const terms = await backupTerms(primary.backup(), site.name);
  const components = await Promise.all([
    ...plan.databases.map((database) =>
      outcome('database', database.name, progress, async () =>
        backUpDatabase(deployment, database, await terms(`${plan.deployment}-${database.name}`), deadline, progress),
      ),
    ),
    ...plan.volumes.map((volume) =>
      outcome('volume', volume.name, progress, () => exportArtifacts(deployment, volume, deadline, progress)),
    ),
  ]);
  const usable = components.every((component) => component.usable);
  const moments = components.flatMap(({ moment }) => (moment === null ? [] : [Date.parse(moment)]));
  return {
    formatVersion: 1,
    deployment: plan.deployment,
    drRegion: plan.drRegion,
    startedAt: started.toISOString(),
    endedAt: new Date().toISOString(),
    usable,
    skewSeconds: usable ? (Math.max(...moments) - Math.min(...moments)) / 1000 : null,
    components,
  };
}

type Point = Pick<BackedUp, 'id' | 'moment' | 'problems'>;

/** What one component cannot do must not keep the others from being backed up. */
async function outcome(
  kind: BackedUp['kind'],
  component: string,
  progress: Progress,
  work: () => Promise<Point>,
): Promise<BackedUp> {
  try {
    const point = await work();
    progress.done(`${component}: usable at the DR site`);
    return { component, kind, usable: true, reason: '', usableAt: new Date().toISOString(), ...point };
  } catch (error) {
    const reason = describe(error);
    progress.done(`${component}: not usable: ${reason}`);
    return { component, kind, usable: false, reason, id: null, moment: null, usableAt: null, problems: [] };
  } finally {
    progress.now(component);
  }
}

async function backUpDatabase(
  { primary, dr, site }: Deployment,
  { name, resourceArn }: DatabaseEntry,
  terms: BackupTerms,
  deadline: number,
  progress: Progress,
): Promise<Point> {
  const client = primary.backup();
  if (terms.copy === undefined) throw new Error('its backup plan copies nothing to the DR site');
  const { BackupJobId } = await client.send(
    new StartBackupJobCommand({
      BackupVaultName: terms.vaultName,
      ResourceArn: resourceArn,
      IamRoleArn: terms.roleArn,
      IdempotencyToken: randomUUID(),
      Lifecycle: terms.lifecycle,
      StartWindowMinutes: terms.startWindowMinutes,
      CompleteWindowMinutes: terms.completionWindowMinutes,
    }),
  );
  const recoveryPointArn = await job(name, 'backup job', BackupJobId, deadline, progress, async () => {
    const { State, StatusMessage, PercentDone, RecoveryPointArn } = await client.send(
      new DescribeBackupJobCommand({ BackupJobId }),
    );
    return { state: State, message: StatusMessage, percent: PercentDone, result: RecoveryPointArn };
  });
  const { CopyJobId } = await client.send(
    new StartCopyJobCommand({
      RecoveryPointArn: recoveryPointArn,
      SourceBackupVaultName: terms.vaultName,
      DestinationBackupVaultArn: terms.copy.vaultArn,
      IamRoleArn: terms.roleArn,
      IdempotencyToken: randomUUID(),
      Lifecycle: terms.copy.lifecycle,
    }),
  );
  const copyArn = await job(name, 'copy job', CopyJobId, deadline, progress, async () => {
    const { CopyJob } = await client.send(new DescribeCopyJobCommand({ CopyJobId }));
    return { state: CopyJob?.State, message: CopyJob?.StatusMessage, result: CopyJob?.DestinationRecoveryPointArn };
  });
  // What the primary Region says of the copy is not what the DR site has.
  const moment = await until(deadline, async () => {
    const { Status, CreationDate, InitiationDate } = await dr
      .backup()
      .send(new DescribeRecoveryPointCommand({ BackupVaultName: site.name, RecoveryPointArn: copyArn }));
    if (Status !== 'COMPLETED') return undefined;
    return Math.min(...[CreationDate, InitiationDate].flatMap((date) => date?.getTime() ?? []));
  });
  return { id: copyArn, moment: new Date(moment).toISOString(), problems: [] };
}

const ENDED_BADLY = ['FAILED', 'ABORTED', 'EXPIRED', 'PARTIAL'];

interface JobState {
  readonly state: string | undefined;
  readonly message: string | undefined;
  readonly percent?: string | undefined;
  readonly result: string | undefined;
}

async function job(
  component: string,
  what: string,
  id: string | undefined,
  deadline: number,
  progress: Progress,
  look: () => Promise<JobState>,
): Promise<string> {
  const started = Date.now();
  let last = 'not seen yet';
  try {
    const result = await until(deadline, async () => {
      const { state = 'CREATED', message, percent, result } = await look();
      if (ENDED_BADLY.includes(state)) throw new Error(`${what} ${id} ${state}: ${message ?? 'no reason given'}`);
      last = state;
      progress.now(
        component,
        `${what} ${state}${percent === undefined ? '' : ` ${Math.round(Number.parseFloat(percent))} %`}`,
      );
      return state === 'COMPLETED' ? result : undefined;
    });
    progress.done(`${component}: ${what} done in ${Math.round((Date.now() - started) / 1000)} s: ${result}`);
    return result;
  } catch (error) {
    if (error instanceof TimeUpError)
      throw new Error(`${what} ${id} is still ${last}: the time was up`, { cause: error });
    throw error;
  }
}

async function exportArtifacts(
  deployment: Deployment,
  { name }: VolumeEntry,
  deadline: number,
  progress: Progress,
): Promise<Point> {
  const { plan, site, primary, dr } = deployment;
  const functionName = plan.resources?.exportFunctions[name];
  if (functionName === undefined) {
    throw new Error(
      plan.resources ? 'the plan exports nothing of it' : 'the recovery plan names no export function: deploy again',
    );
  }
  progress.now(name, 'exporting');
  const { manifestKey, startedAt, files, problems } = await callFunction<ExportResult>(primary, functionName, {});
  progress.done(`${name}: exported ${files} files: ${manifestKey}`);
  const store = new S3Store(dr.s3(), site.bucket, archivePrefix(plan.deployment, name));
  const authenticator = await authenticatorAt('dr-site', deployment);
  let missing = '';
  try {
    await until(deadline, async () => {
      const { complete, problems: why } = await examinePoint(
        store,
        manifestKey,
        await listContents(store),
        authenticator,
      );
      missing = why[0] ?? '';
      progress.now(name, `replicating: ${why.length} objects are not at the DR site yet`);
      return complete ? true : undefined;
    });
  } catch (error) {
    if (error instanceof TimeUpError)
      throw new Error(`not replicated when the time was up: ${missing}`, { cause: error });
    throw error;
  }
  return { id: manifestKey, moment: startedAt, problems };
}
