import {
  type BackupClient,
  paginateListRecoveryPointsByBackupVault,
  type RecoveryPointByBackupVault,
} from '@aws-sdk/client-backup';
import type { RDSClient } from '@aws-sdk/client-rds';
import type { RecoveryPlanDocument, Technique } from '../../lib/planning/plan-document';
import type { VolumesFrom } from './contract';
import type { Settings } from './settings';
import { archivePrefix } from '../../lib/private/bucket-layout';
import { findAutomatedBackups } from './find-automated-backups';
import type { ComponentPoints, Point } from './choose-recovery-set';

/** What the drill needs of the archive engine. */
export interface ArchiveReader {
  /** Every exported point under a prefix, with whether all that it needs has arrived at this site. */
  listPoints(archivePrefix: string): Promise<readonly ArchivePoint[]>;
}

export interface ArchivePoint {
  readonly manifestKey: string;
  /** ISO 8601: when the export began; what changed after it may not be in it. */
  readonly startedAt: string;
  /** Absent: complete. */
  readonly unusable?: string;
  /** Why the object lock of the bucket does not protect it; absent: it does, or there is none. */
  readonly outsideLock?: string;
  /** Somebody else may have made it. */
  readonly notAuthentic?: true;
}

/** All that the components can be restored from at this site. */
export async function findPoints(
  plan: RecoveryPlanDocument,
  { site, vaultName, lockMinDays }: Pick<Settings, 'site' | 'vaultName' | 'lockMinDays'>,
  { backup, rds, archive }: { backup: BackupClient; rds: RDSClient; archive: ArchiveReader },
  volumesFrom: VolumesFrom = 'archive',
): Promise<readonly ComponentPoints[]> {
  const automatedBackups = findAutomatedBackups(plan, site, rds);
  const databases = plan.databases.map(async ({ name, resourceArn }) => ({
    component: name,
    points: await recoveryPointsOf(resourceArn, vaultName, TECHNIQUES[site].database, backup, lockMinDays),
    windows: (await automatedBackups).get(name) ?? [],
  }));
  const volumes = plan.volumes.map(async ({ name, fileSystemArn }) => ({
    component: name,
    points:
      volumesFrom === 'backup'
        ? await recoveryPointsOf(fileSystemArn, vaultName, TECHNIQUES[site].database, backup, lockMinDays)
        : (await archive.listPoints(archivePrefix(plan.deployment, name))).map(
            ({ manifestKey, startedAt, unusable, outsideLock: unlocked, notAuthentic }) => ({
              id: manifestKey,
              technique: TECHNIQUES[site].volume,
              moment: startedAt,
              ...(unusable === undefined ? {} : { unusable }),
              ...(unlocked === undefined ? {} : { outsideLock: unlocked }),
              ...(notAuthentic && { notAuthentic }),
            }),
          ),
  }));
  return Promise.all([...databases, ...volumes]);
}

/** What AWS and this library call what is found at a site. */
export const TECHNIQUES = {
  'dr-site': { database: 'backup-copy', volume: 'artifact-export-replicated' },
  'in-region': { database: 'backup-snapshot', volume: 'artifact-export' },
} as const;

/** Of one resource in a vault, whatever their state. */
export async function recoveryPointsOf(
  resourceArn: string,
  vaultName: string,
  technique: Technique,
  backup: BackupClient,
  lockMinDays?: number,
): Promise<Point[]> {
  const points: Point[] = [];
  const pages = paginateListRecoveryPointsByBackupVault(
    { client: backup },
    { BackupVaultName: vaultName, ByResourceArn: resourceArn },
  );
  for await (const page of pages)
    points.push(...(page.RecoveryPoints ?? []).flatMap((point) => pointOf(point, technique, lockMinDays) ?? []));
  return points;
}

/**
 * A copy keeps the creation date of what it is a copy of ("The creation date refers to when the source was created, not
 * when the copy was created": AWS Backup developer guide, "Copy a backup"), so that `CreationDate` is the moment held, also
 * at the DR site. Where AWS tells when the job was initiated too, the older of the two is taken: a loss that is said to be
 * larger than it is misleads nobody.
 */
function pointOf(
  point: RecoveryPointByBackupVault,
  technique: Technique,
  lockMinDays: number | undefined,
): Point | undefined {
  const times = [point.CreationDate, point.InitiationDate].flatMap((date) =>
    date === undefined ? [] : date.getTime(),
  );
  if (point.RecoveryPointArn === undefined || times.length === 0) return undefined;
  return {
    id: point.RecoveryPointArn,
    technique,
    moment: new Date(Math.min(...times)).toISOString(),
    ...unusable(point),
    ...outsideLock(point, lockMinDays),
  };
}

/** AWS Backup takes no job below the minimum of a lock: such a point is older than the lock. */
function outsideLock(
  { Lifecycle }: RecoveryPointByBackupVault,
  lockMinDays: number | undefined,
): Pick<Point, 'outsideLock'> {
  const days = Lifecycle?.DeleteAfterDays;
  // -1, like nothing: it is kept for ever.
  if (lockMinDays === undefined || days === undefined || days < 0 || days >= lockMinDays) return {};
  return { outsideLock: `it is kept for ${days} days, and the lock of the vault wants ${lockMinDays} at least` };
}

function unusable({ RecoveryPointArn, Status, StatusMessage }: RecoveryPointByBackupVault): Pick<Point, 'unusable'> {
  // One point for all moments. RDS restores to them by itself: where the plan counts on it, that is a window.
  if (RecoveryPointArn?.includes(':recovery-point:continuous:')) {
    return { unusable: 'it is a continuous backup, whose moments RDS restores, not this point' };
  }
  if (Status === 'COMPLETED') return {};
  return { unusable: `its status is ${Status}${StatusMessage ? `: ${StatusMessage}` : ''}` };
}
