// What recovery does to a stack that is there: adds, and changes nothing but what the user gave it to change; and what stays
// when it is taken out again.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as efs from 'aws-cdk-lib/aws-efs';
import * as rds from 'aws-cdk-lib/aws-rds';
import { ProtectedDatabase, Volume } from '../../lib';
import { Fixture } from './fixture';

type Resources = Record<string, { Type: string; DeletionPolicy?: string; Properties?: Record<string, unknown> }>;

const resources = (stack: Stack) => Template.fromStack(stack).toJSON()['Resources'] as Resources;

/** What holds backups, or what reads them. */
const HOLDS_BACKUPS = ['AWS::Backup::BackupVault', 'AWS::S3::Bucket', 'AWS::KMS::Key'];

for (const [where, of] of [
  ['to the stack', (fixture: Fixture) => fixture.stack],
  [
    'as a stack of its own',
    ({ app }: Fixture) => new Stack(app, 'Own', { env: { account: '111122223333', region: 'eu-central-1' } }),
  ],
] as const)
  describe(`adding recovery ${where}`, () => {
    const before = resources(new Fixture().stack);
    const with_ = new Fixture();
    const own = of(with_);
    with_.addRecovery({}, own);
    const after = resources(with_.stack);

    test('removes nothing', () => {
      assert.deepEqual(
        Object.keys(before).filter((id) => !(id in after)),
        [],
      );
    });

    test('changes the secret alone, which is given for it: a replica in the DR Region, and the tag of the site', () => {
      const changed = Object.keys(before).filter((id) => JSON.stringify(before[id]) !== JSON.stringify(after[id]));
      assert.deepEqual(
        changed.map((id) => before[id]!.Type),
        ['AWS::SecretsManager::Secret'],
      );
      const { ReplicaRegions, Tags, ...rest } = after[changed[0]!]!.Properties!;
      assert.deepEqual(ReplicaRegions, [{ Region: 'eu-west-1' }]);
      assert.deepEqual(Tags, [{ Key: 'wso2is-recovery:site', Value: 'wso2is-recovery' }]);
      assert.deepEqual(rest, before[changed[0]!]!.Properties);
    });

    test('adds rules to the security group of the volume as resources of their own', () => {
      const added = Object.entries(resources(own)).filter(([id]) => !(id in before));
      assert.ok(added.some(([, { Type }]) => Type === 'AWS::EC2::SecurityGroupIngress'));
    });

    if (where === 'as a stack of its own')
      test('adds nothing to the stack of what it protects', () => {
        assert.deepEqual(Object.keys(after), Object.keys(before));
      });
  });

test('removing it, or deleting the stacks, leaves every recovery point, archive and key', () => {
  const fixture = new Fixture();
  fixture.addRecovery();
  for (const [stack, count] of [
    [fixture.stack, 3],
    [fixture.siteStack, 4],
  ] as const) {
    const holders = Object.values(resources(stack)).filter(({ Type }) => HOLDS_BACKUPS.includes(Type));
    assert.equal(holders.length, count);
    assert.deepEqual([...new Set(holders.map(({ DeletionPolicy }) => DeletionPolicy))], ['Retain']);
    // Nothing that empties a bucket or a vault when it goes; rules tell of who does.
    const acting = Object.values(resources(stack)).filter(({ Type }) => Type !== 'AWS::Events::Rule');
    assert.doesNotMatch(JSON.stringify(acting), /AutoDeleteObjects|DeleteRecoveryPoint"/);
  }
});

describe('what the resources say of themselves that endangers recovery', () => {
  const warned = (fixture: Fixture, message: RegExp) =>
    Annotations.fromStack(fixture.stack)
      .findWarning('*', Match.stringLikeRegexp(message.source))
      .map(({ entry }) => String(entry.data).split(':')[0]);

  test('an encrypted instance that keeps backups and outlives its stack: nothing', () => {
    const fixture = new Fixture();
    fixture.addRecovery();
    assert.deepEqual(warned(fixture, /should be/), []);
  });

  test('an instance: no automated backups, deleted with its stack, not encrypted', () => {
    const fixture = new Fixture();
    const child = fixture.database.node.defaultChild as rds.CfnDBInstance;
    child.backupRetentionPeriod = 0;
    child.storageEncrypted = false;
    fixture.database.applyRemovalPolicy(RemovalPolicy.DESTROY);
    fixture.addRecovery();
    assert.deepEqual(warned(fixture, /`BackupRetentionPeriod` should be at least 1, got 0/), ['database']);
    assert.deepEqual(warned(fixture, /`DeletionPolicy` should be Retain or Snapshot, got Delete/), ['database']);
    assert.deepEqual(warned(fixture, /should be encrypted, got no encryption/), ['database']);
  });

  test('one that keeps backups for a day is fine', () => {
    const fixture = new Fixture();
    (fixture.database.node.defaultChild as rds.CfnDBInstance).backupRetentionPeriod = 1;
    fixture.addRecovery();
    assert.deepEqual(warned(fixture, /BackupRetentionPeriod/), []);
  });

  test('a cluster', () => {
    const fixture = new Fixture();
    const cluster = new rds.DatabaseCluster(fixture.stack, 'Cluster', {
      vpc: fixture.vpc,
      engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_17_5 }),
      writer: rds.ClusterInstance.serverlessV2('Writer'),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    fixture.addRecovery({
      databases: [
        ProtectedDatabase.fromCluster(cluster, {
          datasources: ['identity_db', 'shared_db'],
          credentials: cluster.secret!,
        }),
      ],
      drill: { scheduled: false },
    });
    assert.deepEqual(warned(fixture, /got Delete/), ['cluster']);
    assert.deepEqual(warned(fixture, /should be encrypted, got nothing that says so/), ['cluster']);
  });

  test('a file system without a word about deletion goes with its stack; one that is imported by its reference is known', () => {
    const fixture = new Fixture();
    const files = new efs.CfnFileSystem(fixture.stack, 'PlainFiles', { encrypted: true });
    const accessPoint = new efs.AccessPoint(fixture.stack, 'PlainAccess', {
      fileSystem: efs.FileSystem.fromFileSystemAttributes(fixture.stack, 'ImportedFiles', {
        fileSystemId: files.ref,
        securityGroup: fixture.accessPoint.fileSystem.connections.securityGroups[0]!,
      }),
    });
    fixture.addRecovery({ volumes: [Volume.fromAccessPoint(accessPoint, { mountedAt: 'repository' })] });
    assert.deepEqual(warned(fixture, /got Delete/), ['repository']);
    assert.deepEqual(warned(fixture, /encrypted/), []);
  });
});
