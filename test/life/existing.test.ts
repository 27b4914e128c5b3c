// A deployment that is there already, made by CloudFormation and knowing nothing of recovery; then the app of cdk.json with
// its identifiers only, as bin/sample/existing.toml has them. Its databases are MySQL's where there is a server for them.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudFormationClient, ListStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { encodeManifest, listPoints, manifestName } from '../../lambda/archive';
import { createS3Client, S3Store } from '../../lambda/archive/s3-store';
import { archivePrefix, baselineNoteKey, baselinePrefix } from '../../lib/private/bucket-layout';
import { DEPLOYMENT, existingToml, REGIONS, SAMPLE_DEPLOYMENT_TOML } from '../../local/demo/configuration';
import { findDeployed, type Deployed } from '../../local/demo/deployed';
import {
  backUpDatabases,
  bootstrap,
  compare,
  deploy,
  drill,
  exportArtifacts,
  fill,
  losePrimaryRegion,
  replicated,
} from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { noMariaDb } from '../lambda/check/mariadb-server';
import { createExisting, identifiersOf, type Outputs, SERVER_DIRECTORY } from './existing-stack';
import { QUICK } from './quick';

const [TYPE, ENGINE] = noMariaDb ? (['postgre', 'postgres'] as const) : (['mysql', 'mysql'] as const);

/** What replication brings, as soon as it is there. */
async function eventually<T>(look: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await look();
    } catch (error) {
      if (attempt === 120) throw error;
      await sleep(500);
    }
  }
}

