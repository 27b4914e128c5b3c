/** Finds what `cdk deploy` made, by asking AWS as a user would: nothing is guessed from construct ids. */
import {
  paginateListBackupPlans,
  BackupClient,
  GetBackupPlanCommand,
  GetBackupSelectionCommand,
  ListBackupSelectionsCommand,
} from '@aws-sdk/client-backup';
import { DescribeAccessPointsCommand, EFSClient } from '@aws-sdk/client-efs';
import {
  LambdaClient,
  ListAliasesCommand,
  paginateListFunctions,
  type FunctionConfiguration,
} from '@aws-sdk/client-lambda';
import { DescribeDBClustersCommand, DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { join } from 'node:path';
import type { DatabaseEntry, DatabaseKind, RecoveryPlanDocument, VolumeEntry } from '../../lib/planning/plan-document';
import { planDocumentKey } from '../../lib/private/bucket-layout';
import type { LocalAws } from '../local-aws';
import { isServerType, type DatabaseServer } from '../sample/sql-client';

export interface Regions {
  readonly primary: string;
  readonly dr: string;
}

/** A deployment with its recovery site, as the life of the demo needs to know it. */
export interface Deployed {
  readonly regions: Regions;
  readonly plan: RecoveryPlanDocument;
  readonly artifactBucket: string;
  readonly replicaBucket: string;
  readonly vaultName: string;
  readonly drVaultName: string;
  readonly drVaultArn: string;
  readonly backupRoleArn: string;
  readonly databases: readonly (DatabaseEntry & { readonly server: DatabaseServer })[];
  /** `path` is the folder that stands for the volume, `exportFunction` name and alias. */
  readonly volumes: readonly (VolumeEntry & { readonly path: string; readonly exportFunction: string })[];
  /** Name and alias: a durable function is invoked qualified. */
  readonly drill: { readonly functionName: string; readonly qualifier: string };
}

/** @param dr the local AWS as the account of the DR site sees it; default: it is the same account */
export async function findDeployed(
  aws: LocalAws,
  regions: Regions,
  deployment: string,
  dr: LocalAws = aws,
): Promise<Deployed> {
  const primary = aws.clientConfig(regions.primary);
  const ours = (await functions(aws, regions.primary)).filter(({ variables }) => variables.DEPLOYMENT === deployment);
  const exporters = ours.filter(({ variables }) => variables.TURN_FUNCTION !== undefined);
  const readers = ours.filter(({ variables }) => variables.BUCKET !== undefined && variables.VOLUME !== undefined);
  const drill = one(
    'drill function',
    (await functions(dr, regions.dr)).filter(({ variables }) => variables.CHECK_FUNCTION && variables.ADOPT_FUNCTION),
  );
  const artifactBucket = one('function that reads a volume', readers.slice(0, 1)).variables.BUCKET!;
  const { Body } = await new S3Client(primary).send(
    new GetObjectCommand({ Bucket: artifactBucket, Key: planDocumentKey(deployment) }),
  );
  const plan = JSON.parse(await Body!.transformToString()) as RecoveryPlanDocument;
  return {
    regions,
    plan,
    artifactBucket,
    replicaBucket: drill.variables.BUCKET!,
    drVaultName: drill.variables.VAULT_NAME!,
    ...(await findBackupPlan(aws, regions, drill.variables.VAULT_NAME!)),
    databases: await Promise.all(
      plan.databases.map(async (entry) => ({ ...entry, server: await findServer(aws, regions, entry) })),
    ),
    volumes: await Promise.all(
      plan.volumes.map(async (entry) => ({
        ...entry,
        path: await findFolder(
          aws,
          regions,
          one(
            `function that reads volume ${entry.name}`,
            readers.filter(({ variables }) => variables.VOLUME === entry.name).slice(0, 1),
          ).accessPoints,
        ),
        exportFunction: await qualified(
          aws,
          regions.primary,
          one(
            `export function of volume ${entry.name}`,
            exporters.filter(({ variables }) => variables.VOLUME === entry.name),
          ).name,
        ),
      })),
    ),
    drill: { functionName: drill.name, qualifier: await findAlias(dr, regions.dr, drill.name) },
  };
}

async function functions(aws: LocalAws, region: string) {
  const client = new LambdaClient(aws.clientConfig(region));
  const found: FunctionConfiguration[] = [];
  for await (const page of paginateListFunctions({ client }, {})) found.push(...(page.Functions ?? []));
  return found.map(({ FunctionName, Environment, FileSystemConfigs }) => ({
    name: FunctionName!,
    variables: Environment?.Variables ?? {},
    accessPoints: (FileSystemConfigs ?? []).map(({ Arn }) => Arn!),
  }));
}

/** A durable function takes qualified names only. */
const qualified = async (aws: LocalAws, region: string, functionName: string) =>
  `${functionName}:${await findAlias(aws, region, functionName)}`;

async function findAlias(aws: LocalAws, region: string, functionName: string): Promise<string> {
  const { Aliases } = await new LambdaClient(aws.clientConfig(region)).send(
    new ListAliasesCommand({ FunctionName: functionName }),
  );
  return one(`alias of ${functionName}`, Aliases ?? []).Name!;
}

async function findBackupPlan(aws: LocalAws, { primary }: Regions, drVaultName: string) {
  const client = new BackupClient(aws.clientConfig(primary));
  const candidates: { vaultName: string; drVaultArn: string; backupRoleArn: string }[] = [];
  for await (const { BackupPlansList } of paginateListBackupPlans({ client }, {})) {
    for (const { BackupPlanId } of BackupPlansList ?? []) {
      const { BackupPlan } = await client.send(new GetBackupPlanCommand({ BackupPlanId }));
      const { BackupSelectionsList } = await client.send(new ListBackupSelectionsCommand({ BackupPlanId }));
      const [selection] = BackupSelectionsList ?? [];
      if (selection === undefined) continue;
      const { BackupSelection } = await client.send(
        new GetBackupSelectionCommand({ BackupPlanId, SelectionId: selection.SelectionId }),
      );
      for (const rule of BackupPlan?.Rules ?? []) {
        const copy = rule.CopyActions?.find(({ DestinationBackupVaultArn }) =>
          DestinationBackupVaultArn?.endsWith(`:${drVaultName}`),
        );
        if (copy === undefined) continue;
        candidates.push({
          vaultName: rule.TargetBackupVaultName!,
          drVaultArn: copy.DestinationBackupVaultArn!,
          backupRoleArn: BackupSelection!.IamRoleArn!,
        });
      }
    }
  }
  return one(`backup rule that copies to ${drVaultName}`, candidates.slice(0, 1));
}

async function findServer(
  aws: LocalAws,
  { primary }: Regions,
  { kind, resourceArn, secretArn, datasources }: DatabaseEntry,
): Promise<DatabaseServer> {
  const config = aws.clientConfig(primary);
  const { host, port } = await findEndpoint(new RDSClient(config), kind, resourceArn);
  const { SecretString } = await new SecretsManagerClient(config).send(
    new GetSecretValueCommand({ SecretId: secretArn }),
  );
  const { username, password } = JSON.parse(SecretString!) as { username: string; password: string };
  const type = one(`type of the databases on ${resourceArn}`, [...new Set(datasources.map(({ type }) => type))]);
  if (!isServerType(type)) throw new Error(`${resourceArn} holds databases of type ${type}: no server here has them`);
  return { type, host, port, user: username, password };
}

async function findEndpoint(rds: RDSClient, kind: DatabaseKind, resourceArn: string) {
  const identifier = resourceArn.split(':').at(-1);
  if (kind === 'rds-instance') {
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }));
    const { Endpoint } = one(resourceArn, DBInstances ?? []);
    return { host: Endpoint!.Address!, port: Endpoint!.Port! };
  }
  const { DBClusters } = await rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier: identifier }));
  const { Endpoint, Port } = one(resourceArn, DBClusters ?? []);
  return { host: Endpoint!, port: Port! };
}

/** A file system may have other access points: of a DR site, those of its functions. */
async function findFolder(aws: LocalAws, { primary }: Regions, accessPoints: readonly string[]): Promise<string> {
  const arn = one('access point of the function that reads the volume', accessPoints);
  const { AccessPoints } = await new EFSClient(aws.clientConfig(primary)).send(
    new DescribeAccessPointsCommand({ AccessPointId: arn.split('/').at(-1) }),
  );
  const { FileSystemId, RootDirectory } = one(arn, AccessPoints ?? []);
  return join(aws.fileSystemPath(FileSystemId!), RootDirectory?.Path ?? '/');
}

function one<T>(what: string, found: readonly T[]): T {
  if (found.length !== 1) throw new Error(`expected one ${what}, found ${found.length}`);
  return found[0]!;
}
