import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateDBInstanceCommand,
  DeleteDBInstanceAutomatedBackupCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  DescribeDBInstancesCommand,
  ListTagsForResourceCommand,
  RDSClient,
  RestoreDBInstanceToPointInTimeCommand,
  type RestoreDBInstanceToPointInTimeCommandInput,
  StartDBInstanceAutomatedBackupsReplicationCommand,
  StopDBInstanceAutomatedBackupsReplicationCommand,
  type DBInstance,
  type DBInstanceAutomatedBackup,
} from '@aws-sdk/client-rds';
import { Client } from 'pg';
import { startLocalAws, type LocalAws } from '../../local/local-aws';

const PRIMARY = 'eu-central-1';
const DR = 'eu-west-1';
const PASSWORD = 'correct-horse';

void describe('automated backups that are replicated to another Region', { timeout: 180_000 }, () => {
  let aws: LocalAws;
  let primary: RDSClient;
  let dr: RDSClient;
  let source: DBInstance;

  before(async () => {
    aws = await startLocalAws({
      durations: { logShippingSeconds: 0.2, automatedBackupReplicationSeconds: 0.2, restoreSeconds: 0.1 },
    });
    primary = new RDSClient(aws.clientConfig(PRIMARY));
    dr = new RDSClient(aws.clientConfig(DR));
    source = await create('identity', {});
    await query(source, 'CREATE TABLE seen (n int)');
  });
  after(() => aws?.stop());

  async function create(identifier: string, more: object): Promise<DBInstance> {
    await primary.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: identifier,
        DBInstanceClass: 'db.t4g.micro',
        Engine: 'postgres',
        AllocatedStorage: 20,
        MasterUsername: 'isadmin',
        MasterUserPassword: PASSWORD,
        ...more,
      }),
    );
    return until(primary, identifier, 'available');
  }

  async function until(rds: RDSClient, identifier: string, status: string): Promise<DBInstance> {
    for (;;) {
      const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }));
      if (DBInstances![0]!.DBInstanceStatus === status) return DBInstances![0]!;
      assert.equal(DBInstances![0]!.DBInstanceStatus, 'creating');
      await sleep(50);
    }
  }

  async function query(instance: DBInstance, sql: string) {
    const { Address: host, Port: port } = instance.Endpoint!;
    const client = new Client({ host, port, user: 'isadmin', password: PASSWORD, database: 'postgres' });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  }

  const seen = async (instance: DBInstance) =>
    (await query(instance, 'SELECT n FROM seen ORDER BY n')).map(({ n }) => Number(n));

  const start = (input: object = {}, rds = dr) =>
    rds.send(
      new StartDBInstanceAutomatedBackupsReplicationCommand({
        SourceDBInstanceArn: source.DBInstanceArn,
        BackupRetentionPeriod: 35,
        ...input,
      }),
    );

  const describeAll = async (input: object = {}, rds = dr) =>
    (await rds.send(new DescribeDBInstanceAutomatedBackupsCommand(input))).DBInstanceAutomatedBackups ?? [];

  async function replica(): Promise<DBInstanceAutomatedBackup> {
    const found = (await describeAll()).filter(({ DBInstanceArn }) => DBInstanceArn === source.DBInstanceArn);
    assert.equal(found.length, 1);
    return found[0]!;
  }

  /** Until what was committed before now can be restored. */
  async function replicated(): Promise<DBInstanceAutomatedBackup> {
    const moment = Date.now();
    for (;;) {
      const found = await replica();
      if ((found.RestoreWindow?.LatestTime?.getTime() ?? 0) > moment) return found;
      await sleep(50);
    }
  }

  const restore = async (identifier: string, input: Partial<RestoreDBInstanceToPointInTimeCommandInput>) =>
    dr.send(
      new RestoreDBInstanceToPointInTimeCommand({
        SourceDBInstanceAutomatedBackupsArn: (await replica()).DBInstanceAutomatedBackupsArn,
        TargetDBInstanceIdentifier: identifier,
        ...input,
      }),
    );

  const remove = (identifier: string) =>
    dr.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: identifier, SkipFinalSnapshot: true }));

  void it('are on with an instance, and cannot be restored from before they are replicated', async () => {
    const [own] = await describeAll({}, primary);
    assert.equal(own?.DBInstanceArn, source.DBInstanceArn);
    assert.equal(own?.Region, PRIMARY);
    assert.equal(own?.RestoreWindow, undefined);
    assert.deepEqual(await describeAll(), []);
  });

  void it('are not replicated to their own Region, of what is not there, or where they are off', async () => {
    await assert.rejects(start({}, primary), /cannot be replicated to its own Region/);
    await assert.rejects(start({ SourceDBInstanceArn: `${source.DBInstanceArn}x` }), {
      name: 'DBInstanceNotFoundFault',
    });
    await assert.rejects(start({ SourceDBInstanceArn: 'identity' }), { name: 'InvalidParameterValue' });
    const off = await create('unprotected', { BackupRetentionPeriod: 0 });
    await assert.rejects(start({ SourceDBInstanceArn: off.DBInstanceArn }), {
      name: 'InvalidDBInstanceStateFault',
      message: /Automated backups are not enabled/,
    });
    assert.equal((await describeAll({}, primary)).length, 1);
    await assert.rejects(start({ BackupRetentionPeriod: 36 }), { name: 'InvalidParameterValue' });
  });

  void it('need a key of the other Region where the source is encrypted', async () => {
    const { DBInstanceArn: SourceDBInstanceArn } = await create('encrypted', { StorageEncrypted: true });
    const kms = async (action: string, input: object) => {
      const headers = {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `TrentService.${action}`,
        authorization: `AWS4-HMAC-SHA256 Credential=test/20261124/${DR}/kms/aws4_request, SignedHeaders=host, Signature=0`,
      };
      const answer = await fetch(aws.endpoint, { method: 'POST', headers, body: JSON.stringify(input) });
      assert.equal(answer.status, 200);
      return (await answer.text()) || '{}';
    };
    const { KeyMetadata } = JSON.parse(await kms('CreateKey', {})) as { KeyMetadata: { KeyId: string } };
    await kms('CreateAlias', { AliasName: 'alias/site', TargetKeyId: KeyMetadata.KeyId });
    const alias = (region: string, name: string) => `arn:aws:kms:${region}:${aws.accountId}:alias/${name}`;
    await assert.rejects(start({ SourceDBInstanceArn }), { name: 'InvalidParameterCombination' });
    for (const KmsKeyId of [alias(PRIMARY, 'site'), alias(DR, 'other')])
      await assert.rejects(start({ SourceDBInstanceArn, KmsKeyId }), { name: 'KMSKeyNotAccessibleFault' });
    await start({ SourceDBInstanceArn, KmsKeyId: alias(DR, 'site') });
    await dr.send(new StopDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn }));
  });

  void it('come with the restore window of the source; asking again changes the retention only', async () => {
    const { DBInstanceAutomatedBackup: started } = await start({ BackupRetentionPeriod: 7 });
    assert.equal(started?.Status, 'creating');
    assert.equal(started?.RestoreWindow, undefined);
    assert.match(
      started?.DBInstanceAutomatedBackupsArn ?? '',
      /^arn:aws:rds:eu-west-1:\d{12}:auto-backup:ab-[0-9a-z]+$/,
    );
    await assert.rejects(
      restore('too-early', { UseLatestRestorableTime: true }),
      /nothing can be restored from it yet/,
    );
    await start();
    const found = await replicated();
    assert.equal(found.DBInstanceAutomatedBackupsArn, started?.DBInstanceAutomatedBackupsArn);
    assert.deepEqual(
      [found.Status, found.Region, found.DBInstanceArn, found.BackupRetentionPeriod],
      ['replicating', PRIMARY, source.DBInstanceArn, 35],
    );
    assert.ok(found.RestoreWindow!.EarliestTime! < found.RestoreWindow!.LatestTime!);
    // By its ARN, by its source, and not by another's.
    const arn = { DBInstanceAutomatedBackupsArn: found.DBInstanceAutomatedBackupsArn };
    assert.equal((await describeAll(arn)).length, 1);
    const filter = (value: string) => ({ Filters: [{ Name: 'db-instance-id', Values: [value] }] });
    assert.equal((await describeAll(filter('identity'))).length, 1);
    assert.equal((await describeAll(filter('another'))).length, 0);
  });

  void it('are restored to a moment: what was committed until then, and nothing after', async () => {
    await query(source, 'INSERT INTO seen VALUES (1)');
    await sleep(50);
    const moment = new Date();
    await sleep(50);
    await query(source, 'INSERT INTO seen VALUES (2)');
    await replicated();
    const { DBInstance: restored } = await restore('earlier', {
      RestoreTime: moment,
      PubliclyAccessible: false,
      Tags: [{ Key: 'drill', Value: 'd1' }],
    });
    assert.equal(restored?.DBInstanceStatus, 'creating');
    const earlier = await until(dr, 'earlier', 'available');
    assert.deepEqual(await seen(earlier), [1]);
    assert.equal(earlier.DBInstanceClass, 'db.t4g.micro');
    const { TagList } = await dr.send(new ListTagsForResourceCommand({ ResourceName: earlier.DBInstanceArn }));
    assert.deepEqual(TagList, [{ Key: 'drill', Value: 'd1' }]);
    // It is a server like any other, and the source goes on.
    await query(earlier, 'INSERT INTO seen VALUES (3)');
    assert.deepEqual(await seen(source), [1, 2]);
    await restore('latest', { UseLatestRestorableTime: true });
    assert.deepEqual(await seen(await until(dr, 'latest', 'available')), [1, 2]);
  });

  void it('are not restored outside of the window, under a name that is taken, or elsewhere', async () => {
    const { RestoreWindow, DBInstanceAutomatedBackupsArn } = await replica();
    const earliest = RestoreWindow!.EarliestTime!.getTime();
    await assert.rejects(restore('x', { RestoreTime: new Date(earliest - 1000) }), /cannot be restored to/);
    await assert.rejects(restore('x', { RestoreTime: new Date(Date.now() + 60_000) }), {
      name: 'InvalidParameterValue',
    });
    const RestoreTime = new Date(earliest + 100);
    await assert.rejects(restore('x', { RestoreTime, UseLatestRestorableTime: true }), /and not both/);
    await assert.rejects(restore('x', {}), { name: 'InvalidParameterCombination' });
    await assert.rejects(restore('latest', { RestoreTime }), { name: 'DBInstanceAlreadyExistsFault' });
    await assert.rejects(restore('x', { RestoreTime, DBSubnetGroupName: 'none' }), {
      name: 'DBSubnetGroupNotFoundFault',
    });
    await assert.rejects(restore('x', { RestoreTime, SourceDBInstanceIdentifier: 'identity' }), /Exactly one/);
    const there = new RestoreDBInstanceToPointInTimeCommand({
      SourceDBInstanceAutomatedBackupsArn: DBInstanceAutomatedBackupsArn,
      TargetDBInstanceIdentifier: 'x',
      RestoreTime,
    });
    await assert.rejects(primary.send(there), { name: 'DBInstanceAutomatedBackupNotFoundFault' });
  });

  void it('stand still while their replication is held, and catch up', async () => {
    await aws.addFault({ kind: 'automated-backup-replication-paused', match: source.DBInstanceArn! });
    await sleep(600);
    const { RestoreWindow: held } = await replica();
    await sleep(600);
    assert.deepEqual((await replica()).RestoreWindow, held);
    await aws.clearFaults();
    await query(source, 'INSERT INTO seen VALUES (4)');
    await replicated();
    await restore('caught-up', { UseLatestRestorableTime: true });
    assert.deepEqual(await seen(await until(dr, 'caught-up', 'available')), [1, 2, 4]);
  });

  void it('that are damaged end as an instance that is incompatible-restore, and can be deleted', async () => {
    await aws.addFault({ kind: 'automated-backup-damaged', match: source.DBInstanceArn! });
    await restore('damaged', { UseLatestRestorableTime: true });
    await until(dr, 'damaged', 'incompatible-restore');
    await aws.clearFaults();
    await remove('damaged');
  });

  void it('outlive the Region of their source, but for what was not there yet', async () => {
    await query(source, 'INSERT INTO seen VALUES (5)');
    await replicated();
    await aws.addFault({ kind: 'automated-backup-replication-paused', match: source.DBInstanceArn! });
    await sleep(500);
    await query(source, 'INSERT INTO seen VALUES (6)');
    await aws.addFault({ kind: 'region-gone', match: PRIMARY });
    await sleep(500);
    const { RestoreWindow, Status } = await replica();
    assert.equal(Status, 'replicating');
    await sleep(600);
    assert.deepEqual((await replica()).RestoreWindow, RestoreWindow);
    await restore('survivor', { UseLatestRestorableTime: true });
    assert.deepEqual(await seen(await until(dr, 'survivor', 'available')), [1, 2, 4, 5]);
    await aws.clearFaults();
  });

  void it('are retained when the replication is stopped, and only then deleted', async () => {
    await until(primary, 'identity', 'available');
    const { DBInstanceAutomatedBackupsArn } = await replica();
    const remove = () => dr.send(new DeleteDBInstanceAutomatedBackupCommand({ DBInstanceAutomatedBackupsArn }));
    await assert.rejects(remove(), { name: 'InvalidDBInstanceAutomatedBackupStateFault' });
    const stop = () =>
      dr.send(new StopDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn: source.DBInstanceArn }));
    await stop();
    const { Status, RestoreWindow } = await replica();
    assert.equal(Status, 'retained');
    await sleep(600);
    assert.deepEqual((await replica()).RestoreWindow, RestoreWindow);
    await restore('retained', { UseLatestRestorableTime: true });
    await until(dr, 'retained', 'available');
    await assert.rejects(stop(), { name: 'DBInstanceNotFoundFault' });
    await remove();
    assert.deepEqual(
      (await describeAll()).filter(({ DBInstanceArn }) => DBInstanceArn === source.DBInstanceArn),
      [],
    );
    await assert.rejects(remove(), { name: 'DBInstanceAutomatedBackupNotFoundFault' });
  });
});