void describe(`an existing deployment on ${ENGINE}, by its identifiers`, { timeout: 300_000 }, () => {
  let aws: LocalAws;
  let deployed: Deployed;
  let deploymentToml: string;
  let outputs: Outputs;

  before(async () => {
    aws = await startLocalAws({ durations: QUICK });
    [outputs] = await Promise.all([createExisting(aws, ENGINE), bootstrap(aws, REGIONS)]);
    deploymentToml = readFileSync(SAMPLE_DEPLOYMENT_TOML, 'utf8').replaceAll('"postgre"', `"${TYPE}"`);
    writeFileSync(join(aws.dataDir, 'deployment.toml'), deploymentToml);
    const identifiers = identifiersOf(outputs);
    const configuration = join(aws.dataDir, 'recovery.toml');
    writeFileSync(configuration, existingToml(aws.accountId, join(aws.dataDir, 'deployment.toml'), identifiers));
    await deploy(aws, configuration);
    deployed = await findDeployed(aws, REGIONS, DEPLOYMENT);
  });
  after(() => aws?.stop());

  /** As whoever can write to the bucket at the DR site would: newer than the true one, and right but for its author. */
  async function forgeNewerPoint(): Promise<string> {
    const { plan, replicaBucket, volumes } = deployed;
    const client = createS3Client(aws.clientConfig(REGIONS.dr));
    const store = new S3Store(client, replicaBucket, archivePrefix(plan.deployment, volumes[0]!.name));
    const [point, ...others] = await listPoints(store);
    assert.deepEqual([point?.complete, point?.signature, others.length], [true, 'not checked', 0]);
    const moment = new Date(Date.parse(point!.header!.endedAt) + 1);
    const startedAt = moment.toISOString();
    const body = encodeManifest({ ...point!.header!, startedAt, endedAt: startedAt });
    const sha256 = createHash('sha256').update(body).digest('hex');
    const key = manifestName(moment, sha256);
    assert.equal(await store.put(key, body, sha256), 'created');
    return store.prefix + key;
  }

  void it('is deployed without a network, a database, a secret or a volume of its own', async () => {
    const client = new CloudFormationClient(aws.clientConfig(REGIONS.primary));
    const { StackResourceSummaries } = await client.send(
      new ListStackResourcesCommand({ StackName: 'IdentityServerRecovery' }),
    );
    const types = (StackResourceSummaries ?? []).map(({ ResourceType }) => ResourceType!);
    assert.ok(types.includes('AWS::Backup::BackupPlan') && types.includes('AWS::Lambda::Function'));
    assert.deepEqual(
      types.filter((type) => /^AWS::(RDS|SecretsManager|EFS|EC2::(VPC|Subnet))/.test(type)),
      [],
    );
  });

  void it('the first deployment looked for a server directory on a volume that was empty; a day later its baseline is made', async () => {
    const s3 = new S3Client(aws.clientConfig(REGIONS.dr));
    const read = async (key: string) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: deployed.replicaBucket, Key: key }));
      return JSON.parse(await Body!.transformToString()) as Record<string, unknown>;
    };
    const note = await eventually(() => read(baselineNoteKey(DEPLOYMENT)));
    assert.equal(note['reason'], 'the volume holds no server directory yet, with bin and repository in it');

    const home = join(aws.fileSystemPath(outputs.ServerFiles!), SERVER_DIRECTORY);
    for (const folder of ['bin', 'repository']) mkdirSync(join(home, folder), { recursive: true });
    writeFileSync(join(home, 'bin/wso2server.sh'), '#!/bin/sh\n');
    writeFileSync(join(home, 'README.txt'), '====\nWSO2 Identity Server 7.1.0\n====\n');
    const FunctionName = deployed.plan.resources!.baselineFunction!;
    const lambda = new LambdaClient(aws.clientConfig(REGIONS.primary));
    const invoked = async () =>
      JSON.parse((await lambda.send(new InvokeCommand({ FunctionName }))).Payload!.transformToString()) as object;
    assert.deepEqual(await invoked(), { deployment: DEPLOYMENT, outcome: 'made', productVersion: '7.1.0' });
    assert.deepEqual(await invoked(), { deployment: DEPLOYMENT, outcome: 'is-there', productVersion: '7.1.0' });
    const record = await eventually(() => read(`${baselinePrefix(DEPLOYMENT, '7.1.0')}baseline.json`));
    assert.deepEqual([record['productVersion'], record['files']], ['7.1.0', 2]);
  });

  void it('PASSED after the primary Region is gone, from the point before one that somebody else put there', async () => {
    await fill(deployed, { deploymentToml, tenants: 30 });
    await compare(deployed);
    await Promise.all([backUpDatabases(aws, deployed), exportArtifacts(aws, deployed)]);
    await replicated(aws, deployed);
    await losePrimaryRegion(aws, deployed);
    const forged = await forgeNewerPoint();
    const report = await drill(aws, deployed);
    assert.deepEqual(report.causes, []);
    // The signed point before it is restored, and that is said.
    assert.equal(report.warnings.length, 1, report.warnings.join('\n'));
    assert.match(report.warnings[0]!, /is newer than what was restored, and not authentic: the manifest is not signed/);
    const passedOver = report.passedOver.find(({ id }) => id === forged);
    assert.equal(passedOver?.reason, 'the manifest is not signed: nothing says who wrote it');
    assert.equal(report.verdict, 'PASSED_WITH_WARNINGS');
    const connected = report.checks.filter(({ check }) => check === 'datasource-connects');
    assert.equal(connected.length, 2);
    for (const { compared } of connected)
      assert.match(String(compared.server), ENGINE === 'mysql' ? /^MariaDB / : /^PostgreSQL /);
    const decrypted = report.checks.filter(({ check }) => check === 'encrypted-values');
    assert.equal(decrypted.length, 3);
    for (const { compared } of decrypted)
      assert.ok(Number(compared['by the symmetric key']) >= 10 && Number(compared['by a keystore']) >= 10);
    const tenants = report.checks.find(({ check }) => check === 'tenants-agree');
    assert.equal(tenants?.compared.tenantsInDatabase, 30);
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    const { DBInstances } = await new RDSClient(aws.clientConfig(REGIONS.dr)).send(new DescribeDBInstancesCommand({}));
    assert.deepEqual(DBInstances, []);
  });
});
