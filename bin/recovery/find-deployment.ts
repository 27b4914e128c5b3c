/**
 * Finds a deployment by what a person has after a disaster: credentials and the DR Region. Everything else is read from the
 * site: its bucket, which is named after it, holds the recovery plan of each deployment.
 */
import { paginateListFunctions } from '@aws-sdk/client-lambda';
import { ListBucketsCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { noCredentials } from '../../lambda/archive/s3-store';
import { readPlan } from '../../lambda/drill/read-plan';
import type { RecoveryPlanDocument } from '../../lib/planning/plan-document';
import { PLANS_PREFIX } from '../../lib/private/bucket-layout';
import { DEFAULT_SITE_NAME, siteBucketName } from '../../lib/private/site-layout';
import { Clients, describe, isUnreachable } from './clients';
import type { DeploymentOptions } from './options';

/** A deployment with its two sites. */
export interface Deployment {
  readonly plan: RecoveryPlanDocument;
  readonly site: Site;
  readonly dr: Clients;
  readonly primary: Clients;
  /** Why the DR Region could not be seen; the plan is the primary Region's own then. */
  readonly drUnseen?: string;
}

/** The DR site; its vault has the same name. */
export interface Site {
  readonly name: string;
  readonly bucket: string;
}

export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
}

/** @throws NotFoundError that says what to give where nothing, or more than one, is found */
export async function findDeployment(options: DeploymentOptions): Promise<Deployment> {
  const region = options.region ?? (await configuredRegion());
  const dr = new Clients(region);
  try {
    return await findAtDrSite(options, dr);
  } catch (error) {
    if (!isUnreachable(error)) throw explained(error);
    if (options.primaryRegion === undefined) {
      throw new NotFoundError(
        `${region} cannot be reached (${describe(error)}): give \`--primary-region\` too, to see what is there`,
        { cause: error },
      );
    }
    return findInPrimaryRegion(options, options.primaryRegion, dr, describe(error));
  }
}

async function findAtDrSite(options: DeploymentOptions, dr: Clients): Promise<Deployment> {
  const { Account } = await dr.sts().send(new GetCallerIdentityCommand({}));
  const sites = await sitesOf(options, dr, Account!);
  const candidates = sites.map(async (site) =>
    (await deploymentsAt(site, dr, sites.length === 1)).map((name) => ({ site, name })),
  );
  const deployments = (await Promise.all(candidates)).flat();
  const { site, name } = theOne(deployments, options, dr.region, sites);
  const plan = await readPlan(name, site.bucket, dr.s3());
  return { plan, site, dr, primary: new Clients(options.primaryRegion ?? plan.primaryRegion, options.primaryProfile) };
}

/** By the names of the buckets: a site is called by the account and the Region too. */
async function sitesOf({ siteName }: DeploymentOptions, dr: Clients, account: string): Promise<Site[]> {
  const siteOf = (name: string): Site => ({ name, bucket: siteBucketName(name, account, dr.region) });
  if (siteName !== undefined) return [siteOf(siteName)];
  const names = await dr
    .s3()
    .send(new ListBucketsCommand({}))
    .then(
      ({ Buckets }) => (Buckets ?? []).flatMap(({ Name }) => Name ?? []),
      (error: unknown) => {
        // Whoever may only use the site's own bucket can still name it, or have it by its default name.
        if ((error as Error).name === 'AccessDenied') return [siteOf(DEFAULT_SITE_NAME).bucket];
        throw error;
      },
    );
  const suffix = `-${account}-${dr.region}`;
  return names.filter((name) => name.endsWith(suffix)).map((name) => siteOf(name.slice(0, -suffix.length)));
}

/** None where there is no such bucket, or it is one of others whose name ends alike. */
async function deploymentsAt({ bucket }: Site, dr: Clients, asked: boolean): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const page of paginateListObjectsV2({ client: dr.s3() }, { Bucket: bucket, Prefix: PLANS_PREFIX })) {
      for (const { Key } of page.Contents ?? []) {
        const name = /^([a-z0-9][a-z0-9-]*)\.json$/.exec(Key?.slice(PLANS_PREFIX.length) ?? '')?.[1];
        if (name !== undefined) names.push(name);
      }
    }
  } catch (error) {
    const { name } = error as Error;
    if (name === 'NoSuchBucket' || (name === 'AccessDenied' && !asked)) return [];
    throw error;
  }
  return names;
}

