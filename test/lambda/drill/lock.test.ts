import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DrillRefusal } from '../../../lambda/drill/contract';
import { FakeSite, named, reportOf, runDrill, summaryOf } from './fake-site';

const LOCK = 'locks/prod/drill.json';
const OTHER = 'arn:aws:lambda:eu-central-1:111122223333:function:wso2is-recovery-drill:1/durable-execution/other/1';

const lockOfAnother = (more: object = {}) =>
  JSON.stringify({
    drillId: 'drill-20261124t042400-00000000',
    executionArn: OTHER,
    startedAt: '2026-11-24T04:24:00.000Z',
    expiresAt: '2026-11-25T04:24:00.000Z',
    ...more,
  });

const made = (site: FakeSite) => [...site.inputsOf('Backup.StartRestoreJob'), ...site.restoreEvents];

describe('one drill of a deployment at a time', () => {
  it('of two that start together one runs, and the other says so and touches nothing', async () => {
    const site = new FakeSite();
    const arns = ['1', '2'].map((run) => OTHER.replace('other/1', `run/${run}`));
    for (const arn of arns) site.runningExecutions.add(arn);
    const [first, second] = await Promise.all(arns.map((arn) => runDrill(site, undefined, { arn })));
    const outcomes = [first, second].map((execution) => execution?.result?.outcome).sort();
    assert.deepEqual(outcomes, ['REFUSED', 'REPORTED']);
    const refusal = [first, second]
      .map((execution) => execution?.result)
      .find((result) => result?.outcome === 'REFUSED');
    const report = reportOf(site);
    assert.equal(report.verdict, 'PASSED');
    assert.match(
      (refusal as DrillRefusal).reason,
      new RegExp(`^drill ${report.drillId} of prod runs since 2026-11-24T`),
    );
    assert.equal((refusal as DrillRefusal).running.drillId, report.drillId);
    assert.equal(site.inputsOf('Backup.StartRestoreJob').length, 1);
    assert.equal(site.inputsOf('EventBridge.PutEvents').length, 1);
    assert.equal(site.instances.size, 0);
  });

  it('is over with the drill: the next one begins at once', async () => {
    const site = new FakeSite();
    await runDrill(site);
    assert.equal((JSON.parse(site.objects.get(LOCK) ?? '') as { released: boolean }).released, true);
    const { result } = await runDrill(site, undefined, { arn: OTHER });
    assert.equal(summaryOf(result).verdict, 'PASSED');
  });

  it('is over too where the report could not be published', async () => {
    const site = new FakeSite();
    site.faults.set('EventBridge.PutEvents', () => {
      throw named('AccessDeniedException', 'no');
    });
    assert.equal((await runDrill(site)).status, 'FAILED');
    assert.equal((JSON.parse(site.objects.get(LOCK) ?? '') as { released: boolean }).released, true);
  });

  it("is nobody else's business: a drill of another deployment runs", async () => {
    const site = new FakeSite();
    site.objects.set('locks/other/drill.json', lockOfAnother());
    site.runningExecutions.add(OTHER);
    assert.equal(summaryOf((await runDrill(site)).result).verdict, 'PASSED');
  });

  for (const [what, lock, runs, outcome] of [
    ['runs', lockOfAnother(), true, 'REFUSED'],
    ['ended without releasing it', lockOfAnother(), false, 'REPORTED'],
    ['released it', lockOfAnother({ released: true }), true, 'REPORTED'],
    ['is older than any drill can be', lockOfAnother({ expiresAt: '2026-11-24T04:25:00.000Z' }), true, 'REPORTED'],
    ['has a minute left', lockOfAnother({ expiresAt: '2026-11-24T04:26:00.000Z' }), true, 'REFUSED'],
  ] as const) {
    it(`${outcome} where the one that holds the lock ${what}`, async () => {
      const site = new FakeSite();
      site.objects.set(LOCK, lock);
      if (runs) site.runningExecutions.add(OTHER);
      const { result } = await runDrill(site);
      assert.equal(result?.outcome, outcome);
      if (outcome === 'REFUSED') assert.deepEqual(made(site), []);
    });
  }

  it('FAILED, without touching anything, where it cannot be found out', async () => {
    const site = new FakeSite();
    site.faults.set('S3.PutObject', ({ Key }) => {
      if (Key === LOCK) throw named('AccessDenied', 'Access Denied');
    });
    await runDrill(site);
    assert.deepEqual(reportOf(site).causes[0], 'acquire lock: AccessDenied: Access Denied');
    assert.deepEqual(made(site), []);
  });
});
