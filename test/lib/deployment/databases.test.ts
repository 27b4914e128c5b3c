import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { DeploymentToml } from '../../../lib/deployment/deployment-toml';

const fixture = (name: string) => DeploymentToml.fromFile(join(__dirname, '../../fixtures/deployment', `${name}.toml`));

// datasource, type, host, port, database name, line, embedded: written by hand from the file.
type Row = [string, string, string | undefined, number | undefined, string | undefined, number | undefined, boolean];

const EXPECTED: Record<string, Row[]> = {
  'default-h2': [
    ['identity_db', 'h2', undefined, undefined, 'WSO2IDENTITY_DB', 7, true],
    ['shared_db', 'h2', undefined, undefined, 'WSO2SHARED_DB', 11, true],
  ],
  'no-databases': [
    ['identity_db', 'h2', undefined, undefined, undefined, undefined, true],
    ['shared_db', 'h2', undefined, undefined, undefined, undefined, true],
  ],
  'postgre-two-databases': [
    ['identity_db', 'postgre', 'is.abcdefg.eu-central-1.rds.amazonaws.com', 5432, 'identity_db', 5, false],
    ['shared_db', 'postgre', 'is.abcdefg.eu-central-1.rds.amazonaws.com', 5432, 'shared_db', 16, false],
  ],
  'mysql-urls': [
    ['identity_db', 'mysql', 'db.example.com', 3307, 'WSO2_IDENTITY_DB', 1, false],
    ['shared_db', 'mysql', 'db.example.com', 3306, 'WSO2_SHARED_DB', 5, false],
    ['WSO2CONSENT_DB', 'mysql', 'consent.example.com', 3306, 'consent', 9, false],
  ],
  mariadb: [
    ['identity_db', 'mariadb', 'm.example.com', 3306, 'identity', 1, false],
    ['shared_db', 'mariadb', 'c.example.com', 3306, 'shared', 6, false],
  ],
  mssql: [
    ['identity_db', 'mssql', 'sql.example.com', 1444, 'identity_db', 1, false],
    ['shared_db', 'mssql', 'sql.example.com', 1445, 'shared_db', 5, false],
    ['ReportDB', 'mssql', 'old.example.com', 1433, 'report', 9, false],
  ],
  oracle: [
    ['identity_db', 'oracle', 'ora.example.com', 1522, 'ORCL', 1, false],
    ['shared_db', 'oracle', 'ora.example.com', 1521, 'shared.example.com', 7, false],
    ['Sid', 'oracle', 'ora.example.com', 1521, 'XE', 10, false],
    ['Rac', 'oracle', 'node1.example.com', 1526, 'is', 14, false],
  ],
  db2: [
    ['identity_db', 'db2', 'db2.example.com', 50001, 'IDENT', 1, false],
    ['shared_db', 'db2', 'db2.example.com', 50000, 'SHARED', 5, false],
  ],
  'user-config-bps': [
    ['identity_db', 'postgre', 'a.example.com', 5432, 'identity', 2, false],
    ['shared_db', 'postgre', 'a.example.com', 5432, 'shared', 6, false],
    ['user', 'postgre', 'b.example.com', 5432, 'users', 10, false],
    ['config', 'postgre', 'a.example.com', 5432, 'config', 17, false],
    ['bps_database', 'postgre', 'a.example.com', 5432, 'bps', 21, false],
  ],
  'agent-and-bps': [
    ['bps_database', 'postgre', 'a', 5432, 'bps', 1, false],
    ['agent_identity_db', 'postgre', 'a', 5432, 'agents', 6, false],
    ['identity_db', 'postgre', 'a', 5432, 'identity', 11, false],
    ['shared_db', 'postgre', 'a', 5432, 'shared', 16, false],
  ],
  references: [
    ['identity_db', 'postgre', '$env{DB_HOST}', undefined, '$sys{identity.db}', 1, false],
    ['shared_db', 'postgre', '$env{DB_HOST}', 5433, 'shared', 7, false],
    ['Whole', 'mysql', undefined, undefined, undefined, 11, false],
  ],
  refs: [
    ['identity_db', 'postgre', 'is.example.com', 5432, 'identity', 4, false],
    ['shared_db', 'postgre', 'is.example.com', 5432, 'identity', 5, false],
  ],
  'tricky-lines': [
    ['identity_db', 'postgre', 'a#b', 5432, 'i', 10, false],
    ['shared_db', 'postgre', 'h', 5432, 's', 15, false],
    ['One', 'postgre', 'h', 5432, 'one', 20, false],
    ['Two', 'postgre', 'h', 5432, 'two', 25, false],
  ],
};

describe('every database of', () => {
  for (const [name, rows] of Object.entries(EXPECTED)) {
    test(`${name}.toml`, () => {
      const found = fixture(name).databases.map((d) => [
        d.datasource,
        d.type,
        d.host,
        d.port,
        d.databaseName,
        d.line,
        d.embedded,
      ]);
      assert.deepEqual(found, rows);
    });
  }
});

test('XML escapes in a URL are resolved', () => {
  assert.equal(
    fixture('mysql-urls').databases[0].url,
    'jdbc:mysql://db.example.com:3307/WSO2_IDENTITY_DB?autoReconnect=true&useSSL=false',
  );
});

test('sections are named as in the file', () => {
  assert.deepEqual(
    fixture('user-config-bps').databases.map(({ section }) => section),
    ['database.identity_db', 'database.shared_db', 'database.user', 'database.config', 'bps_database.config'],
  );
});

test('pool options alone leave the default, which is embedded', () => {
  const { databases } = DeploymentToml.fromString('[database.identity_db.pool_options]\nmaxActive = 5\n');
  assert.deepEqual(
    databases.map(({ datasource, embedded, line }) => [datasource, embedded, line]),
    [
      ['identity_db', true, 1],
      ['shared_db', true, undefined],
    ],
  );
});

test('lookup resolves $ref and keeps what only run time knows', () => {
  const deployment = fixture('postgre-two-databases');
  assert.equal(deployment.lookup('server.base_path'), 'https://iam.example.com:${carbon.management.port}');
  assert.equal(deployment.lookup('database.shared_db.hostname'), 'is.abcdefg.eu-central-1.rds.amazonaws.com');
  assert.equal(deployment.lookup('encryption.key'), '$secret{encryption_key}');
  assert.equal(deployment.lookup('server'), undefined);
  assert.equal(deployment.lookup('nothing.here'), undefined);
});

test('a byte order mark does not move lines', () => {
  assert.equal(DeploymentToml.fromString('\uFEFF[database.user]\ntype = "mysql"\nhostname = "h"').databases[0].line, 1);
});
