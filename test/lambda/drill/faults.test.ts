// What AWS does to a drill, and what its own functions do. Each time: the right verdict, the right first cause, nothing left
// behind, and no call that changes anything but the drill's own.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ListRestoreJobsCommand } from '@aws-sdk/client-backup';
import type { CheckResult } from '../../../lambda/check/contract';
import type { Verdict } from '../../../lambda/drill/contract';
import { reapSite } from '../reaper/reap-site';
import {
  automatedBackup,
  FakeSite,
  named,
  passingChecks,
  PLAN,
  REPLICATED_PLAN,
  reportOf,
  runDrill,
  SETTINGS,
} from './fake-site';

/** Changing calls whose input does not say that they are about this drill. */
function foreignCalls(site: FakeSite, drillId: string) {
  const own = [drillId, 'locks/prod/drill.json', SETTINGS.topicArn, '"Namespace":"WSO2IS/Recovery"'];
  return site.calls
    .filter(({ name }) => !/\.(Get|List|Describe)/.test(name))
    .filter(({ input }) => !own.some((text) => JSON.stringify(input).includes(text)));
}

interface Row {
  readonly what: string;
  readonly breakIt: (site: FakeSite) => void;
  readonly verdict?: Verdict;
  readonly cause: RegExp;
}

const throwing = (name: string, message: string) => () => {
  throw named(name, message);
};

const withAutomatedBackup = (site: FakeSite) => {
  site.objects.set('plans/prod.json', JSON.stringify(REPLICATED_PLAN));
  site.automatedBackups = [automatedBackup('2026-11-20T00:00:00.000Z', '2026-11-24T04:20:00.000Z')];
};

const checks = (answer: unknown) => (site: FakeSite) => {
  site.checks = () => answer as CheckResult;
};

const damaged = (site: FakeSite) => {
  site.checks = (event) => ({
    checks: passingChecks(event).map((outcome) =>
      outcome.check === 'datasource-connects'
        ? { ...outcome, status: 'FAILED', reason: 'could not read block 0 of relation base/16384/1259' }
        : outcome,
    ),
  });
};

const ROWS: readonly Row[] = [
  {
    what: 'the restore job fails',
    breakIt: (site) => (site.restoreJobEnd = { Status: 'FAILED', StatusMessage: 'KMS key is disabled' }),
    cause: /^is-db: not restored: .*FAILED: KMS key is disabled$/,
  },
  {
    what: 'the restore job is aborted',
    breakIt: (site) => (site.restoreJobEnd = { Status: 'ABORTED', StatusMessage: 'aborted' }),
    cause: /^is-db: not restored: .*ABORTED/,
  },
  {
    what: 'the quota of DB instances is reached: the restore job says so',
    breakIt: (site) =>
      (site.restoreJobEnd = { Status: 'FAILED', StatusMessage: 'Instance quota exceeded (InstanceQuotaExceeded)' }),
    cause: /InstanceQuotaExceeded/,
  },
  {
    what: 'the quota of DB instances is reached: RDS refuses',
    breakIt: (site) => {
      withAutomatedBackup(site);
      site.faults.set('RDS.RestoreDBInstanceToPointInTime', throwing('InstanceQuotaExceededFault', 'at most 40'));
    },
    cause: /^is-db: not restored: start restore of is-db: InstanceQuotaExceededFault: at most 40$/,
  },
  {
    what: 'the point is deleted before its job starts',
    breakIt: (site) =>
      site.faults.set('Backup.StartRestoreJob', throwing('ResourceNotFoundException', 'Recovery point does not exist')),
    cause: /^is-db: not restored: .*Recovery point does not exist$/,
  },
  {
    what: 'the point is deleted before its metadata is read',
    breakIt: (site) =>
      site.faults.set('Backup.GetRecoveryPointRestoreMetadata', throwing('ResourceNotFoundException', 'gone')),
    cause: /^is-db: not restored: .*ResourceNotFoundException: gone$/,
  },
  {
    what: 'the point is deleted while it is restored',
    breakIt: (site) => (site.restoreJobEnd = { Status: 'FAILED', StatusMessage: 'DBSnapshot not found' }),
    cause: /DBSnapshot not found/,
  },
  {
    what: 'the automated backup is deleted between choice and restore',
    breakIt: (site) => {
      withAutomatedBackup(site);
      site.faults.set(
        'RDS.RestoreDBInstanceToPointInTime',
        throwing('DBInstanceAutomatedBackupNotFoundFault', 'ab-1 not found'),
      );
    },
    cause: /^is-db: not restored: .*ab-1 not found$/,
  },
  {
    what: 'the restored database is damaged',
    breakIt: damaged,
    cause: /^is-db: datasource-connects: could not read block 0/,
  },
  {
    what: 'the restored instance comes up with broken parameters',
    breakIt: (site) => {
      withAutomatedBackup(site);
      site.restoredStatus = 'incompatible-parameters';
    },
    cause: /is incompatible-parameters$/,
  },
  {
    what: 'the check function throws',
    breakIt: (site) => {
      site.checks = throwing('Runtime.ExitError', 'signal: killed') as never;
    },
    cause: /^checks: .*signal: killed/,
  },
  {
    what: 'the check function hangs until Lambda ends it',
    breakIt: (site) => {
      site.checks = throwing('Error', 'Task timed out after 900.00 seconds') as never;
    },
    cause: /^checks: .*timed out after 900/,
  },
  ...[null, {}, { checks: 'all passed' }, []].map((answer) => ({
    what: `the check function answers ${JSON.stringify(answer)}`,
    breakIt: checks(answer),
    cause: /^the check function answered without any checks$/,
  })),
  ...[[null], ['PASSED'], [{ check: 'tenants-agree', status: 'PASSED' }], [{ checks: [] }]].map((answer) => ({
    what: `the check function answers { checks: ${JSON.stringify(answer)} }`,
    breakIt: checks({ checks: answer }),
    cause: /^the check function answered with a check of another shape than its contract's$/,
  })),
  {
    what: 'the check function says that it made no check',
    breakIt: checks({ checks: [] }),
    cause: /^is-db: check datasource-connects was made 0 times instead of 2$/,
  },
  {
    what: 'a check has a status that nobody knows',
    breakIt: (site) => {
      site.checks = (event) => ({
        checks: passingChecks(event).map((outcome) => ({ ...outcome, status: 'SUCCESSFUL' as 'PASSED' })),
      });
    },
    cause: /unknown status "SUCCESSFUL"/,
  },
  {
    what: 'the restore function hangs until Lambda ends it',
    breakIt: (site) => site.faults.set('restore.restore', throwing('Error', 'Task timed out after 900.00 seconds')),
    cause: /^repository: not restored: .*timed out after 900/,
  },
];

