import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateDBInstanceCommand, DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { IDENTITY_TABLES, SHARED_TABLES } from '../../../lambda/check/tables';
import { startLocalAws, type LocalAws } from '../../../local/local-aws';
import {
  agree,
  fillDatabases,
  tenantDirectories,
  withClient,
  type PostgresServer,
} from '../../../local/sample/databases';
import { sampleTenants } from '../../../local/sample/is-home';

void describe('sample databases', { timeout: 120_000 }, () => {
  const root = mkdtempSync(join(tmpdir(), 'databases-'));
  let aws: LocalAws;
  let server: PostgresServer;

  before(async () => {
    aws = await startLocalAws();
    const rds = new RDSClient(aws.clientConfig('eu-west-1'));
    const user = { MasterUsername: 'isadmin', MasterUserPassword: 'correct-horse' };
    const what = {
      DBInstanceIdentifier: 'is',
      DBInstanceClass: 'db.t4g.micro',
      Engine: 'postgres',
      AllocatedStorage: 20,
    };
    await rds.send(new CreateDBInstanceCommand({ ...what, ...user }));
    for (;;) {
      const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: 'is' }));
      const { Endpoint, DBInstanceStatus } = DBInstances![0]!;
      server = { host: Endpoint?.Address ?? '', port: Endpoint?.Port ?? 0, user: 'isadmin', password: 'correct-horse' };
      if (DBInstanceStatus === 'available') break;
      await sleep(50);
    }
    const databases = [
      { datasource: 'identity_db', databaseName: 'identity' },
      { datasource: 'shared_db', databaseName: 'shared-with-dash' },
      { datasource: 'AgentIdentity', databaseName: 'agents' },
    ];
    const rows = await fillDatabases(server, databases, sampleTenants(3));
    // 4 owners (3 tenants and the super tenant): 8 domains, 80 users, 240 attributes, 8 roles, 80 user roles = 416;
    // 3 tenants and 4 times path, content, resource, property = 435 in all.
    assert.equal(rows['shared-with-dash'], 435);
    assert.equal(rows.agents, 416);
  });
  after(async () => {
    await aws?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const tables = (database: string) =>
    withClient(server, database, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        "SELECT upper(tablename) AS name FROM pg_tables WHERE schemaname = 'public'",
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

  void it('finds no tenants where there is no folder for them', async () => {
    assert.deepEqual(await tenantDirectories(join(root, 'absent')), []);
  });
});
