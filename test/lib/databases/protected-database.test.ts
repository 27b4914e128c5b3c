import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { DeploymentToml, ProtectedDatabase } from '../../../lib';
import { Fixture } from '../fixture';

const stack = new Stack();
const credentials = Secret.fromSecretCompleteArn(
  stack,
  'Secret',
  'arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-AbCdEf',
);
const importedInstance = (id: string, instanceEndpointAddress: string) =>
  rds.DatabaseInstance.fromDatabaseInstanceAttributes(stack, id, {
    instanceIdentifier: id,
    instanceEndpointAddress,
    port: 5432,
    securityGroups: [],
  });

describe('instance classes of what is restored of a cluster', () => {
  const ARN = 'arn:aws:rds:eu-central-1:111122223333:cluster:is';
  const clusterWith = (writer: rds.IClusterInstance) => {
    const own = new Fixture();
    const cluster = new rds.DatabaseCluster(own.stack, 'Cluster', {
      engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_16_4 }),
      vpc: own.vpc,
      writer,
    });
    return (more: object = {}) => ProtectedDatabase.fromCluster(cluster, { credentials, ...more })._restoredServer;
  };

  test('of a cluster of this app: that of its writer, unless one is given', () => {
    const instanceType = ec2.InstanceType.of(ec2.InstanceClass.R8G, ec2.InstanceSize.LARGE);
    const classes = clusterWith(rds.ClusterInstance.provisioned('Writer', { instanceType }));
    assert.deepEqual(classes(), { instanceClass: 'db.r8g.large' });
    assert.deepEqual(classes({ instanceClass: 'db.r8g.xlarge', drillInstanceClass: 'db.t4g.large' }), {
      instanceClass: 'db.r8g.xlarge',
      drillInstanceClass: 'db.t4g.large',
    });
  });

  test('of a serverless cluster: none, since what is restored has no capacity set', () => {
    assert.deepEqual(clusterWith(rds.ClusterInstance.serverlessV2('Writer'))(), {});
  });

  test('by ARN: what is given', () => {
    assert.deepEqual(ProtectedDatabase.fromClusterArn(ARN, { credentials })._restoredServer, {});
    assert.deepEqual(
      ProtectedDatabase.fromClusterArn(ARN, { credentials, instanceClass: 'db.x2g.16xlarge' })._restoredServer,
      { instanceClass: 'db.x2g.16xlarge' },
    );
  });

  for (const property of ['instanceClass', 'drillInstanceClass']) {
    for (const value of ['db.serverless', 'r8g.large', 'db.R8G.large', '']) {
      test(`'${value}' is no \`${property}\``, () => {
        assert.throws(() => ProtectedDatabase.fromClusterArn(ARN, { credentials, [property]: value }), {
          message:
            `\`${property}\` must be a provisioned DB instance class, got '${value}': write it as RDS does, db.r8g.large; ` +
            'a restored cluster has no serverless capacity set',
        });
      });
    }
  }
});

describe('groups of what is restored', () => {
  const ARN = 'arn:aws:rds:eu-central-1:111122223333:db:is';
  const own = new Fixture();
  const engine = rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_17 });
  const group = new rds.ParameterGroup(own.stack, 'Parameters', { engine, parameters: { max_connections: '200' } });
  const instanceWith = (id: string, parameterGroup: rds.IParameterGroup) =>
    ProtectedDatabase.fromInstance(new rds.DatabaseInstance(own.stack, id, { engine, vpc: own.vpc, parameterGroup }), {
      credentials,
    })._restoredServer;

  test('of production: those that a resource of this app states', () => {
    const { parameterGroup, ...rest } = instanceWith('Custom', group);
    assert.deepEqual(own.stack.resolve(parameterGroup), {
      Ref: own.stack.getLogicalId(group.node.findChild('Resource') as rds.CfnDBParameterGroup),
    });
    assert.deepEqual(rest, {});
    const byName = rds.ParameterGroup.fromParameterGroupName(own.stack, 'Imported', 'is-params');
    assert.deepEqual(instanceWith('ByName', byName), { parameterGroup: 'is-params' });
  });

  test('at the DR site: those that are given', () => {
    const given = {
      drSiteParameterGroup: 'is-params',
      drSiteOptionGroup: 'default:postgres-17',
      drillInstanceClass: 'db.t4g.large',
    };
    assert.deepEqual(ProtectedDatabase.fromInstanceArn(ARN, { credentials, ...given })._restoredServer, given);
  });

  for (const property of ['drSiteParameterGroup', 'drSiteOptionGroup']) {
    for (const value of ['arn:aws:rds:eu-west-1:111122223333:pg:is', '1st', 'is--params', 'is-', '', 'a'.repeat(256)]) {
      test(`'${value.slice(0, 40)}' is no \`${property}\``, () => {
        assert.throws(() => ProtectedDatabase.fromInstanceArn(ARN, { credentials, [property]: value }), {
          message:
            `\`${property}\` must be the name of a group in the DR Region, got '${value}': write it as \`aws rds ` +
            'describe-db-parameter-groups` (or `describe-option-groups`) does, without its ARN',
        });
      });
    }
    test(`a name of 255 characters is a \`${property}\``, () => {
      ProtectedDatabase.fromInstanceArn(ARN, { credentials, [property]: 'a'.repeat(255) });
    });
  }
});

