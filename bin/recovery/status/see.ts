/** Looks at both sites. What cannot be seen is an answer, not an error: one of them may be gone. */
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import type { BaselineNote } from '../../../lambda/baseline/contract';
import { RECORD_KEY, type BaselineRecord } from '../../../lambda/baseline/make-baseline';
import type { ComponentPoints } from '../../../lambda/drill/choose-recovery-set';
import type { DrillReport } from '../../../lambda/drill/contract';
import { seeSite, type SiteClients } from '../../../lambda/recovery-points/see-site';
import { baselineNoteKey, baselinesPrefix, drillsPrefix } from '../../../lib/private/bucket-layout';
import { type Clients, describe } from '../clients';
import type { Deployment } from '../find-deployment';
import { authenticatorAt } from '../trusted-keys';
import type { BaselinesSeen, DrillsSeen, Seen, SiteSeen } from './status';

export async function see(deployment: Deployment, now: Date): Promise<Seen> {
  const { plan } = deployment;
  const [inRegion, drSite, drills, inRegionDrills, baselines] = await Promise.all([
    seePrimary(deployment),
    seeDrSite(deployment),
    seeDrills(deployment),
    seeInRegionDrills(deployment),
    seeBaselines(deployment),
  ]);
  return { plan, now, inRegion, drSite, drills, ...(inRegionDrills ? { inRegionDrills } : {}), baselines };
}

async function seeDrSite(deployment: Deployment): Promise<SiteSeen> {
  const { plan, site, dr, drUnseen } = deployment;
  const { region } = dr;
  if (drUnseen !== undefined) return { region, unseen: drUnseen };
  return seen(dr, async () =>
    seeSite(
      plan,
      { site: 'dr-site', bucket: site.bucket, vaultName: site.name },
      { ...clientsOf(dr), authenticator: await authenticatorAt('dr-site', deployment) },
    ),
  );
}

async function seePrimary(deployment: Deployment): Promise<SiteSeen> {
  const { plan, primary } = deployment;
  const { region } = primary;
  const { resources } = plan;
  if (!resources) return { region, unseen: 'the recovery plan does not name what is there: deploy again' };
  const { artifactBucket: bucket, vaultName } = resources;
  return seen(primary, async () =>
    seeSite(
      plan,
      { site: 'in-region', bucket, vaultName },
      { ...clientsOf(primary), authenticator: await authenticatorAt('in-region', deployment) },
    ),
  );
}

const clientsOf = (clients: Clients): SiteClients => ({
  backup: clients.backup(),
  rds: clients.rds(),
  s3: clients.s3(),
  efs: clients.efs(),
});

async function seen({ region }: Clients, look: () => Promise<readonly ComponentPoints[]>): Promise<SiteSeen> {
  try {
    return { region, components: await look() };
  } catch (error) {
    return { region, unseen: describe(error) };
  }
}

async function seeDrills({ plan, site, dr, drUnseen }: Deployment): Promise<DrillsSeen> {
  return drUnseen === undefined
    ? seeDrillsIn(dr, site.bucket, plan.deployment)
    : { unseen: `${dr.region}: ${drUnseen}` };
}

/** Undefined where no function drills there. */
async function seeInRegionDrills({ plan, primary }: Deployment): Promise<DrillsSeen | undefined> {
  const { artifactBucket, inRegionDrillFunction } = plan.resources ?? {};
  return artifactBucket === undefined || inRegionDrillFunction === undefined
    ? undefined
    : seeDrillsIn(primary, artifactBucket, plan.deployment);
}

async function seeDrillsIn(clients: Clients, bucket: string, deployment: string): Promise<DrillsSeen> {
  try {
    return await lastDrill(clients.s3(), bucket, deployment);
  } catch (error) {
    return { unseen: `${clients.region}: ${describe(error)}` };
  }
}

async function lastDrill(client: S3Client, bucket: string, deployment: string): Promise<DrillsSeen> {
  const prefixes = await foldersOf(client, bucket, drillsPrefix(deployment));
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

/** At the DR site, which people have on the day; in the primary Region where that one is gone. */
async function seeBaselines({ plan, site, dr, primary, drUnseen }: Deployment): Promise<BaselinesSeen> {
  const artifactBucket = plan.resources?.artifactBucket;
  const [clients, bucket] =
    drUnseen === undefined || artifactBucket === undefined ? [dr, site.bucket] : [primary, artifactBucket];
  const client = clients.s3();
  try {
    const folders = await foldersOf(client, bucket, baselinesPrefix(plan.deployment));
    const records = await Promise.all(
      // Without a record it is an attempt that did not end.
      folders.map((folder) => readJson<BaselineRecord>(client, bucket, `${folder}${RECORD_KEY}`)),
    );
    const note = await readJson<BaselineNote>(client, bucket, baselineNoteKey(plan.deployment));
    return { records: records.filter((record) => record !== undefined), ...(note ? { note } : {}) };
  } catch (error) {
    return { unseen: `${clients.region}: ${describe(error)}` };
  }
}

async function foldersOf(client: S3Client, bucket: string, prefix: string): Promise<string[]> {
  const folders: string[] = [];
  const request = { Bucket: bucket, Prefix: prefix, Delimiter: '/' };
  for await (const page of paginateListObjectsV2({ client }, request)) {
    folders.push(...(page.CommonPrefixes ?? []).flatMap(({ Prefix }) => Prefix ?? []));
  }
  return folders;
}

/** Undefined where there is none. */
export const readReport = (client: S3Client, bucket: string, prefix: string): Promise<DrillReport | undefined> =>
  readJson<DrillReport>(client, bucket, `${prefix}report.json`);

/** Undefined where there is no such object. */
async function readJson<T>(client: S3Client, Bucket: string, Key: string): Promise<T | undefined> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    return JSON.parse(await Body!.transformToString()) as T;
  } catch (error) {
    if ((error as Error).name === 'NoSuchKey') return undefined;
    throw error;
  }
}
