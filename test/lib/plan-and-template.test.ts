// The constructs build exactly what the plan says: one test a technique holds the template against the plan.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration, Size } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import {
  type IdentityServerRecoveryProps,
  OptionalTechnique,
  ProtectedDatabase,
  RecoveryObjectives,
  type RecoverySiteProps,
  Volume,
  type VolumeProps,
} from '../../lib';
import type { RecoveryPlanDocument } from '../../lib/planning/plan-document';
import { Fixture } from './fixture';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-AbCdEf';

interface Case {
  readonly rpo: Duration;
  readonly drRpo: Duration;
  readonly props?: Partial<IdentityServerRecoveryProps>;
  readonly site?: RecoverySiteProps;
  readonly volume?: Partial<VolumeProps>;
  readonly database?: (fixture: Fixture) => ProtectedDatabase;
}

/** The template of the primary stack, with the plan that is published in it. */
function synthesized({ rpo, drRpo, props, site, volume, database }: Case) {
  const fixture = new Fixture({ site });
  fixture.addRecovery({
    objectives: RecoveryObjectives.of({
      rpo,
      rto: Duration.hours(4),
      drSite: { rpo: drRpo, rto: Duration.hours(8) },
    }),
    ...(database ? { databases: [database(fixture)] } : {}),
    volumes: [Volume.fromAccessPoint(fixture.accessPoint, { mountedAt: 'repository', ...volume })],
    ...props,
  });
  const template = Template.fromStack(fixture.stack);
  const [published] = Object.values(template.findResources('Custom::RecoveryPlanDocument'));
  const call = JSON.parse(joined(published['Properties'].Create)) as { parameters: { Body: string } };
  const document = JSON.parse(call.parameters.Body) as RecoveryPlanDocument;
  const line = (component: string, technique: string) =>
    document.plan.find((candidate) => candidate.component === component && candidate.technique === technique) ??
    assert.fail(`no ${technique} of ${component}`);
  const backupPlans = Object.values(template.findResources('AWS::Backup::BackupPlan')).map(
    (resource) => resource['Properties'].BackupPlan as BackupPlan,
  );
  const rules = (name: string) => backupPlans.find(({ BackupPlanName }) => BackupPlanName === name)?.BackupPlanRule;
  return { fixture, template, document, line, rules };
}

interface BackupPlan {
  readonly BackupPlanName: string;
  readonly BackupPlanRule: readonly Record<string, unknown>[];
}

/** What CloudFormation joins, with a placeholder for what it knows first. */
function joined(value: unknown): string {
  if (typeof value === 'string') return value;
  const parts = (value as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1];
  return parts.map((part) => (typeof part === 'string' ? part : 'TOKEN')).join('');
}

const auroraCluster =
  (more: object = {}) =>
  (fixture: Fixture) =>
    ProtectedDatabase.fromClusterArn('arn:aws:rds:eu-central-1:111122223333:cluster:main', held(fixture, more));

const held = (fixture: Fixture, more: object = {}) => ({
  datasources: ['identity_db', 'shared_db'],
  credentials: Secret.fromSecretCompleteArn(fixture.stack, 'Credentials', SECRET),
  ...more,
});

const undrilled = { drill: { scheduled: false } };

test('backup-snapshot: schedule, windows and retention', () => {
  const { line, rules } = synthesized({
    rpo: Duration.hours(14),
    drRpo: Duration.hours(17),
    props: undrilled,
    database: (fixture) =>
      ProtectedDatabase.fromInstanceArn(
        'arn:aws:rds:eu-central-1:111122223333:db:main',
        held(fixture, { maintenanceWindow: 'sun:12:30-sun:13:00', backupWindow: '12:00-12:30' }),
      ),
  });
  assert.equal(line('main', 'backup-snapshot').worstCaseSeconds, 14 * 3600);
  assert.deepEqual(rules('production-main'), [
    {
      RuleName: 'snapshot',
      ScheduleExpression: 'cron(0 1/12 * * ? *)',
      StartWindowMinutes: 60,
      CompletionWindowMinutes: 120,
      EnableContinuousBackup: false,
      Lifecycle: { DeleteAfterDays: 35 },
      TargetBackupVault: { 'Fn::GetAtt': ['RecoveryVault36CA333C', 'BackupVaultName'] },
      CopyActions: [
        {
          DestinationBackupVaultArn: {
            'Fn::Join': [
              '',
              ['arn:', { Ref: 'AWS::Partition' }, ':backup:eu-west-1:111122223333:backup-vault:wso2is-recovery'],
            ],
          },
          Lifecycle: { DeleteAfterDays: 35 },
        },
      ],
    },
  ]);
  assert.equal(line('main', 'backup-snapshot').schedule, 'cron(0 1/12 * * ? *)');
  assert.equal(rules('production-main-pitr'), undefined);
});