describe('host names', () => {
  test('of an imported instance: its endpoint, then what is given', () => {
    const instance = importedInstance('Imported', 'is.cabc.eu-central-1.rds.amazonaws.com');
    const given = ProtectedDatabase.fromInstance(instance, { credentials, hostnames: ['db.example.com'] });
    assert.deepEqual(given.hostnames, ['is.cabc.eu-central-1.rds.amazonaws.com', 'db.example.com']);
    assert.deepEqual(given.datasources, []);
  });

  test('of a cluster: writer and reader, as far as it was imported with them', () => {
    const imported = (id: string, attributes: Partial<rds.DatabaseClusterAttributes>) =>
      ProtectedDatabase.fromCluster(
        rds.DatabaseCluster.fromDatabaseClusterAttributes(stack, id, { clusterIdentifier: id, ...attributes }),
        { credentials },
      ).hostnames;
    assert.deepEqual(imported('Bare', {}), []);
    const endpoints = {
      clusterEndpointAddress: 'is.cluster-cabc.eu-central-1.rds.amazonaws.com',
      readerEndpointAddress: 'is.cluster-ro-cabc.eu-central-1.rds.amazonaws.com',
      port: 5432,
    };
    assert.deepEqual(imported('Whole', endpoints), [
      'is.cluster-cabc.eu-central-1.rds.amazonaws.com',
      'is.cluster-ro-cabc.eu-central-1.rds.amazonaws.com',
    ]);
  });

  test('by ARN: what is given', () => {
    const arn = 'arn:aws:rds:eu-central-1:111122223333:db:is';
    assert.deepEqual(ProtectedDatabase.fromInstanceArn(arn, { credentials }).hostnames, []);
    assert.deepEqual(
      ProtectedDatabase.fromInstanceArn(arn, { credentials, hostnames: ['is.example.com.'] }).hostnames,
      ['is.example.com.'],
    );
  });

  for (const hostname of [
    'db.example.com:5432',
    'jdbc:postgresql://db',
    'db/identity',
    '',
    'a b',
    '$env{DB_HOST}',
    'a..b',
  ]) {
    test(`'${hostname}' is none`, () => {
      assert.throws(
        () =>
          ProtectedDatabase.fromInstanceArn('arn:aws:rds:eu-central-1:111122223333:db:is', {
            credentials,
            hostnames: [hostname],
          }),
        {
          message:
            `\`hostnames\` must be host names, got '${hostname}': write db.example.com, without scheme, port or ` +
            'database',
        },
      );
    });
  }
});

describe('a recovery without `datasources`', () => {
  test('finds the resource by the host of the file', () => {
    const fixture = new Fixture();
    const instance = rds.DatabaseInstance.fromDatabaseInstanceAttributes(fixture.stack, 'Imported', {
      instanceIdentifier: 'is',
      instanceEndpointAddress: 'DB.example.com',
      port: 5432,
      securityGroups: [],
    });
    fixture.addRecovery({ databases: [ProtectedDatabase.fromInstance(instance, { credentials })] });
  });

  test('finds a new instance by the token that `resolve` gives', () => {
    const fixture = new Fixture();
    const { database } = fixture;
    const text =
      '[database.identity_db]\nurl = "jdbc:postgresql://$env{DB_HOST}:5432/identity"\n' +
      '[database.shared_db]\ntype = "postgre"\nhostname = "$env{DB_HOST}"\nname = "shared"\n';
    fixture.addRecovery({
      deployment: DeploymentToml.fromString(text, { resolve: { 'env:DB_HOST': database.dbInstanceEndpointAddress } }),
      databases: [ProtectedDatabase.fromInstance(database, { credentials: database.secret! })],
    });
  });

  test('stops where the host says nothing', () => {
    const fixture = new Fixture();
    assert.throws(
      () =>
        fixture.addRecovery({
          databases: [ProtectedDatabase.fromInstance(fixture.database, { credentials: fixture.database.secret! })],
        }),
      /got none for 'identity_db' \(database\.identity_db, line 2, on db\.example\.com\); offered: database \(no `datasources`/,
    );
  });
});

test('a warning of the file is one of the recovery', async () => {
  const { Annotations, Match } = await import('aws-cdk-lib/assertions');
  const fixture = new Fixture();
  const text =
    '[database.identity_db]\nurl = "jdbc:postgresql://h/identity"\n[database.shared_db]\nurl = "jdbc:postgresql://h/shared"\n' +
    '[session]\ndata_source = "jdbc/Sessions"\n';
  fixture.addRecovery({ deployment: DeploymentToml.fromString(text) });
  Annotations.fromStack(fixture.stack).hasWarning(
    '/Is/Recovery',
    Match.stringLikeRegexp("^deployment\\.toml:6:15: `session\\.data_source` names the datasource 'jdbc/Sessions'"),
  );
});
