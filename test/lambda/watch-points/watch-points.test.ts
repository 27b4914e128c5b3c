import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { EFSClient } from '@aws-sdk/client-efs';
import { ageOf, watchPoints } from '../../../lambda/watch-points/watch-points';
import type { ComponentPoints } from '../../../lambda/drill/choose-recovery-set';
import type { RecoveryPlanDocument, Site } from '../../../lib/planning/plan-document';
import { automatedBackup, DATABASE_ARN, FakeSite, named, PLAN, REPLICATED_PLAN } from '../drill/fake-site';

const NOW = new Date('2026-11-24T12:00:00.000Z');
const before = (seconds: number) => new Date(NOW.getTime() - seconds * 1000).toISOString();
const PUBLISHED = new Date(before(5000));

const point = (id: string, seconds: number, unusable?: string) => ({
  id,
  technique: 'backup-copy' as const,
  moment: before(seconds),
  ...(unusable === undefined ? {} : { unusable }),
});
const window = (latest: number, more: object = {}) => ({
  id: 'window',
  technique: 'backup-continuous' as const,
  earliest: before(9000),
  latest: before(latest),
  ...more,
});

describe('the age of a component', () => {
  const rows: readonly [string, Partial<ComponentPoints>, number, string | undefined][] = [
    ['of the newest point, wherever it stands', { points: [point('old', 900), point('new', 300)] }, 300, 'new'],
    ['not of one that is unusable', { points: [point('old', 900), point('new', 300, 'PARTIAL')] }, 900, 'old'],
    [
      'of the end of a window, where that is newer',
      { points: [point('p', 900)], windows: [window(300)] },
      300,
      'window',
    ],
    ['of a point, where that is newer', { points: [point('p', 200)], windows: [window(300)] }, 200, 'p'],
    ['since the plan was published, where there is nothing', {}, 5000, undefined],
    ['since the plan was published, where nothing is usable', { points: [point('p', 10, 'EXPIRED')] }, 5000, undefined],
    [
      'since the plan was published, where a window is empty',
      { windows: [window(10, { unusable: 'no' })] },
      5000,
      undefined,
    ],
    ['0, where a clock is ahead', { points: [point('p', -3)] }, 0, 'p'],
  ];
  for (const [what, points, ageSeconds, id] of rows) {
    it(what, () => {
      const age = ageOf({ component: 'is-db', points: [], ...points }, PUBLISHED, NOW);
      assert.deepEqual([age.component, age.ageSeconds, age.newest?.id], ['is-db', ageSeconds, id]);
    });
  }
});

/** The plan was published twice: `PUBLISHED` is the older version. */
async function look(site: FakeSite, where: Site, plan: RecoveryPlanDocument, replications: object[] = []) {
  site.objects.set('plans/prod.json', JSON.stringify(plan));
  const { s3, ...aws } = site.aws();
  // The SDK's paginators take nothing but a real client.
  const versioned = Object.assign(new S3Client({ region: 'eu-central-1' }), {
    send: (command: unknown) =>
      command instanceof ListObjectVersionsCommand
        ? Promise.resolve({
            IsTruncated: false,
            Versions: [
              { Key: 'plans/prod.json', LastModified: new Date(before(60)) },
              { Key: 'plans/prod.json', LastModified: PUBLISHED },
              { Key: 'plans/prod.json.old', LastModified: new Date(0) },
            ],
            DeleteMarkers: [{ Key: 'plans/prod.json', LastModified: new Date(1) }],
          })
        : s3.send(command as never),
  }) as S3Client;
  const efs = Object.assign(new EFSClient({ region: 'eu-central-1' }), {
    send: () => Promise.resolve({ Replications: replications }),
  });
  const logged: unknown[] = [];
  const write = (message: string, fields = {}) => logged.push({ message, ...fields });
  const result = await watchPoints(
    { deployment: 'prod' },
    {
      ...aws,
      s3: versioned,
      efs,
      site: where,
      bucket: 'bucket',
      vaultName: 'vault',
      log: { info: write, warn: write, error: write },
      now: () => NOW,
    },
  );
  const data = site.inputsOf('CloudWatch.PutMetricData').at(-1)!;
  assert.equal(data['Namespace'], 'WSO2IS/Recovery');
  const metrics = (
    data['MetricData'] as { MetricName: string; Value: number; Unit: string; Dimensions: { Value: string }[] }[]
  ).map(({ MetricName, Value, Unit, Dimensions }) => [
    MetricName,
    Value,
    Unit,
    Dimensions.map((dimension) => dimension.Value).join(' '),
  ]);
  return { result, metrics, logged };
}

const databasesOnly = (plan: RecoveryPlanDocument): RecoveryPlanDocument => ({ ...plan, volumes: [] });
const recoveryPoint = (seconds: number, Status = 'COMPLETED', ResourceArn = DATABASE_ARN) => ({
  RecoveryPointArn: `arn:aws:rds:eu-central-1:111122223333:snapshot:awsbackup:${seconds}`,
  ResourceArn,
  Status,
  CreationDate: new Date(before(seconds)),
});

