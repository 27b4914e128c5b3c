// The whole life on the local AWS in both outcomes: what is deployed here are the stacks, functions and commands as users
// deploy them. One deployment for all: each test breaks one thing on purpose, takes a recovery set, drills, and mends it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import { GetDurableExecutionHistoryCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { archivePrefix } from '../../lib/private/bucket-layout';
import type { DrillReport } from '../../lambda/drill/contract';
import { DEPLOYMENT, recoveryToml, REGIONS, SAMPLE_DEPLOYMENT_TOML } from '../../local/demo/configuration';
import { findDeployed, type Deployed } from '../../local/demo/deployed';
import {
  backUpDatabases,
  bootstrap,
  compare,
  deploy,
  drill,
  drillFile,
  drillResult,
  exportArtifacts,
  fill,
  followDrill,
  list,
  losePrimaryRegion,
  replicated,
  repositoryOf,
  startDrill,
} from '../../local/demo/life';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { withSymmetricKey } from '../../local/sample/encryption';
import { KEYSTORE_PASSWORD } from '../../local/sample/is-home';
import { keystore } from '../../local/sample/keystores';
import { describeCommands } from './commands';
import { assertHoldNone, log, logsOf } from './logs';
import { describeFaults } from './faults';
import { assertOnlyItsOwn } from './own-calls';
import { describePermissions, describeWatches } from './permissions';
import { withClient } from '../../local/sample/sql-client';
import { QUICK } from './quick';

