/**
 * The life of a deployment on the local AWS, a function per event: deploy, fill, back up, export, lose the Region, drill.
 * The demo and the tests live it; each works through the public APIs of AWS, as an operator would.
 */
import {
  BackupClient,
  DescribeBackupJobCommand,
  DescribeCopyJobCommand,
  StartBackupJobCommand,
  StartCopyJobCommand,
} from '@aws-sdk/client-backup';
import {
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  InvokeCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { GetObjectCommand, HeadObjectCommand, S3Client, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'smol-toml';
import type { DrillEvent, DrillReport, DrillResult } from '../../lambda/drill/contract';
import type { ExportResult } from '../../lambda/export/contract';
import { archivePrefix, drillPrefix, planDocumentKey } from '../../lib/private/bucket-layout';
import type { LocalAws } from '../local-aws';
import { agree, fillDatabases, tenantDirectories, type Agreement } from '../sample/databases';
import type { Encrypt } from '../sample/encryption';
import { writeSampleHome } from '../sample/is-home';
import { withClient } from '../sample/sql-client';
import type { Deployed, Regions } from './deployed';

/** Told what happens, a line at a time. */
export type Say = (line: string) => void;
const silent: Say = () => {};

const projectRoot = join(__dirname, '..', '..');
const POLL_MS = 200;

/** `cdk bootstrap` of both Regions, by the CLI as it is. */
export async function bootstrap(aws: LocalAws, regions: Regions, say = silent, signal?: AbortSignal): Promise<void> {
  const environments = [regions.primary, regions.dr].map((region) => `aws://${aws.accountId}/${region}`);
  // The app is not needed to bootstrap, and so is not run.
  await cdk(aws, ['bootstrap', '--app', '', ...environments], say, signal);
}

/** `cdk deploy --all` of `bin/app.ts` with a configuration file. */
export const deploy = (aws: LocalAws, configuration: string, say = silent, signal?: AbortSignal): Promise<void> =>
  deployStacks(aws, configuration, ['--all'], say, signal);

/** The same of another app, by its command. */
export const deployApp = (aws: LocalAws, configuration: string, app: string): Promise<void> =>
  deployStacks(aws, configuration, ['--all', '--app', app], silent);

/** One stack of them, by whoever may deploy into its account. */
export const deployStack = (aws: LocalAws, configuration: string, stack: string, say = silent): Promise<void> =>
  deployStacks(aws, configuration, [stack, '--exclusively'], say);

async function deployStacks(
  aws: LocalAws,
  configuration: string,
  stacks: readonly string[],
  say: Say,
  signal?: AbortSignal,
): Promise<void> {
  const context = ['--context', `config=${configuration}`, '--output', join(aws.dataDir, 'cdk.out')];
  await cdk(aws, ['deploy', ...stacks, '--require-approval', 'never', '--progress', 'events', ...context], say, signal);
}

async function cdk(aws: LocalAws, args: readonly string[], say: Say, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const child = spawn('cdk', ['--ci', '--no-notices', '--no-color', ...args], {
    cwd: projectRoot,
    env: aws.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: the CLI does not end its app when it is ended, so both are.
    detached: true,
  });
  const end = () => process.kill(-child.pid!, 'SIGTERM');
  signal?.addEventListener('abort', end);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (line.trim() !== '') say(line.trim());
    });
  }
  // Closed when nobody of the group holds its output any more.
  const [status] = (await once(child, 'close')) as [number | null];
  signal?.removeEventListener('abort', end);
  signal?.throwIfAborted();
  if (status !== 0) throw new Error(`cdk ${args[0]} failed (exit status ${status}):\n${lines.slice(-30).join('\n')}`);
}

export interface Filling {
  /** Text of `conf/deployment.toml`; not used where files are taken from `isHome`. */
  readonly deploymentToml: string;
  /** Take the files of this `<IS_HOME>` instead of generated ones; it is only read. */
  readonly isHome?: string;
  /** Generated tenants. Default: 300. */
  readonly tenants?: number;
}

