/** What a site holds that its components can be restored from; used by `status` and by the watch. */
import type { BackupClient } from '@aws-sdk/client-backup';
import type { EFSClient } from '@aws-sdk/client-efs';
import {
  DBClusterNotFoundFault,
  DBInstanceNotFoundFault,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  type RDSClient,
} from '@aws-sdk/client-rds';
import type { S3Client } from '@aws-sdk/client-s3';
import type { DatabaseEntry, RecoveryPlanDocument, Site } from '../../lib/planning/plan-document';
import { archivePrefix } from '../../lib/private/bucket-layout';
import type { Authenticator } from '../archive/authenticity';
import { examinePoint, listContents, listManifests } from '../archive/points';
import { S3Store } from '../archive/s3-store';
import { suspicious } from '../drill/archive-reader';
import type { ComponentPoints } from '../drill/choose-recovery-set';
import { type ArchivePoint, findPoints, recoveryPointsOf, TECHNIQUES } from '../drill/find-points';
import type { RestorableWindow } from '../drill/restorable-window';
import { markSuspicious, readSuspicions, type Suspicion } from '../drill/suspicion';
import { isReplicated, replicasOf } from './file-system-replicas';

export interface SiteToSee {
  readonly site: Site;
  /** With the archives: the artifact bucket, or its replica. */
  readonly bucket: string;
  readonly vaultName: string;
}

/** Of the site's own Region: nothing of the other one is asked. */
export interface SiteClients {
  readonly backup: BackupClient;
  readonly rds: RDSClient;
  readonly s3: S3Client;
  readonly efs: EFSClient;
  /** Exports that are not authentic by it are not usable. Absent: manifests are not signed. */
  readonly authenticator?: Authenticator | undefined;
}

/**
 * For each component of the plan: its recovery points in the site's vault, what RDS itself can restore to,
 * and of a volume the newest complete export or, where it is not exported, its recovery points; and the replica of its file
 * system, where the plan has one.
 *
 * @throws what AWS throws: that a site cannot be seen is no answer about what it holds
 */
export async function seeSite(
  plan: RecoveryPlanDocument,
  { site, bucket, vaultName }: SiteToSee,
  { backup, rds, s3, efs, authenticator }: SiteClients,
): Promise<readonly ComponentPoints[]> {
  const suspicions = await readSuspicions(plan.deployment, bucket, s3);
  const exported = plan.volumes.filter(({ name }) => isExported(plan, name));
  const backedUp = plan.volumes.filter((volume) => !exported.includes(volume));
  const found = await findPoints(
    { ...(site === 'dr-site' ? plan : withoutAutomatedBackups(plan)), volumes: exported },
    { site, vaultName },
    { backup, rds, archive: newestExportOf(plan.deployment, suspicions, s3, bucket, authenticator) },
  );
  const ofBackups = backedUp.map(async ({ name, fileSystemArn }) => ({
    component: name,
    points: await recoveryPointsOf(fileSystemArn, vaultName, TECHNIQUES[site].database, backup),
  }));
  const components = [...found, ...(await Promise.all(ofBackups))].map(async (each) => {
    const windows = await windowsOf(plan, each.component, site, { rds, efs });
    return windows === undefined ? each : { ...each, windows };
  });
  return markSuspicious(await Promise.all(components), suspicions);
}

/** What `findPoints` does not look for, since no drill restores from it; undefined: nothing. */
async function windowsOf(
  { plan, databases, volumes }: RecoveryPlanDocument,
  component: string,
  site: Site,
  { rds, efs }: Pick<SiteClients, 'rds' | 'efs'>,
): Promise<RestorableWindow[] | undefined> {
  const database = databases.find(({ name }) => name === component);
  if (database) return site === 'in-region' ? automatedBackupsOf(database, rds) : undefined;
  const volume = volumes.find(({ name }) => name === component);
  return volume && site === 'dr-site' && isReplicated(plan, component)
    ? replicasOf(volume.fileSystemArn, efs)
    : undefined;
}

/** The plan with one component alone: what is wrong with another one does not hide it. */
export const onlyComponent = (plan: RecoveryPlanDocument, component: string): RecoveryPlanDocument => ({
  ...plan,
  databases: plan.databases.filter(({ name }) => name === component),
  volumes: plan.volumes.filter(({ name }) => name === component),
});

export const componentsOf = ({ databases, volumes }: RecoveryPlanDocument): string[] =>
  [...databases, ...volumes].map(({ name }) => name);

/** Where the plan does not say what carries a volume, its exports do. */
function isExported({ plan }: RecoveryPlanDocument, volume: string): boolean {
  const lines = plan.filter(({ component }) => component === volume);
  return lines.length === 0 || lines.some(({ technique }) => technique.startsWith('artifact-export'));
}

/** In the primary Region the newest moment alone is asked for, by `automatedBackupsOf`. */
const withoutAutomatedBackups = (plan: RecoveryPlanDocument): RecoveryPlanDocument => ({
  ...plan,
  plan: plan.plan.filter(({ technique }) => technique !== 'backup-continuous'),
});

/** What RDS itself can restore to: continuous backup, by AWS Backup or of RDS's own, as long as the instance is there. */
async function automatedBackupsOf({ kind, resourceArn }: DatabaseEntry, rds: RDSClient): Promise<RestorableWindow[]> {
  const name = resourceArn.split(':').at(-1);
  try {
    const found =
      kind === 'rds-instance'
        ? (await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: name }))).DBInstances?.[0]
        : (await rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier: name }))).DBClusters?.[0];
    const latest = found?.LatestRestorableTime?.toISOString();
    // Its earliest moment is of no matter to the newest.
    return latest === undefined ? [] : [{ id: resourceArn, technique: 'backup-continuous', earliest: latest, latest }];
  } catch (error) {
    if (error instanceof DBInstanceNotFoundFault || error instanceof DBClusterNotFoundFault) return [];
    throw error;
  }
}

/** Unlike the drill's, no more than it takes to know the newest that may be restored: an archive may have thousands. */
const newestExportOf = (
  deployment: string,
  suspicions: readonly Suspicion[],
  client: S3Client,
  bucket: string,
  authenticator: Authenticator | undefined,
) => ({
  listPoints: async (prefix: string): Promise<ArchivePoint[]> => {
    const store = new S3Store(client, bucket, prefix);
    const keys = (await listManifests(store)).reverse();
    const present = await listContents(store);
    const ofTheVolume = suspicions.filter(
      ({ component }) => component === undefined || archivePrefix(deployment, component) === prefix,
    );
    const points: ArchivePoint[] = [];
    for (const key of keys) {
      const point = await examinePoint(store, key, present, authenticator);
      const { manifestKey, header, complete, problems, suspicion } = point;
      const startedAt = header?.startedAt ?? new Date(0).toISOString();
      const usable = complete && header !== undefined;
      points.push({
        manifestKey,
        startedAt,
        ...(usable ? suspicious(suspicion) : { unusable: problems[0] ?? 'it cannot be read' }),
      });
      if (usable && suspicion === undefined && !isSuspicious(manifestKey, startedAt, ofTheVolume)) break;
    }
    return points;
  },
});

function isSuspicious(id: string, moment: string, suspicions: readonly Suspicion[]): boolean {
  const component = suspicions[0]?.component ?? '';
  const point = { id, moment, technique: 'artifact-export' } as const;
  const ofIt = suspicions.map((mark) => ({ ...mark, component }));
  return markSuspicious([{ component, points: [point] }], ofIt)[0]?.points[0]?.unusable !== undefined;
}
