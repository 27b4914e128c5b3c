// The checks of databases on a real server, with the credentials out of Secrets Manager, as the function runs them.
import { strict as assert } from 'node:assert';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateDBInstanceCommand, DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Client } from 'pg';
import { datasourceConnects } from '../../../lambda/check/checks/datasource-connects';
import { rowCounts } from '../../../lambda/check/checks/row-counts';
import { tablesPresent } from '../../../lambda/check/checks/tables-present';
import { tenantsAgree } from '../../../lambda/check/checks/tenants-agree';
import type { CheckEvent, RestoredDatabase } from '../../../lambda/check/contract';
import { countsReader } from '../../../lambda/check/counts-reader';
import { withConnection } from '../../../lambda/check/databases/with-connection';
import { runChecks } from '../../../lambda/check/run-checks';
import { surroundingsOf } from '../../../lambda/check/surroundings';
import type { NotedCounts } from '../../../lambda/count/contract';
import { countRows } from '../../../lambda/count/count-rows';
import { type LocalAws, startLocalAws } from '../../../local/local-aws';
import { fillDatabases } from '../../../local/sample/databases';

const REGION = 'eu-central-1';
const PASSWORD = 'correct-horse-battery';
const DATASOURCES = [
  { datasource: 'identity_db', type: 'postgre', databaseName: 'identity' },
  { datasource: 'shared_db', type: 'postgre', databaseName: 'shared' },
];