/** Of `[secrets]`, what waits for WSO2's cipher tool: in brackets. */
function clearSecret(deploymentToml: string, alias: string): string | undefined {
  const { secrets } = parse(deploymentToml) as { readonly secrets?: Readonly<Record<string, string>> };
  return /^\[(.*)\]$/.exec(secrets?.[alias] ?? '')?.[1];
}

/** Files onto the volumes, tables and rows into the databases. */
export async function fill(deployed: Deployed, filling: Filling): Promise<{ rows: number; tenants: number }> {
  const repository = repositoryOf(deployed);
  let encrypt: Encrypt | undefined;
  if (filling.isHome === undefined) {
    const keystorePaths = deployed.plan.restoreDependencies.keystores
      .map(({ path }) => path)
      .filter((path) => !path.endsWith('client-truststore.p12'));
    const encryptionKey = clearSecret(filling.deploymentToml, 'encryption_key');
    ({ encrypt } = await writeSampleHome(repository, { ...filling, keystorePaths, encryptionKey }));
  } else {
    await mkdir(repository, { recursive: true });
    await cp(join(filling.isHome, 'repository'), repository, {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
    });
  }
  const tenants = await tenantDirectories(repository);
  const counts = await Promise.all(
    deployed.databases.map(({ server, datasources }) => fillDatabases(server, datasources, tenants, encrypt)),
  );
  const rows = counts.flatMap((count) => Object.values(count)).reduce((sum, count) => sum + count, 0);
  return { rows, tenants: tenants.length };
}

/** Compares the tenants in the shared database with the directories on the volume. */
export async function compare(deployed: Deployed): Promise<Agreement> {
  const { server, databaseName } = sharedDatabase(deployed);
  const agreement = await agree(server, databaseName, repositoryOf(deployed));
  const { withoutDirectory, withoutRow } = agreement;
  if (withoutDirectory.length + withoutRow.length > 0) {
    throw new Error(
      `databases and files do not agree: tenants without a directory: ${withoutDirectory.join(', ') || 'none'}; ` +
        `directories without a tenant: ${withoutRow.join(', ') || 'none'}`,
    );
  }
  return agreement;
}

/** One backup job per database, and a copy of each recovery point in the DR vault. */
export async function backUpDatabases(aws: LocalAws, deployed: Deployed, say = silent): Promise<string[]> {
  const client = new BackupClient(aws.clientConfig(deployed.regions.primary));
  return Promise.all(
    deployed.databases.map(async ({ name, resourceArn }) => {
      const IamRoleArn = deployed.backupRoleArn;
      const { BackupJobId } = await client.send(
        new StartBackupJobCommand({ BackupVaultName: deployed.vaultName, ResourceArn: resourceArn, IamRoleArn }),
      );
      const job = await until(`backup job of ${name}`, async () => {
        const { State, StatusMessage, RecoveryPointArn } = await client.send(
          new DescribeBackupJobCommand({ BackupJobId }),
        );
        return settled(`backup job of ${name}`, State, StatusMessage) && RecoveryPointArn;
      });
      say(`${name}: recovery point ${job}`);
      return copyRecoveryPoint(client, deployed, name, job, say);
    }),
  );
}

async function copyRecoveryPoint(
  client: BackupClient,
  deployed: Deployed,
  name: string,
  arn: string,
  say: Say,
): Promise<string> {
  const { CopyJobId } = await client.send(
    new StartCopyJobCommand({
      RecoveryPointArn: arn,
      SourceBackupVaultName: deployed.vaultName,
      DestinationBackupVaultArn: deployed.drVaultArn,
      IamRoleArn: deployed.backupRoleArn,
    }),
  );
  const copy = await until(`copy job of ${name}`, async () => {
    const { CopyJob } = await client.send(new DescribeCopyJobCommand({ CopyJobId }));
    return (
      settled(`copy job of ${name}`, CopyJob?.State, CopyJob?.StatusMessage) && CopyJob?.DestinationRecoveryPointArn
    );
  });
  say(`${name}: copy ${copy}`);
  return copy;
}