test('a Multi-AZ DB cluster stops the synth: nothing of it reaches the DR site', () => {
  assert.throws(
    () =>
      synthesized({
        rpo: Duration.hours(26),
        drRpo: Duration.hours(48),
        props: undrilled,
        database: (fixture) =>
          ProtectedDatabase.fromMultiAzClusterArn('arn:aws:rds:eu-central-1:111122223333:cluster:main', held(fixture)),
      }),
    /main: an RPO of 2d at the DR site cannot be met, nothing brings it there: AWS copies no snapshot [^]+ would meet it: an RDS DB instance/,
  );
});

test('backup-continuous: in a backup plan of its own, not copied', () => {
  const { line, rules } = synthesized({ rpo: Duration.minutes(20), drRpo: Duration.hours(29) });
  assert.equal(line('database', 'backup-continuous').worstCaseSeconds, 300);
  assert.deepEqual(
    rules('production-database-pitr')?.map((rule) => [
      rule['RuleName'],
      rule['EnableContinuousBackup'],
      rule['Lifecycle'],
      rule['CopyActions'],
    ]),
    [['continuous', true, { DeleteAfterDays: 35 }, []]],
  );
  assert.deepEqual(
    rules('production-database')?.map((rule) => rule['EnableContinuousBackup']),
    [false],
  );
});

test('backup-copy: every rule that is copied, with its own retention', () => {
  const { line, rules } = synthesized({
    rpo: Duration.hours(1),
    drRpo: Duration.hours(7),
    props: { backupRetention: { all: Duration.days(20), copies: Duration.days(10), monthly: Duration.days(400) } },
  });
  assert.equal(line('database', 'backup-copy').schedule, 'cron(0 0/2 * * ? *)');
  assert.deepEqual(
    rules('production-database')?.map((rule) => [
      rule['RuleName'],
      rule['ScheduleExpression'],
      (rule['Lifecycle'] as { DeleteAfterDays: number }).DeleteAfterDays,
      (rule['CopyActions'] as { Lifecycle: unknown }[]).map(({ Lifecycle }) => Lifecycle),
    ]),
    [
      ['snapshot', 'cron(0 0/2 * * ? *)', 20, [{ DeleteAfterDays: 10 }]],
      ['monthly', 'cron(0 0 1 * ? *)', 400, [{ DeleteAfterDays: 400 }]],
    ],
  );
});

test('rds-automated-backup-replication: called in the DR Region, with the key of the site', () => {
  const { fixture, template, line } = synthesized({
    rpo: Duration.hours(1),
    drRpo: Duration.hours(2),
  });
  assert.equal(line('database', 'rds-automated-backup-replication').worstCaseSeconds, 3900);
  assert.equal(line('database', 'backup-copy').purpose, 'history');
  const [resource] = Object.values(template.findResources('Custom::RdsAutomatedBackupReplication'));
  const call = (name: string) => JSON.parse(joined(resource['Properties'][name])) as Record<string, unknown>;
  assert.deepEqual(call('Create'), {
    service: 'RDS',
    action: 'startDBInstanceAutomatedBackupsReplication',
    region: 'eu-west-1',
    parameters: {
      SourceDBInstanceArn: 'arn:TOKEN:rds:eu-central-1:111122223333:db:TOKEN',
      BackupRetentionPeriod: 35,
      KmsKeyId: 'arn:TOKEN:kms:eu-west-1:111122223333:alias/wso2is-recovery/wso2is-recovery',
    },
    physicalResourceId: { id: 'AutomatedBackupReplication-database-eu-west-1' },
    outputPaths: ['DBInstanceAutomatedBackup.DBInstanceAutomatedBackupsArn'],
  });
  assert.deepEqual(call('Update'), call('Create'));
  assert.equal(call('Delete')['action'], 'stopDBInstanceAutomatedBackupsReplication');
  assert.equal(call('Delete')['region'], 'eu-west-1');
  // After continuous backup, which turns automated backups on.
  assert.ok(
    (resource['DependsOn'] as string[]).some((id) => id.startsWith('RecoveryContinuousBackupPlandatabase')),
    String(resource['DependsOn']),
  );
  Template.fromStack(fixture.siteStack).hasResourceProperties('AWS::KMS::Alias', {
    AliasName: 'alias/wso2is-recovery/wso2is-recovery',
  });
});

