/** Looks at both sites. What cannot be seen is an answer, not an error: one of them may be gone. */
import {
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  DBClusterNotFoundFault,
  DBInstanceNotFoundFault,
} from '@aws-sdk/client-rds';
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { examinePoint, listContents, listManifests } from '../../../lambda/archive/points';
import { S3Store } from '../../../lambda/archive/s3-store';
import type { ComponentPoints } from '../../../lambda/drill/choose-recovery-set';
import type { DrillReport } from '../../../lambda/drill/contract';
import { type ArchivePoint, findPoints } from '../../../lambda/drill/find-points';
import type { RestorableWindow } from '../../../lambda/drill/restorable-window';
import type { DatabaseEntry, RecoveryPlanDocument } from '../../../lib/planning/plan-document';
import { drillsPrefix } from '../../../lib/private/bucket-layout';
import { type Clients, describe } from '../clients';
import type { Deployment } from '../find-deployment';
import type { DrillsSeen, Seen, SiteSeen } from './status';

export async function see(deployment: Deployment, now: Date): Promise<Seen> {
  const { plan } = deployment;
  const [inRegion, drSite, drills] = await Promise.all([
    seePrimary(deployment),
    seeDrSite(deployment),
    seeDrills(deployment),
  ]);
  return { plan, now, inRegion, drSite, drills };
}

async function seeDrSite({ plan, site, dr, drUnseen }: Deployment): Promise<SiteSeen> {
  const { region } = dr;
  if (drUnseen !== undefined) return { region, unseen: drUnseen };
  return seen(region, () =>
    findPoints(
      plan,
      { site: 'dr-site', vaultName: site.name },
      { backup: dr.backup(), rds: dr.rds(), archive: newestOf(dr.s3(), site.bucket) },
    ),
  );
}

async function seePrimary({ plan, primary }: Deployment): Promise<SiteSeen> {
  const { region } = primary;
  const { resources } = plan;
  if (!resources) return { region, unseen: 'the recovery plan does not name what is there: deploy again' };
  return seen(region, async () => {
    const components = await findPoints(
      withoutDrSite(plan),
      { site: 'in-region', vaultName: resources.vaultName },
      { backup: primary.backup(), rds: primary.rds(), archive: newestOf(primary.s3(), resources.artifactBucket) },
    );
    return Promise.all(
      components.map(async (each) => {
        const database = plan.databases.find(({ name }) => name === each.component);
        return database ? { ...each, windows: await automatedBackupsOf(database, primary) } : each;
      }),
    );
  });
}

async function seen(region: string, look: () => Promise<readonly ComponentPoints[]>): Promise<SiteSeen> {
  try {
    return { region, components: await look() };
  } catch (error) {
    return { region, unseen: describe(error) };
  }
}

/** Automated backups that are replicated are looked for where they are replicated to. */
const withoutDrSite = (plan: RecoveryPlanDocument): RecoveryPlanDocument => ({
  ...plan,
  plan: plan.plan.filter(({ site }) => site !== 'dr-site'),
});

/** What RDS itself can restore to: continuous backup, by AWS Backup or of RDS's own, as long as the instance is there. */
async function automatedBackupsOf({ kind, resourceArn }: DatabaseEntry, primary: Clients): Promise<RestorableWindow[]> {
  const name = resourceArn.split(':').at(-1);
  try {
    const found =
      kind === 'rds-instance'
        ? (await primary.rds().send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: name }))).DBInstances?.[0]
        : (await primary.rds().send(new DescribeDBClustersCommand({ DBClusterIdentifier: name }))).DBClusters?.[0];
    const latest = found?.LatestRestorableTime?.toISOString();
    // Its earliest moment is of no matter to the newest.
    return latest === undefined ? [] : [{ id: resourceArn, technique: 'backup-continuous', earliest: latest, latest }];
  } catch (error) {
    if (error instanceof DBInstanceNotFoundFault || error instanceof DBClusterNotFoundFault) return [];
    throw error;
  }
}

/** Unlike the drill's, no more than it takes to know the newest that is complete: an archive may have thousands. */
const newestOf = (client: S3Client, bucket: string) => ({
  listPoints: async (prefix: string): Promise<ArchivePoint[]> => {
    const store = new S3Store(client, bucket, prefix);
    const keys = (await listManifests(store)).reverse();
    const present = await listContents(store);
    const points: ArchivePoint[] = [];
    for (const key of keys) {
      const { manifestKey, header, complete, problems } = await examinePoint(store, key, present);
      const usable = complete && header !== undefined;
      points.push({
        manifestKey,
        startedAt: header?.startedAt ?? new Date(0).toISOString(),
        ...(usable ? {} : { unusable: problems[0] ?? 'it cannot be read' }),
      });
      if (usable) break;
    }
    return points;
  },
});

async function seeDrills({ plan, site, dr, drUnseen }: Deployment): Promise<DrillsSeen> {
  if (drUnseen !== undefined) return { unseen: `${dr.region}: ${drUnseen}` };
  try {
    return await lastDrill(dr.s3(), site.bucket, plan.deployment);
  } catch (error) {
    return { unseen: `${dr.region}: ${describe(error)}` };
  }
}

async function lastDrill(client: S3Client, bucket: string, deployment: string): Promise<DrillsSeen> {
  const prefixes: string[] = [];
  const request = { Bucket: bucket, Prefix: drillsPrefix(deployment), Delimiter: '/' };
  for await (const page of paginateListObjectsV2({ client }, request)) {
    prefixes.push(...(page.CommonPrefixes ?? []).flatMap(({ Prefix }) => Prefix ?? []));
  }
  // Names begin with the time at which the drill began.
  let withoutReport: string | undefined;
  for (const prefix of prefixes.sort().reverse()) {
    const report = await readReport(client, bucket, prefix);
    if (report) {
      return {
        last: { report, location: `s3://${bucket}/${prefix}report.html` },
        ...(withoutReport === undefined ? {} : { withoutReport }),
      };
    }
    withoutReport ??= prefix.split('/').at(-2);
  }
  return withoutReport === undefined ? {} : { withoutReport };
}

/** Undefined where there is none. */
export async function readReport(client: S3Client, bucket: string, prefix: string): Promise<DrillReport | undefined> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: `${prefix}report.json` }));
    return JSON.parse(await Body!.transformToString()) as DrillReport;
  } catch (error) {
    if ((error as Error).name === 'NoSuchKey') return undefined;
    throw error;
  }
}