describe('the watch at the DR site', () => {
  it('puts the age of the newest recovery point that is complete', async () => {
    const site = new FakeSite();
    site.recoveryPoints = [recoveryPoint(300, 'PARTIAL'), recoveryPoint(700), recoveryPoint(900)];
    assert.deepEqual((await look(site, 'dr-site', databasesOnly(PLAN))).metrics, [
      ['RecoveryPointAge', 700, 'Seconds', 'prod dr-site is-db'],
      ['RecoveryComponentsSeen', 1, 'Count', 'prod dr-site'],
    ]);
  });

  it('puts the age of the promise where nothing was ever produced, also when it was published anew', async () => {
    const site = new FakeSite();
    site.recoveryPoints = [];
    assert.deepEqual((await look(site, 'dr-site', databasesOnly(PLAN))).metrics[0], [
      'RecoveryPointAge',
      5000,
      'Seconds',
      'prod dr-site is-db',
    ]);
  });

  it('counts on what RDS replicates, where the plan does', async () => {
    const site = new FakeSite();
    site.recoveryPoints = [recoveryPoint(700)];
    site.automatedBackups = [automatedBackup(before(9000), before(120))];
    assert.equal((await look(site, 'dr-site', databasesOnly(REPLICATED_PLAN))).metrics[0]![1], 120);
    assert.equal((await look(site, 'dr-site', databasesOnly(PLAN))).metrics[0]![1], 700);
  });

  it('a component that cannot be seen hides no other, and is not counted', async () => {
    const site = new FakeSite();
    const [database] = PLAN.databases;
    const plan = {
      ...PLAN,
      volumes: [],
      databases: [database!, { ...database!, name: 'other', resourceArn: 'other-arn' }],
    };
    site.recoveryPoints = [recoveryPoint(700), recoveryPoint(800, 'COMPLETED', 'other-arn')];
    site.faults.set('Backup.ListRecoveryPointsByBackupVault', ({ ByResourceArn }) => {
      if (ByResourceArn === 'other-arn') throw named('AccessDeniedException', 'not allowed');
    });
    const { result, metrics, logged } = await look(site, 'dr-site', plan);
    assert.deepEqual(metrics, [
      ['RecoveryPointAge', 700, 'Seconds', 'prod dr-site is-db'],
      ['RecoveryComponentsSeen', 1, 'Count', 'prod dr-site'],
    ]);
    assert.deepEqual(result.components[1], { component: 'other', unseen: 'AccessDeniedException: not allowed' });
    assert.deepEqual(logged, [
      {
        message: 'the recovery points of a component cannot be seen',
        component: 'other',
        site: 'dr-site',
        reason: 'AccessDeniedException: not allowed',
      },
    ]);
  });

  it('puts nothing where there is no plan', async () => {
    const site = new FakeSite();
    await assert.rejects(look(site, 'dr-site', { ...PLAN, databases: [], volumes: [] }), /names nothing to restore/);
    assert.deepEqual(site.inputsOf('CloudWatch.PutMetricData'), []);
  });
});

describe('a volume that is not exported', () => {
  const fileSystemArn = PLAN.volumes[0]!.fileSystemArn;
  const line = (technique: 'backup-copy' | 'efs-replication') => ({
    ...PLAN.plan[0]!,
    component: 'repository',
    technique,
  });
  const plan = (...lines: RecoveryPlanDocument['plan'][number][]) => ({
    ...PLAN,
    databases: [],
    plan: lines,
  });
  const replica = (more: object) => [
    { SourceFileSystemArn: fileSystemArn, Destinations: [{ Region: 'eu-central-1', FileSystemId: 'fs-2', ...more }] },
    { SourceFileSystemArn: 'another', Destinations: [{ Region: 'eu-central-1', LastReplicatedTimestamp: NOW }] },
    { SourceFileSystemArn: fileSystemArn, Destinations: [{ Region: 'eu-west-3', LastReplicatedTimestamp: NOW }] },
  ];
  const site = () => {
    const fake = new FakeSite();
    fake.recoveryPoints = [recoveryPoint(3000, 'COMPLETED', fileSystemArn)];
    // No archive is there.
    fake.faults.set('S3.ListObjectsV2', () => undefined);
    return fake;
  };

  it('is as old as its newest recovery point', async () => {
    assert.equal((await look(site(), 'dr-site', plan(line('backup-copy')))).metrics[0]![1], 3000);
  });

  it('or as its replica in this Region, where the plan has one', async () => {
    const synced = replica({ Status: 'ENABLED', LastReplicatedTimestamp: new Date(before(400)) });
    const lines = [line('backup-copy'), line('efs-replication')];
    assert.equal((await look(site(), 'dr-site', plan(...lines), synced)).metrics[0]![1], 400);
    assert.equal((await look(site(), 'dr-site', plan(...lines), replica({ Status: 'ENABLING' }))).metrics[0]![1], 3000);
    assert.equal((await look(site(), 'dr-site', plan(line('backup-copy')), synced)).metrics[0]![1], 3000);
  });
});

describe('the watch in the primary Region', () => {
  it('counts on the latest restorable time of the instance, and on nothing of the DR site', async () => {
    const site = new FakeSite();
    site.recoveryPoints = [recoveryPoint(700)];
    site.instances.set('is', { arn: DATABASE_ARN, status: 'available', tags: new Map(), looks: 5 });
    site.instanceSize = { LatestRestorableTime: new Date(before(240)) };
    assert.deepEqual((await look(site, 'in-region', databasesOnly(REPLICATED_PLAN))).metrics, [
      ['RecoveryPointAge', 240, 'Seconds', 'prod in-region is-db'],
      ['RecoveryComponentsSeen', 1, 'Count', 'prod in-region'],
    ]);
    assert.deepEqual(site.inputsOf('RDS.DescribeDBInstanceAutomatedBackups'), [], 'nothing of the DR site');
  });
});
