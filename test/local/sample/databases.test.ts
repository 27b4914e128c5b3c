import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateDBInstanceCommand, DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { IDENTITY_TABLES, SHARED_TABLES } from '../../../lambda/check/tables';
import { startLocalAws, type LocalAws } from '../../../local/local-aws';
import { agree, fillDatabases, tenantDirectories } from '../../../local/sample/databases';
import { sampleTenants } from '../../../local/sample/is-home';
import { withClient, type DatabaseServer } from '../../../local/sample/sql-client';
import { noMariaDb } from '../../lambda/check/mariadb-server';

const ENGINES = [
  {
    type: 'postgre',
    engine: 'postgres',
    schema: `'public'`,
    kill: 'SELECT pg_terminate_backend(pg_backend_pid())',
    skip: false,
  },
  { type: 'mysql', engine: 'mysql', schema: 'DATABASE()', kill: 'KILL CONNECTION_ID()', skip: noMariaDb },
] as const;

void describe('sample databases', { timeout: 120_000 }, () => {
  let aws: LocalAws;

  before(async () => {
    aws = await startLocalAws();
  });
  after(() => aws?.stop());

  for (const { type, engine, schema, kill, skip } of ENGINES) {
    void describe(`on ${engine}`, { skip }, () => {
      const root = mkdtempSync(join(tmpdir(), 'databases-'));
      let server: DatabaseServer;

      before(async () => {
        server = await makeServer();
        const databases = [
          { datasource: 'identity_db', databaseName: 'identity' },
          { datasource: 'shared_db', databaseName: 'shared-with-dash' },
          { datasource: 'AgentIdentity', databaseName: 'agents' },
        ];
        const rows = await fillDatabases(server, databases, sampleTenants(3), (clear) =>
          Buffer.from(clear).toString('base64'),
        );
        // 4 owners (3 tenants and the super tenant): 8 domains, 80 users, 240 attributes, 8 roles, 80 user roles = 416;
        // 3 tenants and 4 times path, content, resource, two properties = 439 in all.
        assert.equal(rows['shared-with-dash'], 439);
        assert.equal(rows.agents, 416);
        // 1 product; 12 applications, OAuth applications and inbound keys each, 120 tokens and scopes each, 8 identity
        // providers, 20 sessions, 4 secrets.
        assert.equal(rows.identity, 1 + 36 + 240 + 8 + 20 + 4);
      });
      after(() => rmSync(root, { recursive: true, force: true }));

      async function makeServer(): Promise<DatabaseServer> {
        const rds = new RDSClient(aws.clientConfig('eu-west-1'));
        const user = { MasterUsername: 'isadmin', MasterUserPassword: 'correct-horse' };
        const what = { DBInstanceClass: 'db.t4g.micro', Engine: engine, AllocatedStorage: 20 };
        await rds.send(new CreateDBInstanceCommand({ ...what, ...user, DBInstanceIdentifier: engine }));
        for (;;) {
          const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: engine }));
          const { Endpoint, DBInstanceStatus } = DBInstances![0]!;
          assert.notEqual(DBInstanceStatus, 'failed');
          if (DBInstanceStatus === 'available')
            return {
              type,
              host: Endpoint!.Address!,
              port: Endpoint!.Port!,
              user: 'isadmin',
              password: 'correct-horse',
            };
          await sleep(50);
        }
      }

      const tables = (database: string) =>
        withClient(server, database, async ({ query }) => {
          const { rows } = await query<{ name: string }>(
            `SELECT UPPER(TABLE_NAME) AS name FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = ${schema}`,
          );
          return rows.map(({ name }) => name);
        });

      void it('holds every table that the drill looks for', async () => {
        const identity = await tables('identity');
        const shared = await tables('shared-with-dash');
        assert.deepEqual(
          IDENTITY_TABLES.filter((name) => !identity.includes(name)),
          [],
        );
        assert.deepEqual(
          SHARED_TABLES.filter((name) => !shared.includes(name)),
          [],
        );
      });

      void it('holds what the tenants are: names, moments, who is active, what is encrypted', async () => {
        const query = (database: string, sql: string) =>
          withClient(server, database, async (client) => (await client.query(sql)).rows);
        const tenants = await query(
          'shared-with-dash',
          `SELECT UM_DOMAIN_NAME AS domain, CAST(UM_CREATED_DATE AS CHAR(19)) AS moment FROM UM_TENANT WHERE UM_ID = 3`,
        );
        assert.deepEqual(
          tenants.map((row) => ({ ...row })),
          [{ domain: 'tenant-0003.example.com', moment: '2026-01-01 03:00:00' }],
        );
        const [secret] = await query('identity', 'SELECT SECRET_VALUE AS value FROM IDN_SECRET WHERE TENANT_ID = 2');
        assert.equal(Buffer.from(String(secret?.value), 'base64').toString(), 'secret of tenant-0002.example.com');
        const [user] = await query(
          'agents',
          `SELECT UM_USER_PASSWORD AS password FROM UM_USER WHERE UM_USER_NAME = 'user-1@carbon.super'`,
        );
        // SHA-256 of 'carbon.super1'.
        assert.equal(user?.password, '2liebuiWp7aledpBhTnE7KWyWsDPM0UY7XWf0ekEx8Q=');
      });

      void it('agrees with the tenant directories, or says which ones do not', async () => {
        for (const id of [1, 2, 3]) await mkdir(join(root, 'tenants', String(id)), { recursive: true });
        assert.deepEqual(await agree(server, 'shared-with-dash', root), {
          tenantsInDatabase: 3,
          tenantDirectories: 3,
          withoutDirectory: [],
          withoutRow: [],
        });
        rmSync(join(root, 'tenants/2'), { recursive: true });
        await mkdir(join(root, 'tenants/9'));
        await mkdir(join(root, 'tenants/not-a-tenant'));
        const { withoutDirectory, withoutRow } = await agree(server, 'shared-with-dash', root);
        assert.deepEqual({ withoutDirectory, withoutRow }, { withoutDirectory: [2], withoutRow: [9] });
      });

      void it('fails the query of a connection that the server ends, and nothing else', async () => {
        await withClient(server, undefined, async (client) => {
          await assert.rejects(client.query(kill));
          // What the driver says besides comes now, while nobody waits for anything; unheard, it would end the process.
          await sleep(200);
          await assert.rejects(client.query('SELECT 1'));
        });
      });

      void it('puts two datasources that share a database into it side by side', async () => {
        const both = ['identity_db', 'shared_db'].map((datasource) => ({ datasource, databaseName: 'wso2' }));
        await fillDatabases(server, both, sampleTenants(1));
        assert.equal((await tables('wso2')).length, 11 + 7 + 4);
      });

      void it('does not fill twice', async () => {
        await assert.rejects(
          fillDatabases(server, [{ datasource: 'identity_db', databaseName: 'identity' }], sampleTenants(1)),
          /already exists/,
        );
      });
    });
  }
});

test('there are no tenants where there is no folder for them', async () => {
  assert.deepEqual(await tenantDirectories(join(tmpdir(), 'absent-folder-of-tenants')), []);
});
