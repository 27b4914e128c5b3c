import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import {
  AddTagsToResourceCommand,
  CreateDBClusterCommand,
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  DeleteDBClusterCommand,
  DeleteDBInstanceCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  ListTagsForResourceCommand,
  ModifyDBInstanceCommand,
  RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
  type DBInstance,
  waitUntilDBInstanceAvailable,
} from '@aws-sdk/client-rds';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Client } from 'pg';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { withClient } from '../../local/sample/sql-client';
import { createStack, eventually, outputsOf } from './stack';

const INSTANCE = {
  DBInstanceClass: 'db.t4g.micro',
  Engine: 'postgres',
  AllocatedStorage: 20,
  MasterUsername: 'isadmin',
  MasterUserPassword: 'correct-horse',
};

void describe('RDS instances of the local AWS', { timeout: 180_000 }, () => {
  let aws: LocalAws;
  let rds: RDSClient;

  before(async () => {
    aws = await startLocalAws();
    rds = new RDSClient(aws.clientConfig('eu-west-1'));
  });
  after(() => aws?.stop());

  const find = async (id: string): Promise<DBInstance> =>
    (await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }))).DBInstances![0]!;

  async function until(id: string, status: string): Promise<DBInstance> {
    for (;;) {
      const instance = await find(id);
      if (instance.DBInstanceStatus === status) return instance;
      assert.notEqual(instance.DBInstanceStatus, 'failed');
      await sleep(50);
    }
  }

  async function query(instance: DBInstance, sql: string, password = 'correct-horse', database = 'postgres') {
    const { Address: host, Port: port } = instance.Endpoint!;
    const client = new Client({ host, port, user: 'isadmin', password, database });
    // A server that is stopped ends its connections.
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  }

  void it('becomes a server that knows its master user and database, and no other password', async () => {
    const created = await rds.send(
      new CreateDBInstanceCommand({ ...INSTANCE, DBInstanceIdentifier: 'Identity', DBName: 'shared_db' }),
    );
    assert.equal(created.DBInstance?.DBInstanceStatus, 'creating');
    assert.equal(created.DBInstance?.Endpoint, undefined);

    const instance = await until('identity', 'available');
    assert.equal(instance.Endpoint?.Address, '127.0.0.1');
    assert.equal(instance.DBName, 'shared_db');
    assert.deepEqual(await query(instance, 'SELECT current_user AS who', 'correct-horse', 'shared_db'), [
      { who: 'isadmin' },
    ]);
    await assert.rejects(query(instance, 'SELECT 1', 'wrong-horse'), { code: '28P01' });
    // As on RDS, the master user makes databases and roles, and is no superuser.
    await query(instance, 'CREATE DATABASE identity_db');
    await query(instance, 'CREATE ROLE app LOGIN');
    await assert.rejects(query(instance, 'CREATE ROLE root SUPERUSER'), { code: '42501' });
  });

  void it('takes a new master password, after which the old one is refused', async () => {
    await rds.send(
      new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'identity', MasterUserPassword: 'battery-staple' }),
    );
    assert.equal((await find('identity')).DBInstanceStatus, 'resetting-master-credentials');
    const instance = await until('identity', 'available');
    await query(instance, 'SELECT 1', 'battery-staple');
    await assert.rejects(query(instance, 'SELECT 1', 'correct-horse'), { code: '28P01' });
  });

  void it('keeps tags', async () => {
    const ResourceName = (await find('identity')).DBInstanceArn;
    await rds.send(new AddTagsToResourceCommand({ ResourceName, Tags: [{ Key: 'drill', Value: 'd1' }] }));
    const { TagList } = await rds.send(new ListTagsForResourceCommand({ ResourceName }));
    assert.deepEqual(TagList, [{ Key: 'drill', Value: 'd1' }]);
  });

  void it('has a consistent snapshot although it is written to meanwhile', async () => {
    const source = await find('identity');
    await query(source, 'CREATE TABLE pairs (id int PRIMARY KEY)', 'battery-staple');
    let writing = true;
    let written = 0;
    const writer = (async () => {
      const { Address: host, Port: port } = source.Endpoint!;
      const client = new Client({ host, port, user: 'isadmin', password: 'battery-staple', database: 'postgres' });
      await client.connect();
      for (; writing; written += 2) await client.query(`INSERT INTO pairs VALUES (${written}), (${written + 1})`);
      await client.end();
    })();
    while (written < 200) await sleep(5);
    const before = written;
    await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: 'identity', DBSnapshotIdentifier: 'busy' }));
    const after = written;
    while (written < after + 200) await sleep(5);
    writing = false;
    await writer;
    assert.ok(after > before, 'nothing was written during the snapshot: the test proves nothing');

    await rds.send(
      new RestoreDBInstanceFromDBSnapshotCommand({ DBInstanceIdentifier: 'copy', DBSnapshotIdentifier: 'busy' }),
    );
    const copy = await until('copy', 'available');
    const [row] = await query(copy, 'SELECT count(*)::int AS n, max(id) AS last FROM pairs', 'battery-staple');
    const { n, last } = row as { n: number; last: number };
    assert.equal(n % 2, 0, 'half a transaction');
    assert.equal(n, last + 1, 'a gap');
    assert.ok(n >= before && n <= written, `${before} <= ${n} <= ${written}`);
    assert.ok(n < written, 'holds what was written after the snapshot');
  });

  void it('refuses what RDS refuses', async () => {
    const create = (changes: object) =>
      rds.send(new CreateDBInstanceCommand({ ...INSTANCE, DBInstanceIdentifier: 'other', ...changes }));
    await assert.rejects(create({ DBInstanceIdentifier: 'identity' }), { name: 'DBInstanceAlreadyExistsFault' });
    await assert.rejects(create({ DBInstanceIdentifier: '9lives' }), { name: 'InvalidParameterValue' });
    await assert.rejects(create({ MasterUserPassword: '1234567' }), /not 8 to 128 characters long/);
    await create({ DBInstanceIdentifier: 'shortest-password', MasterUserPassword: '12345678' });
    await assert.rejects(create({ MasterUserPassword: 'with@sign' }), { name: 'InvalidParameterValue' });
    await assert.rejects(create({ MasterUsername: 'rdsadmin' }), /reserved word/);
    await assert.rejects(create({ DBSubnetGroupName: 'elsewhere' }), { name: 'DBSubnetGroupNotFoundFault' });
    await assert.rejects(create({ VpcSecurityGroupIds: ['sg-0123456789abcdef0'] }), /Invalid security group/);
    await assert.rejects(
      create({ Engine: 'sqlserver-ee' }),
      /Invalid DB engine: the local AWS has servers for postgres, mysql, mariadb, got 'sqlserver-ee': use one of these/,
    );
  });

  void it('is deleted only without protection and with a decision about the final snapshot', async () => {
    const modify = (DeletionProtection: boolean) =>
      rds.send(
        new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'copy', DeletionProtection, ApplyImmediately: true }),
      );
    const remove = (options: object) =>
      rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'copy', ...options }));
    const instance = await find('copy');
    await modify(true);
    await assert.rejects(remove({ SkipFinalSnapshot: true }), { name: 'InvalidParameterCombination' });
    await modify(false);
    await assert.rejects(remove({}), { name: 'InvalidParameterCombination' });
    const { DBInstance: deleted } = await remove({ SkipFinalSnapshot: true });
    assert.equal(deleted?.DBInstanceStatus, 'deleting');
    assert.equal((await find('copy')).DBInstanceStatus, 'deleting');
    await assert.rejects(remove({ SkipFinalSnapshot: true }), /currently deleting/);
    await assert.rejects(
      (async () => {
        for (;;) {
          await find('copy');
          await sleep(50);
        }
      })(),
      { name: 'DBInstanceNotFoundFault' },
    );
    await assert.rejects(query(instance, 'SELECT 1'), { code: 'ECONNREFUSED' });
  });

  void it('is a server too when CloudFormation makes it, with the password of a generated secret', async () => {
    const cloudFormation = new CloudFormationClient(aws.clientConfig('eu-west-1'));
    const template = {
      Resources: {
        Secret: {
          Type: 'AWS::SecretsManager::Secret',
          Properties: {
            GenerateSecretString: {
              SecretStringTemplate: '{"username":"isadmin"}',
              GenerateStringKey: 'password',
              PasswordLength: 30,
              ExcludeCharacters: ' %+~`#$&*()|[]{}:;<>?!\'/@"\\',
            },
          },
        },
        Database: {
          Type: 'AWS::RDS::DBInstance',
          Properties: {
            Engine: 'postgres',
            DBInstanceClass: 'db.t4g.micro',
            AllocatedStorage: '20',
            DBName: 'identity_db',
            MasterUsername: 'isadmin',
            MasterUserPassword: {
              'Fn::Join': ['', ['{{resolve:secretsmanager:', { Ref: 'Secret' }, ':SecretString:password::}}']],
            },
            Tags: [{ Key: 'owner', Value: 'iam-team' }],
          },
        },
      },
      Outputs: {
        Id: { Value: { Ref: 'Database' } },
        Port: { Value: { 'Fn::GetAtt': ['Database', 'Endpoint.Port'] } },
        Secret: { Value: { Ref: 'Secret' } },
      },
    };
    await cloudFormation.send(new CreateStackCommand({ StackName: 'is', TemplateBody: JSON.stringify(template) }));
    const stack = async () => (await cloudFormation.send(new DescribeStacksCommand({ StackName: 'is' }))).Stacks![0]!;
    while ((await stack()).StackStatus === 'CREATE_IN_PROGRESS') await sleep(50);
    assert.equal((await stack()).StackStatus, 'CREATE_COMPLETE');
    const output = Object.fromEntries(((await stack()).Outputs ?? []).map((o) => [o.OutputKey, o.OutputValue!]));

    const secrets = new SecretsManagerClient(aws.clientConfig('eu-west-1'));
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: output.Secret }));
    const { password } = JSON.parse(SecretString!) as { password: string };
    const instance = await find(output.Id!);
    assert.equal(instance.DBInstanceStatus, 'available');
    assert.equal(String(instance.Endpoint?.Port), output.Port);
    await query(instance, 'CREATE TABLE um_tenant (um_id int)', password, 'identity_db');
    const { TagList } = await rds.send(new ListTagsForResourceCommand({ ResourceName: instance.DBInstanceArn }));
    assert.ok(TagList?.some((tag) => tag.Key === 'owner' && tag.Value === 'iam-team'));

    await cloudFormation.send(new DeleteStackCommand({ StackName: 'is' }));
    await assert.rejects(
      (async () => {
        for (;;) {
          await find(output.Id!);
          await sleep(50);
        }
      })(),
      { name: 'DBInstanceNotFoundFault' },
    );
  });

  void describe('of an Aurora cluster', () => {
    const CLUSTER = { Engine: 'aurora-postgresql', MasterUsername: 'isadmin', MasterUserPassword: 'correct-horse' };
    const MEMBER = { Engine: 'aurora-postgresql', DBInstanceClass: 'db.serverless' };
    const findCluster = async (DBClusterIdentifier: string) =>
      (await rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier }))).DBClusters![0]!;
    const ended = (what: Promise<unknown>) => what.then(() => undefined).catch((error: Error) => error.name);

    void it('answers for the cluster, which answers nobody without one and keeps what it holds', async () => {
      await rds.send(
        new CreateDBClusterCommand({ ...CLUSTER, DBClusterIdentifier: 'aurora', DatabaseName: 'shared_db' }),
      );
      await eventually('the cluster', async () => (await findCluster('aurora')).Status === 'available' || undefined);
      const { Endpoint: host, Port: port } = await findCluster('aurora');
      const server = { type: 'postgre' as const, host: host!, port: port!, user: 'isadmin', password: 'correct-horse' };
      const query = (text: string) => withClient(server, 'shared_db', (client) => client.query(text, []));
      await assert.rejects(query('SELECT 1'), { code: 'ECONNREFUSED' });

      const addMember = () =>
        rds.send(new CreateDBInstanceCommand({ ...MEMBER, DBInstanceIdentifier: 'w', DBClusterIdentifier: 'aurora' }));
      await addMember();
      assert.deepEqual((await until('w', 'available')).Endpoint, {
        Address: host,
        Port: port,
        HostedZoneId: 'Z2R2ITUGPM61AM',
      });
      await query('CREATE TABLE kept (id integer)');
      const deletion = new DeleteDBClusterCommand({ DBClusterIdentifier: 'aurora', SkipFinalSnapshot: true });
      await assert.rejects(rds.send(deletion), { name: 'InvalidDBClusterStateFault' });

      await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'w' }));
      // A member that is being deleted is one still.
      await assert.rejects(rds.send(deletion), { name: 'InvalidDBClusterStateFault' });
      await eventually('its end', async () => (await ended(find('w'))) === 'DBInstanceNotFoundFault' || undefined);
      await assert.rejects(query('SELECT 1'), { code: 'ECONNREFUSED' });
      await addMember();
      await until('w', 'available');
      await query('SELECT id FROM kept');

      await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'w' }));
      await eventually('its end', async () => (await ended(find('w'))) === 'DBInstanceNotFoundFault' || undefined);
      await rds.send(deletion);
      await eventually(
        'the end',
        async () => (await ended(findCluster('aurora'))) === 'DBClusterNotFoundFault' || undefined,
      );
    });

    void it('is made by a template', async () => {
      const member = (DBClusterIdentifier: unknown) => ({
        Type: 'AWS::RDS::DBInstance',
        Properties: { ...MEMBER, DBClusterIdentifier },
      });
      const made = await createStack(
        aws,
        'eu-west-1',
        'cluster',
        { Cluster: { Type: 'AWS::RDS::DBCluster', Properties: CLUSTER }, Writer: member({ Ref: 'Cluster' }) },
        { Writer: { Ref: 'Writer' }, Port: { 'Fn::GetAtt': ['Cluster', 'Endpoint.Port'] } },
      );
      assert.equal(made.status, 'CREATE_COMPLETE');
      const { Writer, Port } = await outputsOf(aws, 'eu-west-1', 'cluster');
      const server = {
        type: 'postgre' as const,
        host: '127.0.0.1',
        port: Number(Port),
        user: 'isadmin',
        password: 'correct-horse',
      };
      await withClient(server, 'postgres', (client) => client.query('SELECT 1', []));
      assert.equal((await find(Writer!)).Engine, 'aurora-postgresql');
      const { reasons } = await createStack(aws, 'eu-west-1', 'lost', { Writer: member('elsewhere') });
      assert.match(reasons.join(), /DBCluster elsewhere not found/);
    });

    void it('is refused where it is none, or of another engine', async () => {
      const instance = {
        DBInstanceIdentifier: 'homeless',
        DBInstanceClass: 'db.serverless',
        DBClusterIdentifier: 'nowhere',
      };
      await assert.rejects(rds.send(new CreateDBInstanceCommand({ ...instance, Engine: 'aurora-postgresql' })), {
        name: 'DBClusterNotFoundFault',
      });
      await assert.rejects(
        rds.send(new CreateDBClusterCommand({ ...CLUSTER, Engine: 'postgres', DBClusterIdentifier: 'multi' })),
        /the local AWS has clusters of aurora-postgresql, aurora-mysql, got 'postgres'/,
      );
    });
  });

  void it('stops at once when its Region is lost, and only then', async () => {
    const west = await until('identity', 'available');
    const central = new RDSClient(aws.clientConfig('eu-central-1'));
    await central.send(new CreateDBInstanceCommand({ ...INSTANCE, DBInstanceIdentifier: 'identity' }));
    const describeCentral = async () =>
      (await central.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: 'identity' }))).DBInstances![0]!;
    while ((await describeCentral()).DBInstanceStatus !== 'available') await sleep(50);

    await aws.addFault({ kind: 'region-gone', match: 'eu-west-1' });
    await assert.rejects(
      (async () => {
        for (;;) {
          await query(west, 'SELECT 1', 'battery-staple');
          await sleep(50);
        }
      })(),
    );
    await query(await describeCentral(), 'SELECT 1');
    await aws.clearFaults();
  });
});

test('a server runs where the data lies in a folder that is closed to others', { timeout: 60_000 }, async () => {
  // As TMPDIR of pam_tmpdir: root's PostgreSQL runs as another account, which cannot pass through it.
  const closed = mkdtempSync(join(tmpdir(), 'closed-'));
  chmodSync(closed, 0o700);
  const aws = await startLocalAws({ dataDir: join(closed, 'data') });
  try {
    const rds = new RDSClient(aws.clientConfig('eu-west-1'));
    await rds.send(new CreateDBInstanceCommand({ ...INSTANCE, DBInstanceIdentifier: 'closed' }));
    await waitUntilDBInstanceAvailable(
      { client: rds, maxWaitTime: 30, minDelay: 1 },
      { DBInstanceIdentifier: 'closed' },
    );
  } finally {
    await aws.stop();
    rmSync(closed, { recursive: true, force: true });
  }
});
