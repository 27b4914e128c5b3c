// The checks of databases on a real MariaDB server, with the bundle of the driver as it is shipped.
import { strict as assert } from 'node:assert';
import { after, before, describe, it } from 'node:test';
import { datasourceConnects } from '../../../lambda/check/checks/datasource-connects';
import { encryptedValues } from '../../../lambda/check/checks/encrypted-values';
import { tablesPresent } from '../../../lambda/check/checks/tables-present';
import { tenantsAgree } from '../../../lambda/check/checks/tenants-agree';
import type { CheckEvent } from '../../../lambda/check/contract';
import { connect } from '../../../lambda/check/databases/engines/mysql';
import { runChecks } from '../../../lambda/check/run-checks';
import { surroundingsOf } from '../../../lambda/check/surroundings';
import { type MariaDb, noMariaDb, startMariaDb } from './mariadb-server';

const PASSWORD = 'correct-horse-battery';

// As WSO2's script for MySQL writes them, of each what the checks look at.
const SHARED = `
  CREATE DATABASE shared; USE shared;
  CREATE TABLE UM_TENANT (UM_ID INTEGER NOT NULL AUTO_INCREMENT, UM_DOMAIN_NAME VARCHAR(255) NOT NULL,
    UM_ACTIVE BOOLEAN DEFAULT FALSE, PRIMARY KEY (UM_ID)) ENGINE INNODB;
  INSERT INTO UM_TENANT (UM_DOMAIN_NAME, UM_ACTIVE) VALUES ('acme.example', TRUE), ('globex.example', FALSE);
  CREATE TABLE REG_PROPERTY (REG_ID INTEGER PRIMARY KEY, REG_NAME VARCHAR(100), REG_VALUE VARCHAR(1000));
  INSERT INTO REG_PROPERTY VALUES (1, 'password', 'one'), (2, 'other', 'two'), (3, 'privatekeyPass', NULL);
  ${[
    'UM_DOMAIN',
    'UM_USER',
    'UM_USER_ATTRIBUTE',
    'UM_ROLE',
    'UM_USER_ROLE',
    'UM_HYBRID_ROLE',
    'REG_RESOURCE',
    'REG_PATH',
    'REG_CONTENT',
  ]
    .map((table) => `CREATE TABLE ${table} (ID INTEGER PRIMARY KEY);`)
    .join('\n')}
  CREATE USER isadmin@'127.0.0.1' IDENTIFIED BY '${PASSWORD}';
  GRANT ALL ON shared.* TO isadmin@'127.0.0.1';`;

void describe('checks on a real MariaDB', { skip: noMariaDb, timeout: 180_000 }, () => {
  let server: MariaDb;

  before(async () => {
    server = await startMariaDb({ tls: true });
    await server.sql(SHARED);
  });
  after(() => server?.stop());

  const run = async (type: 'mysql' | 'mariadb', password = PASSWORD) => {
    const datasources = [{ datasource: 'shared_db', type, databaseName: 'shared' }];
    const event: CheckEvent = {
      drillId: 'drill-1',
      deployment: 'prod',
      databases: [{ name: 'is-db', host: '127.0.0.1', port: server.port, secretArn: 'arn', datasources }],
      volumes: [],
      plannedDatasources: datasources,
      restoreDependencies: { deploymentTomlPath: '', keystores: [], encryptionKey: 'literal' },
    };
    const secrets = {
      send: () => Promise.resolve({ SecretString: JSON.stringify({ username: 'isadmin', password }) }),
    } as unknown as Parameters<typeof surroundingsOf>[1];
    const surroundings = surroundingsOf(event, secrets, '/nowhere', () => Promise.reject(new Error('not asked')));
    const checks = [datasourceConnects, tablesPresent, tenantsAgree, encryptedValues];
    return (await runChecks(surroundings, () => performance.now(), checks)).checks;
  };

  for (const type of ['mysql', 'mariadb'] as const) {
    void it(`connect by TLS, and find tables, rows and tenants of a datasource of type ${type}`, async () => {
      const checks = await run(type);
      assert.deepEqual(
        checks.map(({ check, status }) => `${check} ${status}`),
        ['datasource-connects PASSED', 'tables-present PASSED', 'tenants-agree SKIPPED', 'encrypted-values SKIPPED'],
        JSON.stringify(checks, null, 2),
      );
      assert.match(checks[0]!.reason, /^shared_db connects to database shared \(MariaDB 1\d[^,]*, encrypted\)$/);
      assert.equal(checks[1]!.compared['tables'], 11);
      assert.equal(checks[1]!.compared['rows UM_TENANT'], 2);
      assert.equal(checks[2]!.compared['tenantsInDatabase'], 2);
    });
  }

  void it('fail where a table was dropped, and name it', async () => {
    await server.sql('RENAME TABLE shared.REG_CONTENT TO shared.AWAY');
    try {
      const [, tables] = await run('mysql');
      assert.equal(tables!.status, 'FAILED');
      assert.match(tables!.reason, /lacks 1 of the 11 tables it must hold: REG_CONTENT/);
    } finally {
      await server.sql('RENAME TABLE shared.AWAY TO shared.REG_CONTENT');
    }
  });

  void it('fail with a wrong password, and tell no password', async () => {
    const checks = await run('mysql', 'wrong-password');
    assert.equal(checks[0]!.status, 'FAILED');
    assert.match(checks[0]!.reason, /Access denied for user/);
    assert.doesNotMatch(JSON.stringify(checks), /wrong-password|correct-horse/);
  });

  const target = (port: number) => ({
    host: '127.0.0.1',
    port,
    databaseName: 'shared',
    credentials: { username: 'isadmin', password: PASSWORD },
  });

  void it('give texts of the rows that are asked for, and take no name but one of the product', async () => {
    const connection = await connect(target(server.port));
    try {
      const where = { column: 'REG_NAME', values: ['password', 'privatekeyPass'] };
      assert.deepEqual(await connection.texts({ table: 'REG_PROPERTY', column: 'REG_VALUE', where }, 5), ['one']);
      assert.equal((await connection.texts({ table: 'REG_PROPERTY', column: 'REG_NAME' }, 2)).length, 2);
      assert.deepEqual(await connection.tenants(), [
        { id: 1, domain: 'acme.example', active: true },
        { id: 2, domain: 'globex.example', active: false },
      ]);
      await assert.rejects(connection.countRows('UM_TENANT; DROP TABLE UM_TENANT'), /must be a name as WSO2's scripts/);
      const quoted = { column: 'REG_NAME', values: ["x' OR '1'='1"] };
      await assert.rejects(
        connection.texts({ table: 'REG_PROPERTY', column: 'REG_VALUE', where: quoted }, 1),
        /plain word/,
      );
    } finally {
      await connection.close();
    }
  });

  void it('connect without TLS where the server offers none, and say so', async () => {
    const plain = await startMariaDb({ tls: false });
    try {
      await plain.sql(SHARED);
      const connection = await connect(target(plain.port));
      assert.equal(connection.server.encrypted, false);
      await connection.close();
    } finally {
      await plain.stop();
    }
  });
});