function settled(what: string, state: string | undefined, message: string | undefined): boolean {
  if (state !== undefined && ['FAILED', 'ABORTED', 'EXPIRED', 'PARTIAL'].includes(state)) {
    throw new Error(`${what}: ${state}: ${message ?? 'no reason given'}`);
  }
  return state === 'COMPLETED';
}

/** One run of each export function. */
export async function exportArtifacts(aws: LocalAws, deployed: Deployed): Promise<ExportResult[]> {
  const client = new LambdaClient(aws.clientConfig(deployed.regions.primary));
  return Promise.all(
    deployed.volumes.map(async ({ exportFunction }) => {
      const answer = await client.send(new InvokeCommand({ FunctionName: exportFunction, Payload: '{}' }));
      const text = Buffer.from(answer.Payload ?? []).toString();
      if (answer.FunctionError !== undefined) throw new Error(`${exportFunction}: ${text}`);
      return JSON.parse(text) as ExportResult;
    }),
  );
}

/** Until everything of this deployment that is in the artifact bucket is in its replica too; says how many objects. `dr`: see {@link findDeployed}. */
export async function replicated(aws: LocalAws, deployed: Deployed, dr = aws): Promise<number> {
  const { deployment } = deployed.plan;
  const source = new S3Client(aws.clientConfig(deployed.regions.primary));
  const replica = new S3Client(dr.clientConfig(deployed.regions.dr));
  const keys = [planDocumentKey(deployment)];
  for (const { name } of deployed.volumes)
    keys.push(...(await list(source, deployed.artifactBucket, archivePrefix(deployment, name))));
  for (const Key of keys) {
    await until(`replication of ${Key}`, async () => {
      try {
        await replica.send(new HeadObjectCommand({ Bucket: deployed.replicaBucket, Key }));
        return true;
      } catch (error) {
        if ((error as Error).name === 'NotFound') return false;
        throw error;
      }
    });
  }
  return keys.length;
}

/** The primary Region goes, and is seen to be gone: each of these must fail. Returns how each of them did. */
export async function losePrimaryRegion(aws: LocalAws, deployed: Deployed): Promise<Record<string, string>> {
  const { primary } = deployed.regions;
  await aws.addFault({ kind: 'region-gone', match: primary });
  const config = { ...aws.clientConfig(primary), maxAttempts: 1 };
  const [database] = deployed.databases;
  const attempts: Record<string, () => Promise<unknown>> = {
    'rds:DescribeDBInstances': () => new RDSClient(config).send(new DescribeDBInstancesCommand({})),
    's3:GetObject': () =>
      new S3Client(config).send(
        new GetObjectCommand({ Bucket: deployed.artifactBucket, Key: planDocumentKey(deployed.plan.deployment) }),
      ),
    'lambda:InvokeFunction': () =>
      new LambdaClient(config).send(new InvokeCommand({ FunctionName: deployed.volumes[0]?.exportFunction })),
    'database server': () => withClient(database!.server, undefined, (client) => client.query('SELECT 1')),
  };
  const outcomes: Record<string, string> = {};
  for (const [what, attempt] of Object.entries(attempts)) {
    // Servers that are being stopped take a moment.
    outcomes[what] = await until(`the end of ${what} in ${primary}`, () =>
      attempt().then(
        () => undefined,
        (error: Error) => error.message.split('\n')[0] || error.name,
      ),
    );
  }
  return outcomes;
}

/** Invokes the deployed drill as its schedule does, and follows it to its end. */
export async function drill(aws: LocalAws, deployed: Deployed, say = silent): Promise<DrillReport> {
  return followDrill(aws, deployed, await startDrill(aws, deployed), say);
}

/** Gives the ARN of the durable execution. */
export async function startDrill(
  aws: LocalAws,
  deployed: Deployed,
  options: Omit<DrillEvent, 'deployment'> = {},
): Promise<string> {
  const client = new LambdaClient(aws.clientConfig(deployed.regions.dr));
  const { functionName, qualifier } = deployed.drill;
  const { DurableExecutionArn, StatusCode } = await client.send(
    new InvokeCommand({
      FunctionName: functionName,
      Qualifier: qualifier,
      InvocationType: 'Event',
      Payload: JSON.stringify({ deployment: deployed.plan.deployment, ...options }),
    }),
  );
  if (DurableExecutionArn === undefined)
    throw new Error(`${functionName} did not start a durable execution (HTTP ${StatusCode})`);
  return DurableExecutionArn;
}