test('aurora-global-database: is there already; copies are made beside it', () => {
  const { template, line, rules } = synthesized({
    rpo: Duration.hours(1),
    drRpo: Duration.hours(1),
    props: undrilled,
    database: auroraCluster({ globalDatabase: true }),
  });
  assert.equal(line('main', 'aurora-global-database').worstCaseSeconds, 60);
  assert.equal(line('main', 'aurora-global-database').purpose, 'promise');
  assert.equal((rules('production-main')?.[0]['CopyActions'] as unknown[]).length, 1);
  template.resourceCountIs('Custom::RdsAutomatedBackupReplication', 0);
});

test('the plan tells a drill what a restored cluster is given', () => {
  const classes = {
    instanceClass: 'db.r8g.large',
    drillInstanceClass: 'db.t4g.large',
    drSiteParameterGroup: 'dr-parameters',
  };
  const [database] = synthesized({
    rpo: Duration.hours(1),
    drRpo: Duration.hours(9),
    database: auroraCluster(classes),
  }).document.databases;
  assert.deepEqual(
    [database?.kind, database?.instanceClass, database?.drillInstanceClass, database?.drSiteParameterGroup],
    ['aurora-cluster', 'db.r8g.large', 'db.t4g.large', 'dr-parameters'],
  );
});

test('artifact-export and artifact-export-replicated: the schedule, and replication within 15 minutes', () => {
  const { template, line } = synthesized({ rpo: Duration.minutes(25), drRpo: Duration.hours(7) });
  assert.equal(line('repository', 'artifact-export').schedule, 'cron(0/10 * * * ? *)');
  assert.equal(line('repository', 'artifact-export').worstCaseSeconds, 1500);
  assert.equal(line('repository', 'artifact-export-replicated').worstCaseSeconds, 2400);
  template.hasResourceProperties('AWS::Events::Rule', {
    Description: 'Exports of repository of production',
    ScheduleExpression: 'cron(0/10 * * * ? *)',
  });
  template.hasResourceProperties('AWS::S3::Bucket', {
    ReplicationConfiguration: {
      Rules: [
        Match.objectLike({
          Destination: Match.objectLike({ ReplicationTime: { Status: 'Enabled', Time: { Minutes: 15 } } }),
        }),
      ],
    },
  });
  template.resourceCountIs('Custom::EfsReplication', 0);
});

test('efs-replication: of the file system, to the DR Region; the export stays', () => {
  const { template, line } = synthesized({
    rpo: Duration.minutes(20),
    drRpo: Duration.minutes(34),
    props: {
      ...undrilled,
      assumptions: { automatedBackupReplication: Duration.minutes(20) },
    },
  });
  assert.equal(line('repository', 'efs-replication').worstCaseSeconds, 1800);
  assert.equal(line('repository', 'artifact-export-replicated').purpose, 'history');
  const [resource] = Object.values(template.findResources('Custom::EfsReplication'));
  assert.deepEqual(JSON.parse(joined(resource['Properties'].Create)), {
    service: 'EFS',
    action: 'createReplicationConfiguration',
    parameters: { SourceFileSystemId: 'TOKEN', Destinations: [{ Region: 'eu-west-1' }] },
    physicalResourceId: { id: 'FileSystemReplication-repository-eu-west-1' },
    outputPaths: ['Destinations.0.FileSystemId'],
  });
  assert.equal(JSON.parse(joined(resource['Properties'].Delete)).action, 'deleteReplicationConfiguration');
});

