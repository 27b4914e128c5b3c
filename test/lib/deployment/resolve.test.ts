import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as rds from 'aws-cdk-lib/aws-rds';
import { DeploymentToml } from '../../../lib/deployment/deployment-toml';

const TEXT = `
[database.identity_db]
type = "$env{DB_TYPE}"
hostname = "$env{DB_HOST}"
port = "$env{DB_PORT}"
name = "$sys{identity.db}"
[database.shared_db]
url = "$secret{shared_url}"
[database.user]
url = "jdbc:postgresql://$env{DB_HOST}:$env{DB_PORT}/$ref{database.identity_db.name}"
`;

const described = (resolve?: Record<string, string>) =>
  DeploymentToml.fromString(TEXT, { resolve }).databases.map(({ datasource, type, host, port, databaseName }) => [
    datasource,
    type,
    host,
    port,
    databaseName,
  ]);

test('without values references are kept', () => {
  assert.deepEqual(described(), [
    ['identity_db', 'unknown', '$env{DB_HOST}', undefined, '$sys{identity.db}'],
    ['shared_db', 'unknown', undefined, undefined, undefined],
    ['user', 'postgre', '$env{DB_HOST}', undefined, '$sys{identity.db}'],
  ]);
});

test('with values they are resolved, through $ref too', () => {
  assert.deepEqual(
    described({
      'env:DB_TYPE': 'postgre',
      'env:DB_HOST': 'pg.example.com',
      'env:DB_PORT': '5433',
      'sys:identity.db': 'identity',
      'secret:shared_url': 'jdbc:mysql://my.example.com/shared?a=b&amp;c=d',
    }),
    [
      ['identity_db', 'postgre', 'pg.example.com', 5433, 'identity'],
      ['shared_db', 'mysql', 'my.example.com', 3306, 'shared'],
      ['user', 'postgre', 'pg.example.com', 5433, 'identity'],
    ],
  );
});

test('a value may be a token', () => {
  const stack = new Stack();
  const { dbInstanceEndpointAddress: host, dbInstanceEndpointPort: port } = new rds.DatabaseInstance(stack, 'Db', {
    vpc: new ec2.Vpc(stack, 'Vpc'),
    storageEncrypted: true,
    engine: rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_18 }),
  });
  const [identity, , user] = described({ 'env:DB_HOST': host, 'env:DB_PORT': port });
  assert.deepEqual(identity.slice(2, 4), [host, undefined]);
  assert.deepEqual(user.slice(2, 4), [host, undefined]);
});

describe('what resolves nothing', () => {
  const resolving = (resolve: Record<string, string>) => () => DeploymentToml.fromString(TEXT, { resolve });

  test('a name that the file does not have', () => {
    assert.throws(resolving({ 'env:DB_HSOT': 'x' }), {
      message:
        "`resolve` must name references of deployment.toml, got 'env:DB_HSOT': it has env:DB_TYPE, env:DB_HOST, env:DB_PORT, " +
        'sys:identity.db, secret:shared_url',
    });
  });

  test('a name that is not of the form', () => {
    assert.throws(resolving({ DB_HOST: 'x' }), {
      message:
        "`resolve` must name references as env:NAME, secret:ALIAS or sys:PROPERTY, got 'DB_HOST': for $env{DB_HOST} write " +
        'env:DB_HOST',
    });
  });

  test('in a file that has none', () => {
    assert.throws(() => DeploymentToml.fromString('', { resolve: { 'env:X': 'x' } }), {
      message: "`resolve` must name references of deployment.toml, got 'env:X': it has none",
    });
  });
});
