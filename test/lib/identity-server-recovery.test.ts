import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as efs from 'aws-cdk-lib/aws-efs';
import * as events from 'aws-cdk-lib/aws-events';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { DeploymentToml, ProtectedDatabase, Volume } from '../../lib';
import { MANIFEST_PREFIX, PACK_PREFIX, PAGE_PREFIX } from '../../lambda/archive/manifest';
import { TURN_PREFIX } from '../../lambda/archive/export/saved-state';
import { DEPLOYMENT_TOML, Fixture, objectives } from './fixture';

type Statement = { Action: string | string[]; Resource: unknown; Condition?: unknown; Effect: string };

const statements = (template: Template, name: RegExp): Statement[] =>
  Object.entries(template.findResources('AWS::IAM::Policy'))
    .filter(([logicalId]) => name.test(logicalId))
    .flatMap(([, resource]) => resource['Properties'].PolicyDocument.Statement as Statement[]);

describe('a deployment with the required props alone', () => {
  const fixture = new Fixture();
  const recovery = fixture.addRecovery();
  const template = Template.fromStack(fixture.stack);
  const site = Template.fromStack(fixture.siteStack);

  test('stateful resources keep their logical ids', () => {
    const ids = ['AWS::KMS::Key', 'AWS::Backup::BackupVault', 'AWS::S3::Bucket', 'AWS::SNS::Topic'].flatMap((type) =>
      Object.keys(template.findResources(type)),
    );
    assert.deepEqual(ids, [
      'RecoveryKeyF0CE256A',
      'RecoveryVault36CA333C',
      'RecoveryArtifactBucketAAB5FFEF',
      'RecoveryFailureTopicBD9823BE',
      'RecoveryMessagesVaultNotices3872E630',
    ]);
  });

  test('vault, bucket and key outlive the stack', () => {
    for (const type of ['AWS::KMS::Key', 'AWS::Backup::BackupVault', 'AWS::S3::Bucket']) {
      template.hasResource(type, { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    }
  });

  test('the database: continuous, and hourly snapshots that are copied to the vault of the site', () => {
    template.hasResourceProperties('AWS::Backup::BackupPlan', {
      BackupPlan: {
        BackupPlanName: 'production-database',
        BackupPlanRule: [
          {
            RuleName: 'snapshot',
            ScheduleExpression: 'cron(0 0/2 * * ? *)',
            StartWindowMinutes: 60,
            EnableContinuousBackup: false,
            Lifecycle: { DeleteAfterDays: 35 },
            CopyActions: [
              {
                Lifecycle: { DeleteAfterDays: 35 },
                DestinationBackupVaultArn: {
                  'Fn::Join': [
                    '',
                    ['arn:', { Ref: 'AWS::Partition' }, ':backup:eu-west-1:111122223333:backup-vault:wso2is-recovery'],
                  ],
                },
              },
            ],
          },
        ],
      },
    });
    template.hasResourceProperties('AWS::Backup::BackupPlan', {
      BackupPlan: {
        BackupPlanName: 'production-database-pitr',
        BackupPlanRule: [
          {
            RuleName: 'continuous',
            ScheduleExpression: 'cron(30 0 * * ? *)',
            EnableContinuousBackup: true,
            Lifecycle: { DeleteAfterDays: 35 },
            CopyActions: [],
          },
        ],
      },
    });
    template.hasResourceProperties('AWS::Backup::BackupSelection', {
      BackupSelection: {
        IamRoleArn: fixture.stack.resolve(recovery.backupRole.roleArn),
        Resources: [fixture.stack.resolve(fixture.database.instanceArn)],
      },
    });
  });

  test('the file system: backed up daily by its ARN', () => {
    template.hasResourceProperties('AWS::Backup::BackupPlan', {
      BackupPlan: {
        BackupPlanName: 'production-repository',
        BackupPlanRule: [Match.objectLike({ ScheduleExpression: 'cron(0 0 * * ? *)', StartWindowMinutes: 60 })],
      },
    });
    template.hasResourceProperties('AWS::Backup::BackupSelection', {
      BackupSelection: {
        Resources: [
          {
            'Fn::Join': [
              '',
              [
                'arn:',
                { Ref: 'AWS::Partition' },
                ':elasticfilesystem:eu-central-1:111122223333:file-system/',
                fixture.stack.resolve(fixture.accessPoint.fileSystem.fileSystemId),
              ],
            ],
          },
        ],
      },
    });
  });

  test('the bucket: versioned, encrypted, private, replicated within 15 minutes without delete markers', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      VersioningConfiguration: { Status: 'Enabled' },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      ReplicationConfiguration: {
        Rules: [
          {
            Status: 'Enabled',
            DeleteMarkerReplication: { Status: 'Disabled' },
            Destination: {
              Bucket: {
                'Fn::Join': [
                  '',
                  ['arn:', { Ref: 'AWS::Partition' }, Match.stringLikeRegexp('^:s3:::wso2is-recovery-')].concat([
                    { Ref: 'AWS::AccountId' } as never,
                    '-eu-west-1' as never,
                  ]),
                ],
              },
              ReplicationTime: { Status: 'Enabled', Time: { Minutes: 15 } },
              Metrics: { Status: 'Enabled', EventThreshold: { Minutes: 15 } },
            },
          },
        ],
      },
      NotificationConfiguration: {
        LambdaConfigurations: [
          's3:Replication:OperationMissedThreshold',
          's3:Replication:OperationFailedReplication',
        ].map((Event) => ({
          Event,
          Function: { 'Fn::GetAtt': [Match.stringLikeRegexp('RecoveryMessagesFunction'), 'Arn'] },
        })),
      },
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: [Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })],
      },
    });
  });

  test('the replica of the primary stack is the bucket of the site, by name', () => {
    site.hasResourceProperties('AWS::S3::Bucket', {
      BucketName: { 'Fn::Join': ['', ['wso2is-recovery-', { Ref: 'AWS::AccountId' }, '-eu-west-1']] },
    });
  });

  test('the export: volume mounted, on a schedule, failures to the topic', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Timeout: 900,
      Environment: {
        Variables: {
          BUCKET: fixture.stack.resolve(recovery.artifactBucket.bucketName),
          DEPLOYMENT: 'production',
          VOLUME: 'repository',
          MOUNTED_AT: 'repository',
          MOUNT_PATH: '/mnt/volume',
        },
      },
      FileSystemConfigs: [{ LocalMountPath: '/mnt/volume' }],
    });
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'cron(0/30 * * * ? *)',
      State: 'ENABLED',
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      DurableConfig: { ExecutionTimeout: 172_800, RetentionPeriodInDays: 7 },
      Environment: { Variables: { DEPLOYMENT: 'production', VOLUME: 'repository', TURN_FUNCTION: Match.anyValue() } },
      FileSystemConfigs: Match.absent(),
      VpcConfig: Match.absent(),
    });
    // A durable function takes qualified names only, and no destination.
    const [alias] = Object.keys(template.findResources('AWS::Lambda::Alias', { Properties: { Name: 'live' } }));
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      Qualifier: { 'Fn::Select': [7, { 'Fn::Split': [':', { Ref: alias }] }] },
      MaximumEventAgeInSeconds: 3600,
      DestinationConfig: Match.absent(),
    });
    template.hasResourceProperties('AWS::Events::Rule', { Targets: [{ Arn: { Ref: alias }, Id: 'Target0' }] });
    // Lambda counts no execution that failed among its errors.
    for (const MetricName of [
      'DurableExecutionFailed',
      'DurableExecutionTimedOut',
      'DurableExecutionStopped',
      'AsyncEventsDropped',
    ]) {
      template.hasResourceProperties('AWS::CloudWatch::Alarm', {
        Namespace: 'AWS/Lambda',
        MetricName,
        Statistic: 'Sum',
        Threshold: 1,
        TreatMissingData: 'notBreaching',
        AlarmActions: [fixture.stack.resolve(recovery.failureTopic.topicArn)],
      });
    }
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'Errors',
      Threshold: 1,
      AlarmActions: [fixture.stack.resolve(recovery.failureTopic.topicArn)],
    });
  });

  test('files that an export cannot read raise an alarm, though the export does not fail', () => {
    const [turns] = Object.values(
      template.findResources('AWS::Lambda::Function', {
        Properties: { Environment: { Variables: { MOUNTED_AT: 'repository' } } },
      }),
    ) as { readonly Properties: { readonly LoggingConfig: { readonly LogGroup: unknown } } }[];
    template.hasResourceProperties('AWS::Logs::MetricFilter', {
      LogGroupName: turns!.Properties.LoggingConfig.LogGroup,
      FilterPattern: '"not exported"',
      MetricTransformations: [
        { MetricNamespace: 'WSO2IS/Recovery', MetricName: 'NotExported-production-repository', MetricValue: '1' },
      ],
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'WSO2IS/Recovery',
      MetricName: 'NotExported-production-repository',
      Statistic: 'Sum',
      Period: 3600,
      Threshold: 1,
      TreatMissingData: 'notBreaching',
      AlarmActions: [fixture.stack.resolve(recovery.failureTopic.topicArn)],
    });
  });

  test('jobs that failed, expired, were aborted or ended in part become sentences', () => {
    for (const detailType of ['Backup Job State Change', 'Copy Job State Change']) {
      template.hasResourceProperties('AWS::Events::Rule', {
        EventPattern: {
          source: ['aws.backup'],
          'detail-type': [detailType],
          detail: { state: ['FAILED', 'EXPIRED', 'ABORTED', 'PARTIAL'] },
        },
        Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('MessagesFunction'), 'Arn'] } })],
      });
    }
  });

  test('the recovery plan document is written after the bucket replicates', () => {
    const [document] = Object.values(template.findResources('Custom::RecoveryPlanDocument'));
    assert.ok(document!['DependsOn'].includes('RecoveryArtifactBucketAAB5FFEF'));
    const call = JSON.stringify(document!['Properties'].Update);
    for (const part of [
      'plans/production.json',
      '"deployment',
      'production',
      'eu-central-1',
      'identity_db',
      'shared_db',
      'backup-continuous',
      'artifact-export-replicated',
      'repository/conf/deployment.toml',
    ]) {
      assert.ok(call.includes(part), `${part} is in the document`);
    }
  });

  test('the secret has a replica at the site, and the tag by which the check function may read it', () => {
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      ReplicaRegions: [{ Region: 'eu-west-1' }],
      Tags: Match.arrayWith([{ Key: 'wso2is-recovery:site', Value: 'wso2is-recovery' }]),
    });
  });

  test('drills run every seven days', () => {
    site.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(7 days)',
      Targets: [
        Match.objectLike({
          Arn: fixture.siteStack.resolve(fixture.site.drillFunction.functionArn),
          Input: '{"deployment":"production"}',
        }),
      ],
    });
  });

  test('the site is deployed first and depends on nothing', () => {
    assert.deepEqual(fixture.stack.dependencies, [fixture.siteStack]);
    assert.deepEqual(fixture.siteStack.dependencies, []);
  });

  test('no outputs, no literal partition', () => {
    for (const each of [template, site]) {
      assert.deepEqual(each.findOutputs('*'), {});
      assert.doesNotMatch(JSON.stringify(each.toJSON()), /arn:aws:/);
    }
  });

  test('no action is a wildcard of all, roles are passed to AWS Backup only', () => {
    for (const each of [template, site]) {
      const all = statements(each, /./);
      assert.ok(all.length > 5);
      for (const { Action, Condition } of all) {
        for (const action of [Action].flat()) {
          assert.doesNotMatch(action, /^\*$|:\*$/);
          if (action === 'iam:PassRole') {
            assert.deepEqual(Condition, { StringEquals: { 'iam:PassedToService': 'backup.amazonaws.com' } });
          }
        }
      }
    }
  });

  test('replication may read the source and write the replica, and cannot replicate deletions', () => {
    const actions = statements(template, /ReplicationRole/).flatMap(({ Action }) => Action);
    assert.deepEqual(actions, [
      's3:GetReplicationConfiguration',
      's3:ListBucket',
      's3:GetObjectVersionForReplication',
      's3:GetObjectVersionAcl',
      's3:GetObjectVersionTagging',
      's3:ReplicateObject',
      's3:ReplicateTags',
    ]);
  });

  test('the export writes its own archive only, and deletes nothing', () => {
    const all = statements(template, /Exportrepository/);
    const writtenBy = (wanted: string) =>
      all
        .filter(({ Action }) => [Action].flat().includes(wanted))
        .flatMap(({ Resource }) => [Resource].flat())
        .map((arn) => (arn as { 'Fn::Join': [string, [unknown, string]] })['Fn::Join'][1][1]);
    // Of `trusted/` nothing: there a person says that a suspicious point is good.
    assert.deepEqual(
      writtenBy('s3:PutObject'),
      [PACK_PREFIX, PAGE_PREFIX, MANIFEST_PREFIX, TURN_PREFIX].map(
        (folder) => `/archives/production/repository/${folder}*`,
      ),
    );
    assert.deepEqual(writtenBy('s3:PutObjectTagging'), [`/archives/production/repository/${TURN_PREFIX}*`]);
    assert.deepEqual(
      all
        .map(({ Action }) => Action)
        .flat()
        .filter((action) => action.includes('s3:'))
        .sort(),
      ['s3:GetObject', 's3:ListBucket', 's3:PutObject', 's3:PutObjectTagging'],
    );
    assert.deepEqual(
      statements(template, /Exportrepository\w*Run/)
        .flatMap(({ Action }) => Action)
        .sort(),
      [
        'cloudwatch:PutMetricData',
        'kms:GenerateMac',
        'kms:VerifyMac',
        'lambda:InvokeFunction',
        'lambda:ListDurableExecutionsByFunction',
      ],
    );
  });

  test('both buckets let go of what served an export that is over', () => {
    const LifecycleConfiguration = {
      Rules: Match.arrayWith([
        Match.objectLike({
          TagFilters: [{ Key: 'wso2is-recovery:transient', Value: 'export' }],
          ExpirationInDays: 7,
          NoncurrentVersionExpiration: { NoncurrentDays: 1 },
          Status: 'Enabled',
        }),
      ]),
    };
    for (const each of [template, site]) each.hasResourceProperties('AWS::S3::Bucket', { LifecycleConfiguration });
  });
});