describe('AWS Backup of a volume', () => {
  test('daily and in its Region beside the export; tiers and cold storage', () => {
    const { rules } = synthesized({
      rpo: Duration.hours(1),
      drRpo: Duration.hours(7),
      props: {
        backupRetention: { monthly: Duration.days(400), efsColdStorageAfter: Duration.days(30) },
      },
    });
    assert.deepEqual(
      rules('production-repository')?.map((rule) => [
        rule['RuleName'],
        rule['ScheduleExpression'],
        rule['Lifecycle'],
        rule['CopyActions'],
      ]),
      [
        ['snapshot', 'cron(0 0 * * ? *)', { DeleteAfterDays: 35 }, []],
        ['monthly', 'cron(0 0 1 * ? *)', { DeleteAfterDays: 400, MoveToColdStorageAfterDays: 30 }, []],
      ],
    );
    // RDS has no cold storage, and would ignore it in silence.
    assert.ok(!JSON.stringify(rules('production-database')).includes('MoveToColdStorageAfterDays'));
  });

  test('carries the promise where the export is not wanted, which is then not built', () => {
    const { template, line, rules } = synthesized({
      rpo: Duration.hours(4),
      drRpo: Duration.hours(7),
      props: { ...undrilled, backupRetention: { all: Duration.days(100), efsColdStorageAfter: Duration.days(10) } },
      volume: { without: [OptionalTechnique.ARTIFACT_EXPORT, OptionalTechnique.EFS_REPLICATION] },
    });
    assert.equal(line('repository', 'backup-copy').worstCaseSeconds, 7 * 3600);
    assert.deepEqual(
      rules('production-repository')?.map((rule) => [
        rule['ScheduleExpression'],
        rule['Lifecycle'],
        (rule['CopyActions'] as { Lifecycle: unknown }[]).map(({ Lifecycle }) => Lifecycle),
      ]),
      [
        [
          'cron(0 0/2 * * ? *)',
          { DeleteAfterDays: 100, MoveToColdStorageAfterDays: 10 },
          [{ DeleteAfterDays: 100, MoveToColdStorageAfterDays: 10 }],
        ],
      ],
    );
    assert.equal(
      Object.keys(
        template.findResources('AWS::Events::Rule', { Properties: { Description: Match.stringLikeRegexp('Exports') } }),
      ).length,
      0,
    );
  });
});

test('windows of an instance of the app are known; given ones win', () => {
  const withInstance = (more: object) =>
    synthesized({
      rpo: Duration.hours(26),
      drRpo: Duration.hours(29),
      database: (fixture) =>
        ProtectedDatabase.fromInstance(
          new rds.DatabaseInstance(fixture.stack, 'Stated', {
            vpc: fixture.vpc,
            engine: rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_18 }),
            preferredMaintenanceWindow: 'Sun:01:00-Sun:02:00',
            preferredBackupWindow: '02:30-03:00',
          }),
          {
            datasources: ['identity_db', 'shared_db'],
            credentials: Secret.fromSecretCompleteArn(fixture.stack, 'Credentials', SECRET),
            ...more,
          },
        ),
    }).line('stated', 'backup-snapshot').schedule;
  assert.equal(withInstance({}), 'cron(0 3 * * ? *)');
  assert.equal(withInstance({ backupWindow: '13:00-13:30' }), 'cron(0 2 * * ? *)');
});

test('an instance that is known to have no automated backups has none that RDS could replicate', () => {
  const withRetention = (backupRetention: Duration) =>
    synthesized({
      rpo: Duration.hours(1),
      drRpo: Duration.hours(2),
      database: (fixture) =>
        ProtectedDatabase.fromInstance(
          new rds.DatabaseInstance(fixture.stack, 'Stated', {
            vpc: fixture.vpc,
            engine: rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_18 }),
            backupRetention,
          }),
          {
            datasources: ['identity_db', 'shared_db'],
            credentials: Secret.fromSecretCompleteArn(fixture.stack, 'Credentials', SECRET),
          },
        ),
    });
  assert.equal(withRetention(Duration.days(1)).line('stated', 'rds-automated-backup-replication').purpose, 'promise');
  assert.throws(
    () => withRetention(Duration.days(0)),
    /the nearest is 7h: .*\n {4}would meet it: automated backups of the instance that are on: a backup retention of at least a day: 1h 5m/,
  );
});

test('vault locks, in governance mode, at both sites', () => {
  const { fixture, template } = synthesized({
    rpo: Duration.hours(1),
    drRpo: Duration.hours(7),
    props: { vaultLock: { minRetention: Duration.days(7), maxRetention: Duration.days(35) } },
    site: { vaultLock: { maxRetention: Duration.days(400) } },
  });
  template.hasResourceProperties('AWS::Backup::BackupVault', {
    LockConfiguration: { MinRetentionDays: 7, MaxRetentionDays: 35, ChangeableForDays: Match.absent() },
  });
  Template.fromStack(fixture.siteStack).hasResourceProperties('AWS::Backup::BackupVault', {
    LockConfiguration: { MinRetentionDays: 1, MaxRetentionDays: 400, ChangeableForDays: Match.absent() },
  });
});