interface Candidate {
  readonly site: Site;
  readonly name: string;
}

function theOne(
  found: readonly Candidate[],
  { deployment, siteName }: DeploymentOptions,
  region: string,
  sites: readonly Site[],
): Candidate {
  const fitting = found.filter(({ name }) => deployment === undefined || name === deployment);
  if (fitting.length === 1) return fitting[0]!;
  const named = (candidates: readonly Candidate[]) =>
    candidates.map(({ site, name }) => `${name} (site ${site.name})`).join(', ');
  if (fitting.length > 1) {
    throw new NotFoundError(
      `${region} has ${fitting.length} deployments: ${named(fitting)}: say which by \`--deployment\`, or by \`--site-name\``,
    );
  }
  if (found.length > 0) {
    throw new NotFoundError(`\`--deployment\` must be one of ${named(found)} in ${region}, got ${deployment}`);
  }
  throw new NotFoundError(
    siteName !== undefined
      ? `no recovery plan is in ${sites[0]!.bucket}: is it the site's name, and ${region} its DR Region?`
      : `no recovery site with a deployment is in ${region}: give the DR Region by \`--region\`; if this is it, see that the ` +
          'primary stack is deployed, and that its bucket replicates',
  );
}

/** The export functions know where the plan is. */
async function findInPrimaryRegion(
  { deployment, siteName, primaryProfile }: DeploymentOptions,
  region: string,
  dr: Clients,
  drUnseen: string,
): Promise<Deployment> {
  const primary = new Clients(region, primaryProfile);
  const buckets = await exportBuckets(primary).catch((error: unknown) => {
    if (!isUnreachable(error)) throw explained(error);
    throw new NotFoundError(
      `neither ${dr.region} (${drUnseen}) nor ${region} (${describe(error)}) can be reached: see the network of this machine`,
      { cause: error },
    );
  });
  const names = [...buckets.keys()].filter((name) => deployment === undefined || name === deployment);
  if (names.length !== 1) {
    throw new NotFoundError(
      `${dr.region} cannot be reached (${drUnseen}), and ${region} has ` +
        (names.length === 0
          ? `no deployment${deployment === undefined ? '' : ` ${deployment}`}: is it the primary Region?`
          : `${names.length} deployments, ${names.join(', ')}: say which by \`--deployment\``),
    );
  }
  const plan = await readPlan(names[0]!, buckets.get(names[0]!)!, primary.s3());
  const { Account } = await primary.sts().send(new GetCallerIdentityCommand({}));
  const name = siteName ?? plan.resources?.siteName ?? DEFAULT_SITE_NAME;
  return { plan, site: { name, bucket: siteBucketName(name, Account!, plan.drRegion) }, dr, primary, drUnseen };
}

/** Of each deployment of the Region. */
async function exportBuckets(primary: Clients): Promise<ReadonlyMap<string, string>> {
  const buckets = new Map<string, string>();
  for await (const page of paginateListFunctions({ client: primary.lambda() }, {})) {
    for (const { Environment } of page.Functions ?? []) {
      const { DEPLOYMENT, VOLUME, BUCKET } = Environment?.Variables ?? {};
      if (DEPLOYMENT && VOLUME && BUCKET) buckets.set(DEPLOYMENT, BUCKET);
    }
  }
  return buckets;
}

/** What the SDK says of missing credentials does not say what to do. */
const explained = (error: unknown): unknown =>
  (error as Error).name === 'CredentialsProviderError'
    ? new NotFoundError(noCredentials((error as Error).message), { cause: error })
    : error;

async function configuredRegion(): Promise<string> {
  const { S3Client } = await import('@aws-sdk/client-s3');
  try {
    return await new S3Client({}).config.region();
  } catch {
    throw new NotFoundError('`--region` must be the DR Region, got none, and the AWS configuration has none');
  }
}