void describe('checks on a real PostgreSQL', { timeout: 180_000 }, () => {
  let aws: LocalAws;
  let secrets: SecretsManagerClient;
  let database: RestoredDatabase;

  before(async () => {
    aws = await startLocalAws();
    const rds = new RDSClient(aws.clientConfig(REGION));
    secrets = new SecretsManagerClient(aws.clientConfig(REGION));
    await rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: 'restored',
        DBInstanceClass: 'db.t4g.micro',
        Engine: 'postgres',
        AllocatedStorage: 20,
        MasterUsername: 'isadmin',
        MasterUserPassword: PASSWORD,
      }),
    );
    const { host, port } = await available(rds);
    await fillDatabases({ type: 'postgre', host, port, user: 'isadmin', password: PASSWORD }, DATASOURCES, [
      { id: 1, domain: 'acme.example' },
      { id: 2, domain: 'globex.example' },
    ]);
    database = {
      name: 'is-db',
      host,
      port,
      secretArn: await secretWith({ username: 'isadmin', password: PASSWORD }),
      datasources: DATASOURCES,
    };
  });
  after(() => aws?.stop());

  async function available(rds: RDSClient): Promise<{ host: string; port: number }> {
    for (;;) {
      const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: 'restored' }));
      const { DBInstanceStatus, Endpoint } = DBInstances?.[0] ?? {};
      if (DBInstanceStatus === 'available' && Endpoint?.Address && Endpoint.Port) {
        return { host: Endpoint.Address, port: Endpoint.Port };
      }
      await sleep(50);
    }
  }

  async function secretWith(value: object): Promise<string> {
    const { ARN } = await secrets.send(
      new CreateSecretCommand({ Name: `secret-${Math.random()}`, SecretString: JSON.stringify(value) }),
    );
    return ARN ?? '';
  }

  async function sql(statement: string): Promise<void> {
    const { host, port } = database;
    const client = new Client({ host, port, user: 'isadmin', password: PASSWORD, database: 'shared' });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  }

  const notAsked = () => Promise.reject(new Error('not asked'));

  function eventOf(change: Partial<RestoredDatabase> = {}): CheckEvent {
    return {
      drillId: 'drill-1',
      deployment: 'prod',
      databases: [{ ...database, ...change }],
      volumes: [],
      plannedDatasources: DATASOURCES,
      restoreDependencies: { deploymentTomlPath: '', keystores: [], encryptionKey: 'literal' },
    };
  }

  function run(change: Partial<RestoredDatabase> = {}) {
    const surroundings = surroundingsOf(eventOf(change), secrets, '/nowhere', notAsked);
    return runChecks(surroundings, () => performance.now(), [datasourceConnects, tablesPresent, tenantsAgree]);
  }

  void it('connect, and find tables, rows and tenants', async () => {
    const { checks } = await run();
    assert.deepEqual(
      checks.map(({ check, status }) => `${check} ${status}`),
      [
        'datasource-connects PASSED',
        'datasource-connects PASSED',
        'tables-present PASSED',
        'tables-present PASSED',
        'tenants-agree SKIPPED',
      ],
      JSON.stringify(checks, null, 2),
    );
    assert.match(checks[0]?.reason ?? '', /^identity_db connects to database identity \(PostgreSQL 1\d/);
    assert.equal(checks[2]?.compared['IDN_BASE_TABLE.PRODUCT_NAME'], 'WSO2 Identity Server');
    assert.ok(Number(checks[3]?.compared['rows UM_TENANT']) >= 2);
    assert.equal(checks[4]?.compared['tenantsInDatabase'], 2);
  });

  void it('fail where a table was dropped, and name it', async () => {
    await sql('ALTER TABLE reg_content RENAME TO reg_content_away');
    try {
      const { checks } = await run();
      assert.equal(checks[3]?.status, 'FAILED');
      assert.match(
        checks[3]?.reason ?? '',
        /shared_db: database shared lacks 1 of the 11 tables it must hold: REG_CONTENT/,
      );
      assert.equal(checks[2]?.status, 'PASSED');
    } finally {
      await sql('ALTER TABLE reg_content_away RENAME TO reg_content');
    }
  });

  void it('count rows of production, and compare a restored set with what was counted', async () => {
    const s3 = new S3Client(aws.clientConfig(REGION));
    const bucket = 'noted-counts';
    await s3.send(
      new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: REGION } }),
    );
    const countAt = async (time: string) => {
      const { key, tables } = await countRows(
        { deployment: 'prod', databases: [database] },
        {
          s3,
          bucket,
          now: () => new Date(time),
          withConnection: (server, datasource, use) => withConnection(secrets, server, datasource, use),
        },
      );
      assert.equal(tables, 21);
      return key;
    };
    const compare = async (moment: string) => {
      const event = eventOf({ moment });
      const readCounts = countsReader(s3, bucket, 'prod');
      const surroundings = surroundingsOf(event, secrets, '/nowhere', notAsked, readCounts);
      const { checks } = await runChecks(surroundings, () => performance.now(), [tablesPresent, rowCounts]);
      return checks.filter(({ check, component }) => check === 'row-counts' && component === 'is-db')[1]!;
    };

    const none = await compare('2026-11-24T04:30:00.000Z');
    assert.deepEqual([none.status, none.compared['datasource']], ['SKIPPED', 'shared_db']);
    assert.match(none.reason, /nothing to compare with \(`rowCounts`\)/);
    assert.equal(await countAt('2026-11-24T04:00:00.000Z'), 'counts/prod/20261124T040000.000Z.json');
    await countAt('2026-11-24T05:00:00.000Z');
    const same = await compare('2026-11-24T04:30:00.000Z');
    assert.equal(same.status, 'PASSED', same.reason);
    assert.equal(same.compared['notes'], 2);
    assert.equal(same.compared['UM_TENANT'], '2, expected 1 to 12');

    await sql('CREATE TABLE um_tenant_away AS SELECT * FROM um_tenant');
    await sql('TRUNCATE um_tenant');
    try {
      const { status, reason } = await compare('2026-11-24T04:30:00.000Z');
      assert.equal(status, 'FAILED');
      assert.match(reason, /1 of 11 tables hold no rows, and held some in production .*: UM_TENANT 0 \(1 to 12\)/);
    } finally {
      await sql('INSERT INTO um_tenant SELECT * FROM um_tenant_away');
      await sql('DROP TABLE um_tenant_away');
    }
    await sql(
      'INSERT INTO um_tenant (um_id, um_domain_name, um_active, um_created_date) ' +
        "SELECT n, 'new-' || n, true, now() FROM generate_series(100, 120) n",
    );
    try {
      const { status, reason } = await compare('2026-11-24T04:30:00.000Z');
      assert.equal(status, 'WARNING');
      assert.match(reason, /1 of 11 tables hold another number of rows .*: UM_TENANT 23 \(1 to 12\)/);
    } finally {
      await sql('DELETE FROM um_tenant WHERE um_id >= 100');
    }
    const far = await compare('2026-11-26T06:00:00.000Z');
    assert.equal(far.status, 'WARNING');
    assert.match(
      far.reason,
      /no rows were noted within a day of 2026-11-26T06:00:00.000Z, though they are at other times/,
    );
  });

  void it('write what could be counted, and name what could not', async () => {
    const written: Record<string, unknown>[] = [];
    const s3 = { send: (command: { input: Record<string, unknown> }) => Promise.resolve(written.push(command.input)) };
    const gone = { ...database, name: 'other', port: 1 };
    await assert.rejects(
      countRows(
        { deployment: 'prod', databases: [gone, database] },
        {
          s3: s3 as unknown as S3Client,
          bucket: 'b',
          now: () => new Date('2026-11-24T04:00:00.000Z'),
          withConnection: (server, datasource, use) => withConnection(secrets, server, datasource, use),
        },
      ),
      /^Error: datasource identity_db.*ECONNREFUSED.*; datasource shared_db.*ECONNREFUSED/,
    );
    const { counts } = JSON.parse(written[0]?.['Body'] as string) as NotedCounts;
    assert.deepEqual(
      counts.map(({ component, datasource }) => [component, datasource]),
      [
        ['is-db', 'identity_db'],
        ['is-db', 'shared_db'],
      ],
    );
    assert.equal(counts[1]?.rows['UM_TENANT'], 2);
  });

  void it('fail with a wrong password, and tell no password', async () => {
    const { checks } = await run({ secretArn: await secretWith({ username: 'isadmin', password: 'wrong-password' }) });
    assert.equal(checks[0]?.status, 'FAILED');
    assert.match(checks[0]?.reason ?? '', /identity_db, database identity on .*password authentication failed/);
    assert.doesNotMatch(JSON.stringify(checks), /wrong-password|correct-horse/);
  });

  void it('fail where database, server or secret are not there', async () => {
    const gone = DATASOURCES.map((datasource) => ({ ...datasource, databaseName: 'gone' }));
    assert.match((await run({ datasources: gone })).checks[0]?.reason ?? '', /database "gone" does not exist/);
    assert.match((await run({ port: 1 })).checks[0]?.reason ?? '', /ECONNREFUSED/);
    const { checks } = await run({ secretArn: database.secretArn.replace('secret-', 'other-') });
    assert.match(checks[0]?.reason ?? '', /ResourceNotFoundException.*replicate the secret/);
    const bad = await run({ secretArn: await secretWith({ user: 'x' }) });
    assert.match(bad.checks[0]?.reason ?? '', /must be JSON with `username` and `password`/);
  });

  void it('fail for an engine that has no driver here', async () => {
    const { checks } = await run({ datasources: [{ datasource: 'shared_db', type: 'db2', databaseName: 'IS' }] });
    assert.equal(checks[0]?.status, 'FAILED');
    assert.match(checks[0]?.reason ?? '', /is of type db2, which this release cannot check/);
  });
});