describe('what the planner refuses stops the synth', () => {
  for (const [why, changed, problem] of [
    [
      'a lock that takes no such retention',
      { props: { vaultLock: { maxRetention: Duration.days(34) } } },
      /Is\/Recovery: retention of database \(rule snapshot\) must be from 1 to 34 days, the lock of the vault in the Region/,
    ],
    [
      'a lock of the site that takes no such copy',
      { site: { vaultLock: { minRetention: Duration.days(36) } } },
      /the lock of the vault at the DR site, got 35/,
    ],
    [
      'drills as rare as the retention is short',
      { props: { backupRetention: { copies: Duration.days(7) } } },
      /the drill interval must be less than the shortest retention \(7 days\), got 7 days/,
    ],
    [
      'half a day',
      { props: { backupRetention: { all: Duration.hours(36) } } },
      /`retention\.allDays` must be a whole number from 1 to 36500, got 1\.5/,
    ],
    [
      'a job of two days',
      { props: { assumptions: { backupJob: Duration.days(2) } } },
      /`assumptions\.backupJobSeconds` must be more than 0 and at most 43200, got 172800/,
    ],
    [
      'a technique that no drill restores from, in scheduled drills',
      {
        rpo: Duration.minutes(20),
        drRpo: Duration.minutes(34),
        props: { assumptions: { automatedBackupReplication: Duration.minutes(20) } },
      },
      /`drill\.scheduled` must be false: drills cannot restore from every technique yet, got efs-replication of repository;/,
    ],
  ] as const) {
    test(why, () => {
      assert.throws(() => synthesized({ rpo: Duration.hours(1), drRpo: Duration.hours(7), ...changed }), problem);
    });
  }
});

test('a drill that is not scheduled, and one whose interval cannot be told, are not held against the retention', () => {
  const copies = { backupRetention: { copies: Duration.days(7) } };
  synthesized({ rpo: Duration.hours(1), drRpo: Duration.hours(7), props: { ...copies, ...undrilled } });
});

describe('the report of the last drill', () => {
  const report = join(mkdtempSync(join(tmpdir(), 'report-')), 'report.json');
  const with_ = (measuredRtoSeconds: number) => {
    const components = [{ component: 'database', measuredRtoSeconds: 700 }];
    writeFileSync(report, JSON.stringify({ formatVersion: 1, drillId: 'd-1', measuredRtoSeconds, components }));
    return synthesized({ rpo: Duration.hours(1), drRpo: Duration.hours(7), props: { lastDrillReport: report } });
  };

  test('replaces the estimates', () => {
    assert.deepEqual(
      with_(900)
        .document.recoveryTimes.filter(({ site }) => site === 'dr-site')
        .map(({ component, basis, seconds }) => [component, basis, seconds]),
      [
        ['database', 'measured', 700],
        ['repository', 'estimate', 41],
        ['all together', 'measured', 900],
      ],
    );
  });

  test('an RTO that it exceeds by a second stops the synth', () => {
    with_(8 * 3600);
    assert.throws(
      () => with_(8 * 3600 + 1),
      /all together: an RTO of 8h at the DR site cannot be met, the nearest is 8h 1s/,
    );
  });

  test('one that is none is told', () => {
    assert.throws(
      () =>
        synthesized({ rpo: Duration.hours(1), drRpo: Duration.hours(7), props: { lastDrillReport: 'no/report.json' } }),
      /Is\/Recovery: `lastDrillReport` must be the path of a drill's report\.json, got 'no\/report\.json': ENOENT/,
    );
  });
});

test('the plan: a table beside the templates, a line at synth, and in the document', () => {
  const { fixture, document } = synthesized({
    rpo: Duration.hours(1),
    drRpo: Duration.hours(7),
    volume: { size: Size.gibibytes(50), files: 1_000_000 },
  });
  const { directory } = fixture.app.synth();
  const [name, ...others] = readdirSync(directory).filter((file) => file.endsWith('recovery-plan.txt'));
  assert.deepEqual([name, others], ['Is.production.recovery-plan.txt', []]);
  const text = readFileSync(join(directory, name), 'utf8');
  assert.match(text, /│ database +│ DR site │ backup-copy +│ every 2 h from 00:00 +│ 7h +│/);
  assert.match(text, /│ repository +│ DR site │ 1h 6m 40s \(estimate\)/);
  assert.ok(!text.includes('\u001b'), 'no colour in a file');
  Annotations.fromStack(fixture.stack).hasInfo(
    '/Is/Recovery',
    Match.stringLikeRegexp(
      'recovery plan of production: at worst 45m are lost in the Region and 7h at the DR site, for roughly \\d+\\.\\d\\d USD ' +
        'a month; the arithmetic is in Is\\.production\\.recovery-plan\\.txt',
    ),
  );
  assert.deepEqual(
    document.recoveryTimes
      .filter(({ site }) => site === 'dr-site')
      .map(({ component, basis, seconds }) => [component, basis, seconds]),
    [
      ['database', 'estimate', 2000],
      ['repository', 'estimate', 4000],
      ['all together', 'estimate', 4300],
    ],
  );
});
