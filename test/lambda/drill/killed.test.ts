// The function is killed: before each checkpoint it would write, and after each call it makes, of which it then never hears.
// Either it goes on with the next invocation, as Lambda does it after a crash; or the execution ends there, and the reaper comes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reapSite } from '../reaper/reap-site';
import { auroraSite, automatedBackup, FakeSite, PLAN, REPLICATED_PLAN, reportOf, runDrill } from './fake-site';

const PRODUCTION = 'is';
const KEPT = 'recovery-20261123t042500-1a2b3c4d-1-is-db';

/** With what must stay: an instance of the user's, and what a recovery keeps, both in the site's subnets. */
function newSite(technique: string): FakeSite {
  const site = technique === 'copy of an Aurora cluster' ? auroraSite() : new FakeSite();
  for (const [identifier, tags] of [
    [PRODUCTION, new Map<string, string>()],
    [KEPT, new Map([['wso2is-recovery:recovery', 'recovery-20261123t042500-1a2b3c4d']])],
  ] as const) {
    const arn = `arn:aws:rds:eu-central-1:111122223333:db:${identifier}`;
    site.instances.set(identifier, { arn, status: 'available', subnetGroup: 'dr-subnets', tags, looks: 9 });
  }
  site.folders.add('recovery-20261123t042500-1a2b3c4d');
  if (technique === 'automated backup') {
    site.objects.set('plans/prod.json', JSON.stringify(REPLICATED_PLAN));
    site.automatedBackups = [automatedBackup('2026-11-20T00:00:00.000Z', '2026-11-24T04:20:00.000Z')];
  }
  if (technique === RECOVERY_POINT) {
    site.recoveryPoints.push({
      RecoveryPointArn: 'arn:aws:backup:eu-central-1:111122223333:recovery-point:efs-1',
      ResourceArn: PLAN.volumes[0]?.fileSystemArn,
      Status: 'COMPLETED',
      CreationDate: new Date('2026-11-24T04:05:00.000Z'),
    });
  }
  return site;
}

const RECOVERY_POINT = 'copy, and recovery point of a volume';
const eventOf = (technique: string) =>
  technique === RECOVERY_POINT ? { deployment: 'prod', volumesFrom: 'backup' } : undefined;
/** Restore jobs of AWS Backup, at most. */
const jobsOf = (technique: string) => (technique === RECOVERY_POINT ? 2 : 1);

function assertNothingLeft(site: FakeSite, what: string) {
  assert.deepEqual([...site.instances.keys()], [PRODUCTION, KEPT], what);
  assert.deepEqual([...site.clusters.keys()], [], what);
  assert.deepEqual([...site.folders], ['recovery-20261123t042500-1a2b3c4d'], what);
  assert.deepEqual([...site.recoveryDirectories], [], what);
  const touched = site.calls
    .filter(({ name }) => /RDS\.(Create|Delete|AddTags|Restore)/.test(name))
    .map(({ input }) => JSON.stringify(input));
  assert.ok(
    touched.every((input) => input.includes('drill-20261124t0425')),
    what,
  );
}

/** Six runs of the reaper, an hour apart, once the drill cannot be alive any more. */
async function reapLater(site: FakeSite) {
  for (let hour = 1; hour <= 6; hour++) {
    const leftovers = await reapSite(site, Date.parse('2026-11-25T04:30:00Z') + hour * 3_600_000);
    assert.deepEqual(
      leftovers.filter(({ fate }) => fate === 'failed'),
      [],
    );
  }
}

for (const technique of ['copy', 'automated backup', 'copy of an Aurora cluster', RECOVERY_POINT]) {
  describe(`a drill of a ${technique} that is killed`, () => {
    it('between any two steps goes on: PASSED, everything made once and removed, the verdict told', async () => {
      const whole = newSite(technique);
      const { checkpoints } = await runDrill(whole, eventOf(technique));
      assert.ok(checkpoints > 30, `${checkpoints} checkpoints`);
      for (let n = 1; n <= checkpoints; n++) {
        const site = newSite(technique);
        const { status } = await runDrill(site, eventOf(technique), { killBeforeCheckpoint: n });
        const what = `killed before checkpoint ${n}`;
        assert.equal(status, 'SUCCEEDED', what);
        assert.equal(reportOf(site).verdict, 'PASSED', `${what}: ${reportOf(site).causes.join()}`);
        assert.ok(site.jobs.size <= jobsOf(technique), what);
        assertNothingLeft(site, what);
      }
    });

    it('after any call whose answer is lost goes on: PASSED, everything made once and removed', async () => {
      const whole = newSite(technique);
      await runDrill(whole, eventOf(technique));
      const total = whole.calls.length;
      assert.ok(total > 15, `${total} calls`);
      for (let n = 1; n <= total; n++) {
        const site = newSite(technique);
        site.killAfterCall = n;
        const { status } = await runDrill(site, eventOf(technique));
        const what = `killed after call ${n} (${site.calls[n - 1]?.name})`;
        assert.equal(status, 'SUCCEEDED', what);
        assert.equal(reportOf(site).verdict, 'PASSED', `${what}: ${reportOf(site).causes.join()}`);
        assert.ok(site.jobs.size <= jobsOf(technique), what);
        assertNothingLeft(site, what);
      }
    });

    it('for good, wherever that is, leaves nothing that the reaper does not remove', async () => {
      const whole = newSite(technique);
      const { checkpoints } = await runDrill(whole, eventOf(technique));
      for (let n = 1; n <= checkpoints; n++) {
        const site = newSite(technique);
        await runDrill(site, eventOf(technique), { killBeforeCheckpoint: n, endsWhenKilled: true });
        await reapLater(site);
        assertNothingLeft(site, `ended before checkpoint ${n}`);
      }
      const total = whole.calls.length;
      for (let n = 1; n <= total; n++) {
        const site = newSite(technique);
        site.killAfterCall = n;
        await runDrill(site, eventOf(technique), { endsWhenKilled: true });
        await reapLater(site);
        assertNothingLeft(site, `ended after call ${n} (${site.calls[n - 1]?.name})`);
      }
    });
  });
}