export async function followDrill(
  aws: LocalAws,
  deployed: Deployed,
  DurableExecutionArn: string,
  say = silent,
): Promise<DrillReport> {
  const result = await drillResult(aws, deployed, DurableExecutionArn, say);
  if (result.outcome !== 'REPORTED') throw new Error(`the drill left no report: it ended ${result.outcome}`);
  return JSON.parse(await siteFile(aws, deployed, result.reportKey)) as DrillReport;
}

/** What the execution returns at its end. */
export async function drillResult(
  aws: LocalAws,
  deployed: Deployed,
  DurableExecutionArn: string,
  say = silent,
): Promise<DrillResult> {
  const client = new LambdaClient(aws.clientConfig(deployed.regions.dr));
  const told = new Set<string>();
  const ended = await until(
    'drill',
    async () => {
      for (const line of await progress(client, DurableExecutionArn)) {
        if (!told.has(line)) say(line);
        told.add(line);
      }
      const execution = await client.send(new GetDurableExecutionCommand({ DurableExecutionArn }));
      return execution.Status === 'RUNNING' ? undefined : execution;
    },
    180_000,
  );
  if (ended.Status !== 'SUCCEEDED') {
    throw new Error(`the drill's execution ${ended.Status}: ${ended.Error?.ErrorMessage ?? 'no reason given'}`);
  }
  return JSON.parse(ended.Result!) as DrillResult;
}

async function progress(client: LambdaClient, DurableExecutionArn: string): Promise<string[]> {
  const { Events } = await client.send(
    new GetDurableExecutionHistoryCommand({ DurableExecutionArn, IncludeExecutionData: false, MaxItems: 1000 }),
  );
  return (Events ?? []).flatMap(({ EventType, Name }) =>
    Name !== undefined && EventType !== undefined && /^(Step|ChainedInvoke)(Succeeded|Failed)$/.test(EventType)
      ? [`${Name}: ${EventType.endsWith('Failed') ? 'failed' : 'done'}`]
      : [],
  );
}

/** A file that a drill left in the DR bucket. */
export const drillFile = (aws: LocalAws, deployed: Deployed, drillId: string, name: string): Promise<string> =>
  siteFile(aws, deployed, drillPrefix(deployed.plan.deployment, drillId) + name);

async function siteFile(aws: LocalAws, deployed: Deployed, Key: string): Promise<string> {
  const { Body } = await new S3Client(aws.clientConfig(deployed.regions.dr)).send(
    new GetObjectCommand({ Bucket: deployed.replicaBucket, Key }),
  );
  return Body!.transformToString();
}

/** The folder that holds `<IS_HOME>/repository`. */
export function repositoryOf(deployed: Deployed): string {
  const volume = deployed.volumes.find(({ mountedAt }) => mountedAt === 'repository');
  if (volume === undefined)
    throw new Error('the sample keeps <IS_HOME>/repository on one volume; no volume is mounted there');
  return volume.path;
}

/** Where the tenants are. */
export function sharedDatabase(deployed: Deployed) {
  for (const { server, datasources } of deployed.databases) {
    const shared = datasources.find(({ datasource }) => datasource === 'shared_db');
    if (shared !== undefined) return { server, databaseName: shared.databaseName };
  }
  throw new Error('no datasource is named shared_db');
}

export async function list(client: S3Client, Bucket: string, Prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix })) {
    keys.push(...(page.Contents ?? []).map(({ Key }) => Key!));
  }
  return keys;
}

/** Polls until `probe` gives something; its errors are final. */
async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false | ''>,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`${what}: nothing after ${timeoutMs / 1000} s`);
    await sleep(POLL_MS);
  }
}
