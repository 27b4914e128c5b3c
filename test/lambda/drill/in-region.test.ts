import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RecoveryPlanDocument } from '../../../lib/planning/plan-document';
import { DATABASE_ARN, FakeSite, PLAN, REPLICATED_PLAN, automatedBackup, reportOf, runDrill } from './fake-site';

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

  it('passes over a continuous backup, whatever its status, and takes the snapshot', async () => {
    for (const status of ['COMPLETED', 'AVAILABLE']) {
      const site = region();
      const continuous = 'arn:aws:backup:eu-west-1:111122223333:recovery-point:continuous:db-1';
      site.recoveryPoints.push(point(continuous, '2026-11-24T04:09:00.000Z', status));
      await runDrill(site, undefined, { settings: SETTINGS });
      const report = reportOf(site);
      assert.equal(report.components[0]?.restoredFrom, SNAPSHOT);
      assert.deepEqual(report.passedOver, [
        { component: 'is-db', id: continuous, reason: 'it is a continuous backup: snapshots alone are restored' },
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
