// RDS instances of engines `mysql` and `mariadb`, which are servers of MariaDB: what is not the same as of PostgreSQL.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { after, before, describe, it, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
  StartDBInstanceAutomatedBackupsReplicationCommand,
  type DBInstance,
} from '@aws-sdk/client-rds';
import { startLocalAws, type LocalAws } from '../../local/local-aws';
import { findMariaDb } from '../../local/mariadb';
import { withClient, type SqlClient } from '../../local/sample/sql-client';
import { noMariaDb } from '../lambda/check/mariadb-server';

const PASSWORD = 'correct-horse';
const NEW_PASSWORD = 'battery-staple';

void describe(
  'RDS instances of MySQL and MariaDB',
  {
    skip: noMariaDb,
    timeout: 180_000,
  },
  () => {
    let aws: LocalAws;
    let rds: RDSClient;

    before(async () => {
      aws = await startLocalAws({
        durations: { restoreSeconds: 0, logShippingSeconds: 0.1, automatedBackupReplicationSeconds: 0.1 },
      });
      rds = new RDSClient(aws.clientConfig('eu-central-1'));
      await create('identity', 'mysql', { DBName: 'shared_db' });
    });
    after(() => aws?.stop());

    async function create(DBInstanceIdentifier: string, Engine: string, more: object = {}): Promise<DBInstance> {
      const what = { DBInstanceClass: 'db.t4g.micro', AllocatedStorage: 20, MasterUsername: 'isadmin' };
      await rds.send(
        new CreateDBInstanceCommand({ ...what, MasterUserPassword: PASSWORD, DBInstanceIdentifier, Engine, ...more }),
      );
      return until(DBInstanceIdentifier);
    }

    async function until(DBInstanceIdentifier: string, status = 'available', client = rds): Promise<DBInstance> {
      for (;;) {
        const { DBInstances } = await client.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier }));
        if (DBInstances![0]!.DBInstanceStatus === status) return DBInstances![0]!;
        assert.ok(['creating', 'resetting-master-credentials'].includes(DBInstances![0]!.DBInstanceStatus!));
        await sleep(50);
      }
    }

    const on = <T>(instance: DBInstance, run: (client: SqlClient) => Promise<T>, password = PASSWORD) =>
      withClient(
        { type: 'mysql', host: '127.0.0.1', port: instance.Endpoint!.Port!, user: 'isadmin', password },
        'shared_db',
        run,
      );
    const query = async (instance: DBInstance, sql: string, password = PASSWORD) =>
      (await on(instance, (client) => client.query(sql), password)).rows.map((row) => Object.values(row));

    void it('are servers that know their master user and database, nobody without a password, and no superuser but RDS’s', async () => {
      const instance = await until('identity');
      assert.deepEqual(await query(instance, 'SELECT CURRENT_USER(), DATABASE()'), [['isadmin@%', 'shared_db']]);
      await assert.rejects(query(instance, 'SELECT 1', 'wrong-horse'), { code: 'ER_ACCESS_DENIED_ERROR' });
      assert.deepEqual(
        await query(instance, `SELECT User, Host FROM mysql.user WHERE User <> 'mariadb.sys' ORDER BY User`),
        [
          ['isadmin', '%'],
          ['rdsadmin', '127.0.0.1'],
        ],
      );
      await query(instance, 'CREATE DATABASE identity_db');
      await assert.rejects(query(instance, 'SET GLOBAL max_connections = 10'), {
        code: 'ER_SPECIFIC_ACCESS_DENIED_ERROR',
      });
    });

    void it('keep their data below the folder of the local AWS, and are not run by root', async () => {
      const [[data]] = (await query(await until('identity'), 'SELECT @@datadir')) as [[string]];
      assert.ok(data.startsWith(aws.dataDir), data);
      const { stdout } = spawnSync('ps', ['-eo', 'user=,args='], { encoding: 'utf8' });
      const [line] = stdout.split('\n').filter((process) => process.includes(`--datadir=${data.replace(/\/$/, '')}`));
      const { uid, username } = userInfo();
      assert.equal(line?.split(' ')[0], uid === 0 ? 'nobody' : username);
    });

    void it('have a consistent snapshot although they are written to meanwhile', async () => {
      const source = await until('identity');
      await query(source, 'CREATE TABLE pairs (id INT PRIMARY KEY)');
      let writing = true;
      let written = 0;
      const writer = on(source, async (client) => {
        for (; writing; written += 2) await client.query(`INSERT INTO pairs VALUES (${written}), (${written + 1})`);
      });
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
      const copy = await until('copy');
      assert.equal(copy.Engine, 'mysql');
      const [[n, last]] = (await query(copy, 'SELECT COUNT(*), MAX(id) FROM pairs')) as [[number, number]];
      assert.equal(n % 2, 0, 'half a transaction');
      assert.equal(n, last + 1, 'a gap');
      assert.ok(n >= before && n < written, `${before} <= ${n} < ${written}`);
    });

    void it('take a new master password, after which the old one is refused', async () => {
      await create('other', 'mariadb', { DBName: 'shared_db' });
      await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'other', MasterUserPassword: NEW_PASSWORD }));
      const instance = await until('other');
      await query(instance, 'SELECT 1', NEW_PASSWORD);
      await assert.rejects(query(instance, 'SELECT 1'), { code: 'ER_ACCESS_DENIED_ERROR' });
    });

    void it('are refused a name or a password that RDS does not take of them', async () => {
      await assert.rejects(create('x', 'mysql', { MasterUsername: 'a2345678901234567' }), /longer than 16 characters/);
      await assert.rejects(create('x', 'mysql', { MasterUsername: 'rdsadmin' }), /reserved word/);
      await assert.rejects(create('x', 'mysql', { MasterUserPassword: 'a'.repeat(42) }), /not 8 to 41 characters long/);
    });

    void it('are restored from replicated automated backups to a moment, after their Region is gone', async () => {
      const dr = new RDSClient(aws.clientConfig('eu-west-1'));
      const source = await until('identity');
      await query(source, 'CREATE TABLE seen (n INT)');
      await dr.send(
        new StartDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn: source.DBInstanceArn }),
      );
      const replica = async () =>
        (await dr.send(new DescribeDBInstanceAutomatedBackupsCommand({ DbiResourceId: source.DbiResourceId })))
          .DBInstanceAutomatedBackups![0]!;
      const replicated = async () => {
        for (const moment = Date.now(); ; await sleep(50))
          if (((await replica()).RestoreWindow?.LatestTime?.getTime() ?? 0) > moment) return;
      };
      await replicated();
      await query(source, 'INSERT INTO seen VALUES (1)');
      // Binary logs tell seconds apart, nothing less.
      await sleep(1100);
      const moment = new Date();
      await sleep(1100);
      await query(source, 'INSERT INTO seen VALUES (2)');
      await query(source, 'CREATE TABLE later (n INT)');
      await replicated();
      await aws.addFault({ kind: 'region-gone', match: 'eu-central-1' });
      const restore = async (TargetDBInstanceIdentifier: string, when: object) =>
        dr.send(
          new RestoreDBInstanceToPointInTimeCommand({
            SourceDBInstanceAutomatedBackupsArn: (await replica()).DBInstanceAutomatedBackupsArn,
            TargetDBInstanceIdentifier,
            ...when,
          }),
        );
      await restore('earlier', { RestoreTime: moment });
      await restore('latest', { UseLatestRestorableTime: true });
      const earlier = await until('earlier', 'available', dr);
      assert.deepEqual(await query(earlier, 'SELECT n FROM seen'), [[1]]);
      await assert.rejects(query(earlier, 'SELECT * FROM later'), { code: 'ER_NO_SUCH_TABLE' });
      assert.deepEqual(await query(await until('latest', 'available', dr), 'SELECT n FROM seen ORDER BY n'), [
        [1],
        [2],
      ]);
      // What came with the base backup is there once.
      assert.deepEqual(await query(earlier, 'SELECT COUNT(*) = COUNT(DISTINCT id) FROM pairs'), [[1]]);

      await aws.addFault({ kind: 'automated-backup-damaged', match: source.DBInstanceArn! });
      await restore('damaged', { UseLatestRestorableTime: true });
      await until('damaged', 'incompatible-restore', dr);
      await aws.clearFaults();
    });
  },
);

test('MariaDB is found on the PATH and where servers lie, or not at all', () => {
  assert.equal(findMariaDb('/nonexistent', []), undefined);
  const found = findMariaDb();
  if (found) assert.equal(spawnSync(found.mariadbd, ['--version']).status, 0);
});
