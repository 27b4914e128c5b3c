/** Looks at both sites. What cannot be seen is an answer, not an error: one of them may be gone. */
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import type { ComponentPoints } from '../../../lambda/drill/choose-recovery-set';
import type { DrillReport } from '../../../lambda/drill/contract';
import { seeSite, type SiteClients } from '../../../lambda/recovery-points/see-site';
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
  return seen(dr, () => seeSite(plan, { site: 'dr-site', bucket: site.bucket, vaultName: site.name }, clientsOf(dr)));
}

async function seePrimary({ plan, primary }: Deployment): Promise<SiteSeen> {
  const { region } = primary;
  const { resources } = plan;
  if (!resources) return { region, unseen: 'the recovery plan does not name what is there: deploy again' };
  const { artifactBucket: bucket, vaultName } = resources;
  return seen(primary, () => seeSite(plan, { site: 'in-region', bucket, vaultName }, clientsOf(primary)));
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