void describe('the life of a deployment', { timeout: 600_000 }, () => {
  let aws: LocalAws;
  let deployed: Deployed;

  before(async () => {
    aws = await startLocalAws({ durations: QUICK });
    const configuration = join(aws.dataDir, 'recovery.toml');
    writeFileSync(
      configuration,
      recoveryToml(aws.accountId, SAMPLE_DEPLOYMENT_TOML, {
        drill: { schedule: 'rate(7 days)', in_region: true },
      }),
    );
    await bootstrap(aws, REGIONS);
    await deploy(aws, configuration);
    deployed = await findDeployed(aws, REGIONS, DEPLOYMENT);
    await fill(deployed, { deploymentToml: readFileSync(SAMPLE_DEPLOYMENT_TOML, 'utf8'), tenants: 30 });
  });
  after(() => aws?.stop());

  async function takeRecoverySet(): Promise<void> {
    await Promise.all([backUpDatabases(aws, deployed), exportArtifacts(aws, deployed)]);
    await replicated(aws, deployed);
  }

  const failedChecks = ({ checks }: DrillReport) =>
    checks.filter(({ status }) => status === 'FAILED').map(({ check }) => check);

  /** Neither what the drill wrote nor what the local AWS logged of it (events, checkpoints, logs) holds a secret. */
  async function assertNoCredentials(drillId: string, execution: string): Promise<void> {
    const { password } = deployed.databases[0]!.server;
    const toml = readFileSync(SAMPLE_DEPLOYMENT_TOML, 'utf8');
    const encryptionKey = /encryption_key = "\[(\w+)\]"/.exec(toml)![1]!;
    const texts = [
      await drillFile(aws, deployed, drillId, 'report.json'),
      await drillFile(aws, deployed, drillId, 'report.html'),
    ];
    const { Events } = await new LambdaClient(aws.clientConfig(REGIONS.dr)).send(
      new GetDurableExecutionHistoryCommand({
        DurableExecutionArn: execution,
        IncludeExecutionData: true,
        MaxItems: 1000,
      }),
    );
    const history = JSON.stringify(Events);
    assert.match(history, /encrypted-values/);
    for (const text of [...texts, history]) {
      assert.ok(!text.includes(password) && !text.includes(encryptionKey) && !/secret of tenant-/.test(text));
    }
  }

  async function leftInstances(): Promise<number> {
    const { DBInstances } = await new RDSClient(aws.clientConfig(REGIONS.dr)).send(new DescribeDBInstancesCommand({}));
    return (DBInstances ?? []).length;
  }

  void it('begins in agreement: 30 tenants in the database, 30 directories', async () => {
    const { tenantsInDatabase, tenantDirectories } = await compare(deployed);
    assert.deepEqual([tenantsInDatabase, tenantDirectories], [30, 30]);
  });

  void it('FAILED where the backup job failed: there is nothing to restore the database from', async () => {
    await aws.addFault({ kind: 'backup-job-fails', match: ':rds:', message: 'the maintenance window is near' });
    await assert.rejects(backUpDatabases(aws, deployed), /FAILED: the maintenance window is near/);
    await aws.clearFaults();
    await exportArtifacts(aws, deployed);
    await replicated(aws, deployed);
    const report = await drill(aws, deployed);
    assert.equal(report.verdict, 'FAILED');
    assert.match(report.causes.join('\n'), /^database: nothing to restore: there is no point at this site/);
    assert.equal(report.components.find(({ kind }) => kind === 'database')?.restoredFrom, undefined);
  });

  /** Broken on purpose. `breakIt` gives what mends it. */
  interface Broken {
    readonly what: string;
    readonly breakIt: () => Promise<() => Promise<unknown>>;
    readonly failed: readonly string[];
    readonly reason: RegExp;
  }

  const file = (path: string) => join(repositoryOf(deployed), path);

  const missing = (path: string) => async () => {
    const aside = join(aws.dataDir, `aside-${basename(path)}`);
    await rename(file(path), aside);
    return () => rename(aside, file(path));
  };

  // Kept files are changed rather than taken away: what broke is found by opening and reading alone.
  const changed = (path: string, change: (content: Buffer) => Buffer | string) => async () => {
    const content = await readFile(file(path));
    await writeFile(file(path), change(content));
    return () => writeFile(file(path), content);
  };

  const inDatabase =
    (breaks: string, mends: string, values: string[] = []) =>
    async () => {
      const { server } = deployed.databases[0]!;
      await withClient(server, 'identity_db', (client) => client.query(breaks, values));
      return () => withClient(server, 'identity_db', (client) => client.query(mends, []));
    };

  const KEYSTORE = 'resources/security/wso2carbon.p12';

  // What breaks together is found apart: each row has its own check and reason. A keystore can be broken in one way at a time.
  const TOGETHER: readonly (readonly Broken[])[] = [
    [
      {
        what: 'a tenant directory is missing',
        breakIt: missing('tenants/9'),
        failed: ['tenants-agree'],
        reason: /tenants-agree: .*\b9\b/,
      },
      {
        what: 'a keystore is missing',
        breakIt: missing(KEYSTORE),
        failed: ['keystores-present'],
        reason: /keystores-present: .*wso2carbon\.p12/,
      },
      {
        what: 'the file of a user store is cut short',
        breakIt: changed('tenants/7/userstores/CUSTOMERS.xml', (content) => content.subarray(0, content.length - 40)),
        failed: ['user-stores'],
        reason: /repository\/tenants\/7\/userstores\/CUSTOMERS\.xml is no XML/,
      },
      {
        what: 'deployment.toml declares another database',
        breakIt: changed('conf/deployment.toml', (content) =>
          content.toString().replace('name = "shared_db"', 'name = "shared2"'),
        ),
        failed: ['declared-databases'],
        reason: /name of shared_db is shared2 in the file, shared_db in the plan/,
      },
      {
        what: 'a value of the database was encrypted with a key that is not restored',
        breakIt: inDatabase(
          `INSERT INTO idn_secret VALUES ('broken', 1, 'broken', $1, TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01', 'TYPE', NULL)`,
          "DELETE FROM idn_secret WHERE id = 'broken'",
          [withSymmetricKey('an encryption key from elsewhere')('secret')],
        ),
        failed: ['encrypted-values'],
        reason: /identity_db.*: 1 of \d+ encrypted values do not decrypt/,
      },
    ],
    [
      {
        what: 'a keystore was replaced by one with another password',
        breakIt: changed(KEYSTORE, () => keystore({ alias: 'wso2carbon', password: 'another' }).file),
        failed: ['keystores-open'],
        reason: /wso2carbon\.p12 \(primary\) does not open with its password/,
      },
      {
        what: 'a table was dropped',
        breakIt: inDatabase(
          'ALTER TABLE idn_oauth2_access_token RENAME TO dropped',
          'ALTER TABLE dropped RENAME TO idn_oauth2_access_token',
        ),
        failed: ['tables-present'],
        reason: /IDN_OAUTH2_ACCESS_TOKEN/,
      },
    ],
    [
      {
        what: 'a keystore was replaced by another of the same password',
        breakIt: changed(KEYSTORE, () => keystore({ alias: 'wso2carbon', password: KEYSTORE_PASSWORD }).file),
        failed: ['encrypted-values', 'encrypted-values', 'encrypted-values'],
        reason: /encrypted values do not decrypt with the restored keys: .*IDN_SECRET\.SECRET_VALUE/,
      },
    ],
  ];

  for (const broken of TOGETHER) {
    void it(`FAILED where ${broken.map(({ what }) => what).join('; where ')}; and says so`, async () => {
      const mends = [];
      for (const { breakIt } of broken) mends.push(await breakIt());
      await takeRecoverySet();
      for (const mend of mends) await mend();
      const report = await drill(aws, deployed);
      assert.equal(report.verdict, 'FAILED');
      assert.deepEqual(failedChecks(report).sort(), broken.flatMap(({ failed }) => failed).sort());
      for (const { failed, reason } of broken) {
        const [check] = failed;
        const causes = report.causes.filter((cause) => cause.includes(`${check}: `));
        assert.equal(causes.length, failed.length, report.causes.join('\n'));
        assert.match(causes.join('\n'), reason);
      }
      assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    });
  }

  void it('FAILED where a pack was damaged at the DR site, and names it', async () => {
    await takeRecoverySet();
    const s3 = new S3Client(aws.clientConfig(REGIONS.dr));
    const Bucket = deployed.replicaBucket;
    const keys = await list(s3, Bucket, `${archivePrefix(DEPLOYMENT, deployed.volumes[0]!.name)}packs/`);
    const packs = await Promise.all(
      keys.map(async (Key) => {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
        return { Key, whole: await Body!.transformToByteArray() };
      }),
    );
    // The largest is of the first export, and in use by all: others may hold what the tests above changed and put back.
    const { Key, whole } = packs.reduce((a, b) => (b.whole.length > a.whole.length ? b : a));
    const damaged = Uint8Array.from(whole);
    damaged[Math.floor(damaged.length / 2)]! ^= 1;
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: damaged }));
    const report = await drill(aws, deployed);
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: whole }));
    assert.equal(report.verdict, 'FAILED');
    assert.match(report.causes.join('\n'), /pack/);
    assert.equal(report.components.find(({ kind }) => kind === 'volume')?.verdict, 'FAILED');
    assert.equal(await leftInstances(), 0);
  });

  void it('FAILED where the restore job fails, with its message', async () => {
    await aws.addFault({ kind: 'restore-job-fails', match: ':rds:', message: 'no capacity in eu-west-1' });
    const report = await drill(aws, deployed);
    await aws.clearFaults();
    assert.equal(report.verdict, 'FAILED');
    assert.match(report.causes.join('\n'), /no capacity in eu-west-1/);
    assert.equal(report.components.find(({ kind }) => kind === 'database')?.verdict, 'FAILED');
    assert.equal(await leftInstances(), 0);
  });

  void describe('faults on the way', () => describeFaults(() => ({ aws, deployed })));

  void describe('what watches', () => describeWatches(() => ({ aws, deployed })));

  void it('PASSED after the primary Region is gone, with what it measured, and nothing left behind', async () => {
    await takeRecoverySet();
    const outcomes = await losePrimaryRegion(aws, deployed);
    assert.equal(Object.keys(outcomes).length, 4);
    const before = (await aws.calls()).length;
    const execution = await startDrill(aws, deployed);
    const report = await followDrill(aws, deployed, execution);
    assert.deepEqual(report.causes, []);
    assert.deepEqual(report.warnings, []);
    assert.equal(report.verdict, 'PASSED');
    assert.deepEqual(
      report.components.map(({ kind, verdict }) => [kind, verdict]),
      [
        ['database', 'PASSED'],
        ['volume', 'PASSED'],
      ],
    );
    assert.ok(report.measuredRpoSeconds! > 0 && report.measuredRpoSeconds! < 21_600);
    assert.ok(report.measuredRtoSeconds! > 0 && report.measuredRtoSeconds! < 28_800);
    const encrypted = report.checks.filter(({ check }) => check === 'encrypted-values');
    // Of each database and of the user stores: values in both ways of the product.
    assert.equal(encrypted.length, 3);
    for (const { compared } of encrypted) {
      assert.ok(Number(compared['by the symmetric key']) >= 10 && Number(compared['by a keystore']) >= 10);
    }
    await assertNoCredentials(report.drillId, execution);
    const tenants = report.checks.find(({ check }) => check === 'tenants-agree');
    assert.equal(tenants?.compared.tenantsInDatabase, 30);
    assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
    assert.equal(await leftInstances(), 0);
    assertOnlyItsOwn((await aws.calls()).slice(before), report.drillId);
    // It needs nothing of the primary Region: not even a try.
    const during = (await aws.calls()).slice(before);
    assert.ok(during.length > 10);
    assert.deepEqual(
      during.filter(({ region }) => region === REGIONS.primary),
      [],
    );
    assert.match(await drillFile(aws, deployed, report.drillId, 'report.html'), /PASSED/);
  });

  void it('two drills at once: one runs, the other says so; a preview and a recovery wait for neither', async () => {
    const executions = await Promise.all([startDrill(aws, deployed), startDrill(aws, deployed)]);
    const previewed = await drillResult(
      aws,
      deployed,
      await startDrill(aws, deployed, { mode: 'recover', planOnly: true }),
    );
    assert.ok(previewed.outcome === 'PREVIEW' && previewed.complete && previewed.lossSeconds! > 0);
    const before = (await aws.calls()).length;
    const recovered = await followDrill(aws, deployed, await startDrill(aws, deployed, { mode: 'recover' }));
    const results = await Promise.all(executions.map((execution) => drillResult(aws, deployed, execution)));
    assert.deepEqual(results.map(({ outcome }) => outcome).sort(), ['REFUSED', 'REPORTED']);
    const drilled = results.find(({ outcome }) => outcome === 'REPORTED');
    assert.ok(drilled?.outcome === 'REPORTED' && drilled.verdict === 'PASSED' && drilled.cleanUp.complete);

    assert.deepEqual(recovered.causes, []);
    assert.equal(recovered.verdict, 'PASSED');
    assertOnlyItsOwn(
      (await aws.calls()).slice(before).filter(({ path, about }) => ![path, ...about].join().includes(drilled.drillId)),
      recovered.drillId,
    );
    // What it kept works: nothing else is left.
    const { databases, artifacts, configurationChanges, nextSteps } = recovered.recovery!;
    const [database] = databases;
    assert.equal(await leftInstances(), 1);
    const server = { ...deployed.databases[0]!.server, host: database!.host, port: database!.port };
    const { rows } = await withClient(server, 'shared_db', (client) => client.query('SELECT um_id FROM um_tenant'));
    assert.equal(rows.length, 30);
    const volume = aws.fileSystemPath(artifacts!.fileSystemId);
    assert.ok(readFileSync(join(volume, artifacts!.volumes[0]!.path, 'conf/deployment.toml'), 'utf8').length > 100);
    assert.deepEqual(readdirSync(join(volume, 'drills')), [recovered.drillId]);
    assert.deepEqual(
      configurationChanges.map(({ datasource, key }) => `${datasource} ${key}`),
      ['identity_db hostname', 'identity_db port', 'shared_db hostname', 'shared_db port'],
    );
    assert.ok(nextSteps.length >= 5);

    // Whoever recovers removes it by hand: it is protected, and nothing of this project deletes it.
    const rds = new RDSClient(aws.clientConfig(REGIONS.dr));
    const kept = { DBInstanceIdentifier: database!.identifier };
    await assert.rejects(
      rds.send(new DeleteDBInstanceCommand({ ...kept, SkipFinalSnapshot: true })),
      /DeletionProtection/,
    );
    await rds.send(new ModifyDBInstanceCommand({ ...kept, DeletionProtection: false, ApplyImmediately: true }));
    await rds.send(new DeleteDBInstanceCommand({ ...kept, SkipFinalSnapshot: true }));
    while ((await leftInstances()) > 0) await sleep(100);
  });

  void describe('the commands', () => describeCommands(() => ({ aws, deployed })));

  void describe('permissions', () => describePermissions(() => ({ aws, deployed })));

  void it('no function logged a secret or a name of a person in all this', async () => {
    await aws.clearFaults();
    const logs = await logsOf(aws);
    const functions = [...logs.values()].filter((text) => text.includes('REPORT RequestId')).length;
    // Of the export, its turns, the drill, the restore, the check, the count and what publishes the plan at least.
    assert.ok(functions >= 6, [...logs.keys()].join());
    const secretOf = (name: string) =>
      new RegExp(`^${name} = "\\[(.+)\\]"`, 'm').exec(readFileSync(SAMPLE_DEPLOYMENT_TOML, 'utf8'))![1]!;
    const secrets = {
      'the password of the database server': deployed.databases[0]!.server.password,
      'the encryption key': secretOf('encryption_key'),
      'the password of a datasource': secretOf('db_password'),
      "the administrator's password": secretOf('admin_password'),
      'the password of the keystores': secretOf('keystore_password'),
      'the password of the truststore': secretOf('truststore_password'),
      'what a tenant had encrypted': /secret of tenant-/,
      'a user name': /user-\d+@/,
      'an e-mail address': /admin@/,
    };
    assertHoldNone(logs, secrets);

    // It would have been seen: each of them, in the log of a function.
    const [group] = [...logs.keys()][0]!.split(' in ');
    const samples = {
      'what a tenant had encrypted': 'secret of tenant-7',
      'a user name': 'user-7@',
      'an e-mail address': 'admin@',
    };
    const lines = Object.entries(secrets).map(([what, secret]) =>
      typeof secret === 'string' ? secret : samples[what as keyof typeof samples],
    );
    await log(aws, group!, lines);
    const seen = await logsOf(aws);
    assert.throws(
      () => assertHoldNone(seen, secrets),
      (error: Error) => Object.keys(secrets).every((what) => error.message.includes(`${what} is in the log ${group}`)),
    );
  });
});
