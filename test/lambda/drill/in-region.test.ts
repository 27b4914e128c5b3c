import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RecoveryPlanDocument } from '../../../lib/planning/plan-document';
import {
  AURORA_PLAN,
  automatedBackup,
  CLUSTER_ARN,
  DATABASE_ARN,
  FakeSite,
  PLAN,
  REPLICATED_PLAN,
  reportOf,
  runDrill,
} from './fake-site';

const SETTINGS = { site: 'in-region', region: 'eu-west-1' } as const;
const SNAPSHOT = 'arn:aws:rds:eu-west-1:111122223333:snapshot:awsbackup:job-1';

const point = (RecoveryPointArn: string, time: string, Status = 'COMPLETED') => ({
  RecoveryPointArn,
  ResourceArn: DATABASE_ARN,
  Status,
  CreationDate: new Date(time),
});

/** The primary Region, whose plan promises something of its own. */
function region(plan: RecoveryPlanDocument = PLAN): FakeSite {
  const site = new FakeSite();
  site.objects.set('plans/prod.json', JSON.stringify(plan));
  site.recoveryPoints = [point(SNAPSHOT, '2026-11-24T04:00:00.000Z')];
  return site;
}

describe('a drill in the primary Region', () => {
  it('leaves its report and its lock where replication brings neither over those of the DR site', async () => {
    const site = region();
    await runDrill(site, undefined, { settings: SETTINGS });
    const report = reportOf(site);
    assert.deepEqual([report.site, report.objectives], ['in-region', { rpoSeconds: 3600, rtoSeconds: 14_400 }]);
    assert.deepEqual(
      [...site.objects.keys()].filter((key) => !key.startsWith('plans/')),
      [
        'locks/prod/in-region-drill.json',
        `in-region-drills/prod/${report.drillId}/report.json`,
        `in-region-drills/prod/${report.drillId}/report.html`,
      ],
    );
  });

  it('compares itself with the drills of its Region, not with those of the DR site', async () => {
    const site = region();
    await runDrill(site, undefined, { settings: SETTINGS });
    const first = reportOf(site);
    site.objects.set('drills/prod/drill-20261101t000000-00000000/report.json', JSON.stringify(first));
    site.advance(3600);
    await runDrill(site, undefined, { settings: SETTINGS });
    const second = JSON.parse(
      [...site.objects].filter(([key]) => /^in-region-drills.*json$/.test(key)).at(-1)![1],
    ) as typeof first;
    assert.notEqual(second.drillId, first.drillId);
    assert.deepEqual(
      second.earlier.map(({ drillId }) => drillId),
      [first.drillId],
    );
  });

  it('passes over a continuous backup that the plan does not count on, whatever its status, and takes the snapshot', async () => {
    for (const status of ['COMPLETED', 'AVAILABLE']) {
      const site = region();
      const continuous = 'arn:aws:backup:eu-west-1:111122223333:recovery-point:continuous:db-1';
      site.recoveryPoints.push(point(continuous, '2026-11-24T04:09:00.000Z', status));
      await runDrill(site, undefined, { settings: SETTINGS });
      const report = reportOf(site);
      assert.equal(report.components[0]?.restoredFrom, SNAPSHOT);
      assert.deepEqual(report.passedOver, [
        {
          component: 'is-db',
          id: continuous,
          reason: 'it is a continuous backup, whose moments RDS restores, not this point',
        },
      ]);
    }
  });

  it('takes the automated backups of production for no replica', async () => {
    const site = region(REPLICATED_PLAN);
    site.automatedBackups = [automatedBackup('2026-11-20T00:00:00.000Z', '2026-11-24T04:20:00.000Z')];
    await runDrill(site, undefined, { settings: SETTINGS });
    assert.equal(reportOf(site).components[0]?.restoredFrom, SNAPSHOT);
    assert.deepEqual(site.inputsOf('RDS.DescribeDBInstanceAutomatedBackups'), []);
    assert.deepEqual(site.inputsOf('RDS.RestoreDBInstanceToPointInTime'), []);
  });
});