describe('a drill that meets a fault', () => {
  for (const { what, breakIt, verdict = 'FAILED', cause } of ROWS) {
    it(`${verdict} where ${what}`, async () => {
      const site = new FakeSite();
      breakIt(site);
      const { status } = await runDrill(site);
      assert.equal(status, 'SUCCEEDED');
      const report = reportOf(site);
      assert.equal(report.verdict, verdict);
      assert.match(report.causes[0] ?? '', cause);
      assert.deepEqual(report.cleanUp, { complete: true, leftBehind: [] });
      assert.deepEqual([[...site.instances], [...site.folders]], [[], []]);
      assert.deepEqual(foreignCalls(site, report.drillId), []);
      assert.equal(site.inputsOf('SNS.Publish').length, 1);
    });
  }

  it('FAILED where the restore job hangs; what is left is named, and the reaper removes it once the job ends', async () => {
    const site = new FakeSite();
    site.jobsHang = true;
    await runDrill(site);
    const report = reportOf(site);
    assert.equal(report.verdict, 'FAILED');
    assert.match(
      report.causes[0] ?? '',
      /^is-db: not restored: restore of is-db: not done after 28800 s \(last seen: restore job .* is RUNNING\)$/,
    );
    assert.match(report.cleanUp.leftBehind.join(), /^DB instance drill-.*-1-is-db \(is-db\): .* may still make it\)$/);
    assert.equal(site.folders.size, 0);

    site.jobsHang = false;
    const { backup } = site.aws();
    for (let hour = 1; hour <= 8; hour++) {
      await reapSite(site, Date.parse('2026-11-25T04:30:00Z') + hour * 3_600_000);
      // Jobs go on whether somebody asks for them or not.
      await backup.send(new ListRestoreJobsCommand({}));
    }
    assert.deepEqual([...site.instances.keys()], []);
  });

  it('FAILED, by its RTO alone, where the restore job is slow', async () => {
    const site = new FakeSite();
    const objectives = { ...PLAN.objectives, drSite: { ...PLAN.objectives.drSite, rtoSeconds: 5 } };
    site.objects.set('plans/prod.json', JSON.stringify({ ...PLAN, objectives }));
    await runDrill(site);
    const report = reportOf(site);
    assert.equal(report.causes.length, 1);
    assert.match(report.causes[0] ?? '', /^RTO not met/);
    assert.equal(site.instances.size, 0);
  });

  it('PASSED where every kind of call is throttled twice', async () => {
    const calm = new FakeSite();
    await runDrill(calm);
    const names = [...new Set(calm.calls.map(({ name }) => name))];
    assert.ok(names.length >= 12, names.join());
    for (const name of names) {
      const site = new FakeSite();
      let left = 2;
      site.faults.set(name, () => {
        if (left-- > 0) throw named('ThrottlingException', 'Rate exceeded');
      });
      await runDrill(site);
      assert.equal(reportOf(site).verdict, 'PASSED', `${name}: ${reportOf(site).causes.join()}`);
      assert.equal(site.instances.size, 0, name);
    }
  });
});