void describe('automated backups in the Region of their instance', { timeout: 180_000 }, () => {
  let aws: LocalAws;
  let rds: RDSClient;
  before(async () => {
    aws = await startLocalAws({ automatedBackups: true, durations: { logShippingSeconds: 0.2, restoreSeconds: 0.1 } });
    rds = new RDSClient(aws.clientConfig(PRIMARY));
  });
  after(() => aws?.stop());

  const own = async () => {
    const { DBInstanceAutomatedBackups } = await rds.send(new DescribeDBInstanceAutomatedBackupsCommand({}));
    return DBInstanceAutomatedBackups!;
  };

  void it('are restored by the resource id, to a moment, also when the instance is gone and they are retained', async () => {
    await rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: 'identity',
        DBInstanceClass: 'db.t4g.micro',
        Engine: 'postgres',
        AllocatedStorage: 20,
        MasterUsername: 'isadmin',
        MasterUserPassword: PASSWORD,
      }),
    );
    const available = async (identifier: string) => {
      for (;;) {
        const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }));
        if (DBInstances![0]!.DBInstanceStatus === 'available') return DBInstances![0]!;
        assert.equal(DBInstances![0]!.DBInstanceStatus, 'creating');
        await sleep(50);
      }
    };
    const source = await available('identity');
    const backedUpTo = async (moment: number) => {
      while (((await own())[0]?.RestoreWindow?.LatestTime?.getTime() ?? 0) <= moment) await sleep(50);
    };
    await backedUpTo(Date.now());
    const query = async ({ Endpoint }: DBInstance, sql: string) => {
      const { Address: host, Port: port } = Endpoint!;
      const client = new Client({ host, port, user: 'isadmin', password: PASSWORD, database: 'postgres' });
      client.on('error', () => {});
      await client.connect();
      try {
        return (await client.query(sql)).rows as { n: number }[];
      } finally {
        await client.end();
      }
    };
    await query(source, 'CREATE TABLE seen AS SELECT 1 AS n');
    await sleep(1100);
    const moment = new Date();
    await sleep(1100);
    await query(source, 'INSERT INTO seen VALUES (2)');
    await backedUpTo(Date.now());
    const [kept] = await own();
    assert.deepEqual(
      [kept?.DBInstanceArn, kept?.DbiResourceId, kept?.Status, kept?.DBInstanceAutomatedBackupsArn],
      [source.DBInstanceArn, source.DbiResourceId, 'active', undefined],
    );
    const restored = async (TargetDBInstanceIdentifier: string, input: object) => {
      const SourceDbiResourceId = source.DbiResourceId;
      await rds.send(
        new RestoreDBInstanceToPointInTimeCommand({ TargetDBInstanceIdentifier, SourceDbiResourceId, ...input }),
      );
      return (await query(await available(TargetDBInstanceIdentifier), 'SELECT n FROM seen ORDER BY n')).map(
        ({ n }) => n,
      );
    };
    assert.deepEqual(await restored('earlier', { RestoreTime: moment }), [1]);
    await rds.send(
      new DeleteDBInstanceCommand({
        DBInstanceIdentifier: 'identity',
        SkipFinalSnapshot: true,
        DeleteAutomatedBackups: false,
      }),
    );
    const status = async () =>
      (await own()).find(({ DbiResourceId }) => DbiResourceId === source.DbiResourceId)?.Status;
    while ((await status()) !== 'retained') await sleep(50);
    assert.deepEqual(await restored('later', { UseLatestRestorableTime: true }), [1, 2]);

    // The default of RDS: they go with the instance.
    const { DbiResourceId } = await available('earlier');
    const isThere = async () => (await own()).some((each) => each.DbiResourceId === DbiResourceId);
    assert.ok(await isThere());
    await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'earlier', SkipFinalSnapshot: true }));
    while (await isThere()) await sleep(50);
  });
});