/** A plan that counts on continuous backup in the primary Region. */
const continuous = (plan: RecoveryPlanDocument): RecoveryPlanDocument => ({
  ...plan,
  plan: [
    ...plan.plan,
    {
      component: 'is-db',
      site: 'in-region',
      technique: 'backup-continuous',
      purpose: 'promise',
      worstCaseSeconds: 600,
      terms: [],
      reason: 'logs every five minutes',
      usdPerMonth: 1,
    },
    {
      component: 'repository',
      site: 'in-region',
      technique: 'artifact-export',
      purpose: 'promise',
      worstCaseSeconds: 1200,
      terms: [],
      reason: 'exported',
      usdPerMonth: 1,
    },
  ],
});

/** As RDS describes what it keeps of the source in its Region: without an ARN of its own. */
const ofSource = (latest: string, more: Record<string, unknown> = {}) => ({
  DBInstanceArn: DATABASE_ARN,
  DbiResourceId: 'db-IS',
  Region: 'eu-west-1',
  Status: 'active',
  RestoreWindow: { EarliestTime: new Date('2026-11-20T00:00:00.000Z'), LatestTime: new Date(latest) },
  ...more,
});

describe('continuous backup in the primary Region', () => {
  it('is restored to the moment of the export, as RDS keeps it of the source', async () => {
    const site = region(continuous(PLAN));
    site.recoveryPoints.push(
      point('arn:aws:backup:eu-west-1:111122223333:recovery-point:continuous:db-1', '2026-11-24T04:09:00.000Z'),
    );
    site.automatedBackups = [ofSource('2026-11-24T04:20:00.000Z')];
    await runDrill(site, undefined, { settings: SETTINGS });
    const report = reportOf(site);
    assert.equal(report.verdict, 'PASSED', [...report.causes, ...report.warnings].join());
    const [component] = report.components;
    assert.deepEqual(
      [component?.technique, component?.restoredFrom, component?.moment],
      ['backup-continuous', 'db-IS', '2026-11-24T04:10:00.000Z'],
    );
    assert.equal(report.skewSeconds, 0);
    const [input] = site.inputsOf('RDS.RestoreDBInstanceToPointInTime');
    assert.deepEqual(
      [input?.['SourceDbiResourceId'], input?.['SourceDBInstanceAutomatedBackupsArn'], input?.['RestoreTime']],
      ['db-IS', undefined, new Date('2026-11-24T04:10:00.000Z')],
    );
    assert.deepEqual(site.inputsOf('Backup.StartRestoreJob'), []);
    assert.deepEqual([...site.instances], []);
  });

  it('is restored with the groups of production, which are in this Region', async () => {
    const plan = continuous(PLAN);
    const databases = plan.databases.map((entry) => ({
      ...entry,
      parameterGroup: 'is-params',
      optionGroup: 'is-options',
    }));
    const site = region({ ...plan, databases });
    site.automatedBackups = [ofSource('2026-11-24T04:20:00.000Z')];
    await runDrill(site, undefined, { settings: SETTINGS });
    const [input] = site.inputsOf('RDS.RestoreDBInstanceToPointInTime');
    assert.deepEqual([input?.['DBParameterGroupName'], input?.['OptionGroupName']], ['is-params', 'is-options']);
    assert.equal(reportOf(site).verdict, 'PASSED');
  });

  it('of a source that is gone is restored from what RDS retained, of the newer where there are two', async () => {
    const site = region(continuous(PLAN));
    site.automatedBackups = [
      ofSource('2026-11-24T02:00:00.000Z', { DbiResourceId: 'db-OLD', Status: 'retained' }),
      ofSource('2026-11-24T04:05:00.000Z', { Status: 'retained' }),
    ];
    await runDrill(site, undefined, { settings: SETTINGS });
    const [input] = site.inputsOf('RDS.RestoreDBInstanceToPointInTime');
    assert.deepEqual([input?.['SourceDbiResourceId'], input?.['UseLatestRestorableTime']], ['db-IS', true]);
    assert.equal(reportOf(site).skewSeconds, 300);
  });

  for (const { what, backups, reason } of [
    {
      what: 'is off',
      backups: [],
      reason: /: RDS has no automated backup of it: see whether its continuous backup is on$/,
    },
    {
      what: 'has only begun',
      backups: [ofSource('2026-11-24T04:05:00.000Z', { Status: 'creating', RestoreWindow: undefined })],
      reason: /: db-IS: its status is creating, and it has no restore window yet$/,
    },
    {
      what: 'is of another instance',
      backups: [ofSource('2026-11-24T04:05:00.000Z', { DBInstanceArn: `${DATABASE_ARN}-other` })],
      reason: /: RDS has no automated backup of it: see whether its continuous backup is on$/,
    },
  ]) {
    it(`where it ${what}: the snapshot, with the reason as a warning`, async () => {
      const site = region(continuous(PLAN));
      site.automatedBackups = backups;
      await runDrill(site, undefined, { settings: SETTINGS });
      const report = reportOf(site);
      assert.equal(report.components[0]?.restoredFrom, SNAPSHOT);
      const warning = report.warnings.find((each) => each.includes('not from backup-continuous as planned')) ?? '';
      assert.match(warning, reason);
    });
  }

  it('of an Aurora cluster makes the cluster of that moment, and an instance in it', async () => {
    const site = region(continuous(AURORA_PLAN));
    site.clusterBackups = [
      {
        DBClusterArn: CLUSTER_ARN,
        DbClusterResourceId: 'cluster-IS',
        Status: 'active',
        RestoreWindow: {
          EarliestTime: new Date('2026-11-20T00:00:00.000Z'),
          LatestTime: new Date('2026-11-24T04:20:00.000Z'),
        },
      },
    ];
    await runDrill(site, undefined, { settings: SETTINGS });
    const report = reportOf(site);
    const id = `${report.drillId}-1-is-db`;
    assert.equal(report.verdict, 'PASSED', [...report.causes, ...report.warnings].join());
    assert.deepEqual(site.inputsOf('RDS.RestoreDBClusterToPointInTime'), [
      {
        SourceDbClusterResourceId: 'cluster-IS',
        DBClusterIdentifier: id,
        RestoreToTime: new Date('2026-11-24T04:10:00.000Z'),
        DBSubnetGroupName: 'dr-subnets',
        VpcSecurityGroupIds: ['sg-0dr'],
        DeletionProtection: false,
        Tags: [{ Key: 'wso2is-recovery:drill', Value: report.drillId }],
      },
    ]);
    assert.deepEqual(
      site.inputsOf('RDS.CreateDBInstance').map(({ DBClusterIdentifier }) => DBClusterIdentifier),
      [id],
    );
    assert.deepEqual([[...site.clusters], [...site.instances]], [[], []]);
    assert.deepEqual(site.inputsOf('RDS.DescribeDBInstanceAutomatedBackups'), []);
  });

  it('of a cluster whose name is taken is FAILED, and leaves what is there alone', async () => {
    const site = region(continuous(AURORA_PLAN));
    site.clusterBackups = [
      {
        DBClusterArn: CLUSTER_ARN,
        DbClusterResourceId: 'cluster-IS',
        Status: 'active',
        RestoreWindow: { EarliestTime: new Date('2026-11-20'), LatestTime: new Date('2026-11-24T04:20:00.000Z') },
      },
    ];
    site.faults.set('RDS.RestoreDBClusterToPointInTime', ({ DBClusterIdentifier }) => {
      const identifier = DBClusterIdentifier as string;
      const arn = `arn:aws:rds:eu-central-1:111122223333:cluster:${identifier}`;
      site.clusters.set(identifier, { arn, status: 'available', tags: new Map(), looks: 9 });
    });
    await runDrill(site, undefined, { settings: SETTINGS });
    assert.match(
      reportOf(site).causes[0] ?? '',
      /DB cluster .* is there already in eu-west-1, and does not carry the tag/,
    );
    assert.equal(site.clusters.size, 1);
    assert.equal(reportOf(site).cleanUp.complete, false);
  });
});