test('every optional prop is used', () => {
  const fixture = new Fixture();
  fixture.addRecovery({
    vpcSubnets: { subnets: [fixture.vpc.privateSubnets[0]!] },
    drill: { schedule: events.Schedule.cron({ hour: '3', minute: '0' }) },
    backupRetention: { all: Duration.days(14) },
    noncurrentVersionRetention: Duration.days(7),
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const template = Template.fromStack(fixture.stack);
  template.hasResource('AWS::Backup::BackupVault', { DeletionPolicy: 'Delete' });
  template.hasResourceProperties('AWS::Backup::BackupPlan', {
    BackupPlan: {
      BackupPlanRule: Match.arrayWith([
        Match.objectLike({
          Lifecycle: { DeleteAfterDays: 14 },
          CopyActions: [Match.objectLike({ Lifecycle: { DeleteAfterDays: 14 } })],
        }),
      ]),
    },
  });
  template.hasResourceProperties('AWS::S3::Bucket', {
    LifecycleConfiguration: {
      Rules: Match.arrayWith([
        Match.objectLike({
          NoncurrentVersionExpiration: { NoncurrentDays: 7 },
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        }),
      ]),
    },
  });
  template.hasResourceProperties('AWS::Lambda::Function', {
    FileSystemConfigs: Match.anyValue(),
    VpcConfig: { SubnetIds: [fixture.stack.resolve(fixture.vpc.privateSubnets[0]!.subnetId)] },
  });
  Template.fromStack(fixture.siteStack).hasResourceProperties('AWS::Events::Rule', {
    ScheduleExpression: 'cron(0 3 * * ? *)',
  });
});

test('drills can be left to invocations', () => {
  const fixture = new Fixture();
  fixture.addRecovery({ drill: { scheduled: false } });
  const rules = Template.fromStack(fixture.siteStack).findResources('AWS::Events::Rule', {
    Properties: { Description: Match.stringLikeRegexp('^Drills of') },
  });
  assert.deepEqual(rules, {});
});

test('what comes out of another stack is taken by ARN; an imported secret is left alone', () => {
  const fixture = new Fixture();
  fixture.addRecovery({
    databases: [
      ProtectedDatabase.fromInstanceArn('arn:aws-cn:rds:cn-north-1:111122223333:db:Prod-IS', {
        datasources: ['identity_db', 'shared_db'],
        credentials: Secret.fromSecretCompleteArn(
          fixture.stack,
          'Credentials',
          'arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:is-AbCdEf',
        ),
      }),
    ],
  });
  Template.fromStack(fixture.stack).hasResourceProperties('AWS::Backup::BackupSelection', {
    BackupSelection: { Resources: ['arn:aws-cn:rds:cn-north-1:111122223333:db:Prod-IS'] },
  });
  Template.fromStack(fixture.stack).hasResourceProperties('AWS::Backup::BackupPlan', {
    BackupPlan: { BackupPlanName: 'production-prod-is' },
  });
});

test('a secret that already has a replica at the site keeps one', () => {
  const fixture = new Fixture();
  const credentials = new Secret(fixture.stack, 'Own', { replicaRegions: [{ region: 'eu-west-1' }] });
  fixture.addRecovery({
    databases: [
      ProtectedDatabase.fromInstance(fixture.database, { datasources: ['identity_db', 'shared_db'], credentials }),
    ],
  });
  Template.fromStack(fixture.stack).hasResourceProperties('AWS::SecretsManager::Secret', {
    ReplicaRegions: [{ Region: 'eu-west-1' }],
    Tags: Match.arrayWith([{ Key: 'wso2is-recovery:site', Value: 'wso2is-recovery' }]),
  });
});

/** What no copy can promise, and a Global Database does. */
const AN_HOUR = objectives(Duration.hours(1), Duration.hours(1));

const auroraCluster = (fixture: Fixture, more: object = {}) =>
  ProtectedDatabase.fromClusterArn('arn:aws:rds:eu-central-1:111122223333:cluster:aurora', {
    ...more,
    datasources: ['identity_db', 'shared_db'],
    credentials: fixture.database.secret!,
  });

test('the directory of a volume: stated by an access point of this app, or given', () => {
  const { accessPoint } = new Fixture();
  const owned = accessPoint.fileSystem as efs.FileSystem;
  const pathOf = (point: efs.IAccessPoint, path?: string) =>
    Volume.fromAccessPoint(point, { mountedAt: 'repository', path })._path;
  assert.equal(pathOf(accessPoint), undefined);
  assert.equal(pathOf(owned.addAccessPoint('Deep', { path: '/is/repository' })), '/is/repository');
  assert.equal(
    pathOf(
      efs.AccessPoint.fromAccessPointAttributes(owned, 'Imported', { accessPointId: 'fsap-1', fileSystem: owned }),
      '/is',
    ),
    '/is',
  );
  assert.equal(pathOf(owned.addAccessPoint('Given', { path: '/is' }), '/'), '/');
});

describe('what stops the synth', () => {
  const cases: [string, (fixture: Fixture) => void, string][] = [
    [
      'a database that nothing covers',
      (fixture) => fixture.addRecovery({ databases: [fixture.protectedDatabase(['identity_db'])] }),
      "Is/Recovery: `databases` must cover every database of deployment.toml, got none for 'shared_db' " +
        "(database.shared_db, line 6, on db.example.com); offered: database (identity_db): add 'shared_db' to the " +
        '`datasources` of the RDS resource that holds it, or its host to the `hostnames`',
    ],
    [
      'an embedded H2 database',
      (fixture) =>
        fixture.addRecovery({
          deployment: DeploymentToml.fromString(DEPLOYMENT_TOML.replace(/type = "postgre"/, 'type = "h2"')),
        }),
      "Is/Recovery: deployment.toml must keep 'identity_db' on a database server, got embedded H2 " +
        '(database.identity_db, line 2): no RDS resource holds it, and AWS Backup cannot see it; move it to RDS',
    ],
    [
      'objectives that cannot be met, all of them named',
      (fixture) => fixture.addRecovery({ objectives: objectives(Duration.minutes(1), Duration.hours(1)) }),
      'Is/Recovery: `objectives` must be feasible:\n' +
        '  database: an RPO of 1m in the Region cannot be met, the nearest is 5m: log shipping 5m = 5m with ' +
        'backup-continuous, the tightest there is\n' +
        '  database: an RPO of 1h at the DR site cannot be met, the nearest is 1h 5m: log shipping 5m + replication 1h = ' +
        '1h 5m with rds-automated-backup-replication, the tightest there is\n' +
        '    would meet it: an Aurora Global Database in its place, with a secondary cluster in the DR Region: 1m\n' +
        '  repository: an RPO of 1m in the Region cannot be met, the nearest is 20m: interval 5m + export 15m = 20m with ' +
        'artifact-export, the tightest there is',
    ],
    [
      'no database',
      (fixture) => fixture.addRecovery({ databases: [] }),
      'Is/Recovery: `databases` must hold at least one, got none: IS keeps users and tokens in a database',
    ],
    [
      'no volume',
      (fixture) => fixture.addRecovery({ volumes: [] }),
      'Is/Recovery: `volumes` must hold at least one, got none: IS keeps keystores and tenants in `repository`',
    ],
    [
      'a component whose name of 21 characters the identifier of an instance made',
      (fixture) =>
        fixture.addRecovery({
          databases: [
            ProtectedDatabase.fromInstanceArn('arn:aws:rds:eu-central-1:111111111111:db:stack-database-014aa5', {
              datasources: ['identity_db', 'shared_db'],
              credentials: fixture.database.secret!,
            }),
          ],
        }),
      'Is/Recovery: `name` must be 1 to 20 lower-case letters, digits and hyphens that do not begin with a hyphen, got ' +
        "'stack-database-014aa5': it becomes a part of S3 keys and physical names; give the database or volume a `name` " +
        'where its id made this one',
    ],
    [
      'two components of one name',
      (fixture) =>
        fixture.addRecovery({
          volumes: [Volume.fromAccessPoint(fixture.accessPoint, { mountedAt: 'repository', name: 'database' })],
        }),
      "Is/Recovery: `name` must be unique among databases and volumes, got 'database' twice: give one of them another `name`",
    ],
    [
      'two volumes at one path',
      (fixture) =>
        fixture.addRecovery({
          volumes: ['one', 'two'].map((name) =>
            Volume.fromAccessPoint(fixture.accessPoint, { mountedAt: 'repository', name }),
          ),
        }),
      "Is/Recovery: `mountedAt` must be unique among volumes, got 'repository' twice: a path has one volume",
    ],
    [
      'a deployment name of 25 characters',
      (fixture) => fixture.addRecovery({ deploymentName: 'a'.repeat(25) }),
      'Is/Recovery: `deploymentName` must be 1 to 24 lower-case letters, digits and hyphens that do not begin with a ' +
        "hyphen, got 'aaaaaaaaaaaaaaaaaaaaaaaaa': it becomes a part of S3 keys and physical names",
    ],
    [
      'an Aurora Global Database in scheduled drills',
      (fixture) =>
        fixture.addRecovery({ databases: [auroraCluster(fixture, { globalDatabase: true })], objectives: AN_HOUR }),
      'Is/Recovery: `drill.scheduled` must be false: drills cannot restore from every technique yet, got ' +
        'aurora-global-database of aurora; ' +
        'it protects, but no drill proves that it can be recovered from',
    ],
    [
      'a schedule for drills that are not scheduled',
      (fixture) =>
        fixture.addRecovery({ drill: { scheduled: false, schedule: events.Schedule.rate(Duration.days(1)) } }),
      'Is/Recovery: `drill.schedule` must be absent where `drill.scheduled` is false: leave out one of them',
    ],
    [
      'a secret by a partial ARN',
      (fixture) =>
        fixture.addRecovery({
          databases: [
            ProtectedDatabase.fromInstance(fixture.database, {
              datasources: ['identity_db', 'shared_db'],
              credentials: Secret.fromSecretNameV2(fixture.stack, 'ByName', 'is'),
            }),
          ],
        }),
      'Is/Recovery: `credentials` of database must be known by its complete ARN, got a partial one: the replica in the ' +
        'DR Region has the same suffix; import it by Secret.fromSecretCompleteArn',
    ],
    [
      'versions kept for half a day',
      (fixture) => fixture.addRecovery({ noncurrentVersionRetention: Duration.hours(12) }),
      'Is/Recovery: `noncurrentVersionRetention` must be at least one whole day, got 12 hours: S3 counts the age of ' +
        'versions in days',
    ],
  ];
  for (const [name, act, message] of cases) {
    test(name, () => assert.throws(() => act(new Fixture()), { message }));
  }

  test('a DR Region that is the primary one', () => {
    assert.throws(() => new Fixture({ primary: 'eu-west-1' }).addRecovery(), {
      message:
        'Is/Recovery: `site` must be in another Region than what it protects, got eu-west-1 for both: put the ' +
        'RecoverySite into a stack with another `env.region`',
    });
  });

  test('two deployments of one name at one site', () => {
    const fixture = new Fixture();
    fixture.addRecovery();
    const other = new Fixture();
    Object.assign(other, { site: fixture.site });
    assert.throws(() => other.addRecovery(), {
      message:
        "Site/RecoverySite: `deploymentName` must be unique at its DR site, got 'production' twice: name one of them " +
        'differently',
    });
  });

  test('an ARN that is not one of an instance', () => {
    const credentials = { datasources: [], credentials: undefined as never };
    assert.throws(
      () => ProtectedDatabase.fromInstanceArn('arn:aws:rds:eu-central-1:111122223333:cluster:aurora', credentials),
      {
        message:
          "the ARN must be arn:PARTITION:rds:REGION:ACCOUNT:db:IDENTIFIER, got 'arn:aws:rds:eu-central-1:111122223333:" +
          "cluster:aurora': take it from `aws rds describe-db-instances`",
      },
    );
  });

  for (const path of ['repository', '/repository/', '//', '/a/../b', '']) {
    test(`a volume of the directory '${path}'`, () => {
      assert.throws(() => Volume.fromAccessPoint(new Fixture().accessPoint, { mountedAt: 'repository', path }), {
        message:
          `\`path\` must be a directory of the file system, got '${path}': write it from its root, without a slash at its ` +
          'end, like /repository',
      });
    });
  }

  for (const mountedAt of ['', '/repository', 'repository/', 'a//b', '../conf', 'a/./b']) {
    test(`a volume at '${mountedAt}'`, () => {
      assert.throws(() => Volume.fromAccessPoint(undefined as never, { mountedAt }), {
        message:
          '`mountedAt` must be a path below <IS_HOME> without leading or trailing slash, ' +
          `got '${mountedAt}': write it like repository/tenants`,
      });
    });
  }
});

describe('what is only warned of', () => {
  test('a resource that covers nothing', () => {
    const fixture = new Fixture();
    const other = new rds.DatabaseInstance(fixture.stack, 'Other', {
      storageEncrypted: true,
      vpc: fixture.vpc,
      engine: rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_18 }),
    });
    fixture.addRecovery({
      databases: [
        fixture.protectedDatabase(),
        ProtectedDatabase.fromInstance(other, { datasources: ['metrics_db'], credentials: other.secret! }),
      ],
    });
    Annotations.fromStack(fixture.stack).hasWarning(
      '/Is/Recovery',
      Match.stringLikeRegexp('^other covers no database of deployment.toml \\(it declares identity_db, shared_db\\)'),
    );
  });

  test('an Aurora Global Database without scheduled drills', () => {
    const fixture = new Fixture();
    fixture.addRecovery({
      drill: { scheduled: false },
      objectives: AN_HOUR,
      databases: [auroraCluster(fixture, { globalDatabase: true })],
    });
    Annotations.fromStack(fixture.stack).hasWarning(
      '/Is/Recovery',
      Match.stringLikeRegexp(
        '^drills cannot restore from every technique yet, got aurora-global-database of aurora: their recovery',
      ),
    );
  });

  test('of an Aurora cluster whose copies are drilled: nothing', () => {
    const fixture = new Fixture();
    fixture.addRecovery({ databases: [auroraCluster(fixture)] });
    Annotations.fromStack(fixture.stack).hasNoWarning('/Is/Recovery', Match.stringLikeRegexp('^drills cannot restore'));
  });
});
