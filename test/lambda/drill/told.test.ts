// What a drill tells the world (report.json, event, message), held against its published contracts.
import { strict as assert } from 'node:assert';
import { after, before, describe, it } from 'node:test';
import { withDurableExecution } from '@aws/durable-execution-sdk-js';
import { LocalDurableTestRunner } from '@aws/durable-execution-sdk-js-testing';
import type { CheckResult } from '../../../lambda/check/contract';
import type { DrillEvent, DrillReport, DrillSummary } from '../../../lambda/drill/contract';
import { drill } from '../../../lambda/drill/drill';
import { measuredRecoveries } from '../../../lib/planning/measured';
import { FakeSite, named, passingChecks, PLAN, SETTINGS } from './fake-site';
import { assertEvent, assertReport } from './report/schema';

before(() => LocalDurableTestRunner.setupTestEnvironment({ skipTime: true }));
after(() => LocalDurableTestRunner.teardownTestEnvironment());

async function run(site: FakeSite): Promise<DrillReport> {
  const aws = site.aws();
  const handler = withDurableExecution((input: DrillEvent, context) => drill(input, context, aws, SETTINGS));
  const runner = new LocalDurableTestRunner<DrillSummary>({ handlerFunction: handler });
  runner.registerFunction('restore-function', site.restoreFunction);
  runner.registerFunction('check-function', site.checkFunction);
  await runner.run({ payload: { deployment: 'prod' } });
  const written = site.inputsOf('S3.PutObject').findLast(({ Key }) => String(Key).endsWith('/report.json'));
  return JSON.parse(written?.['Body'] as string) as DrillReport;
}

const eventOf = (site: FakeSite) => {
  const [entry] = site.inputsOf('EventBridge.PutEvents').at(-1)?.['Entries'] as { Detail: string }[];
  return JSON.parse(entry!.Detail) as Record<string, unknown>;
};

describe('report and event', () => {
  const courses: readonly [string, string, (site: FakeSite) => void][] = [
    ['all was well', 'PASSED', () => undefined],
    ['there is no plan', 'FAILED', (site) => site.objects.clear()],
    ['there is nothing to restore', 'FAILED', (site) => void (site.recoveryPoints = [])],
    [
      'the restore job fails',
      'FAILED',
      (site) => void (site.restoreJobEnd = { Status: 'FAILED', StatusMessage: 'no capacity' }),
    ],
    [
      'the check function throws',
      'FAILED',
      (site) => {
        site.checks = () => {
          throw new Error('out of memory');
        };
      },
    ],
    [
      'the check function answers outcomes of another shape',
      'FAILED',
      (site) => {
        site.checks = (event) => ({
          checks: [...passingChecks(event), { check: 1 }, null, 'passed'] as unknown as CheckResult['checks'],
        });
      },
    ],
    [
      'reasons are endless',
      'FAILED',
      (site) => {
        site.checks = (event) => ({
          checks: passingChecks(event).map((each) => ({ ...each, status: 'FAILED', reason: 'ö'.repeat(50_000) })),
        });
      },
    ],
    [
      'something is left behind',
      'PASSED_WITH_WARNINGS',
      (site) =>
        void site.faults.set('RDS.DeleteDBInstance', () => {
          throw named('AccessDenied', 'not authorized');
        }),
    ],
  ];
  for (const [what, verdict, arrange] of courses) {
    it(`keep to their schemas where ${what}`, async () => {
      const site = new FakeSite();
      arrange(site);
      const report = await run(site);
      assert.equal(report.verdict, verdict, report.causes.join('\n').slice(0, 500));
      assertReport(report);
      assertEvent(eventOf(site));
      assert.ok(Buffer.byteLength(JSON.stringify(eventOf(site))) < 256_000);
      assert.equal(site.inputsOf('SNS.Publish').length, verdict === 'PASSED' ? 0 : 1);
    });
  }

  it('what a check function answers against its contract is a cause that says so', async () => {
    const site = new FakeSite();
    site.checks = (event) => ({ checks: [...passingChecks(event), null] as unknown as CheckResult['checks'] });
    const { causes } = await run(site);
    assert.match(causes[0] ?? '', /the check function answered with a check of another shape than its contract's/);
  });

  it('say how long the plan expected it to take, and the planner takes what was measured', async () => {
    const site = new FakeSite();
    const time = (component: string, seconds: number) => ({
      component,
      site: 'dr-site' as const,
      basis: 'estimate' as const,
      seconds,
      terms: [],
    });
    const recoveryTimes = [time('is-db', 900), time('repository', 60), time('all together', 1200)];
    site.objects.set('plans/prod.json', JSON.stringify({ ...PLAN, recoveryTimes }));
    const report = await run(site);
    assert.equal(report.promisedRtoSeconds, 1200);
    assert.deepEqual(
      report.components.map(({ promisedRtoSeconds }) => promisedRtoSeconds),
      [900, 60],
    );
    assert.deepEqual(measuredRecoveries(JSON.stringify(report)), [
      { component: 'all together', rtoSeconds: report.measuredRtoSeconds, drill: report.drillId },
      ...report.components.map(({ component, measuredRtoSeconds }) => ({
        component,
        rtoSeconds: measuredRtoSeconds,
        drill: report.drillId,
      })),
    ]);
  });

  it('estimate the cost of what was made', async () => {
    const site = new FakeSite();
    site.instanceSize = { DBInstanceClass: 'db.m5.large', AllocatedStorage: 100 };
    const { estimatedCost, steps } = await run(site);
    assert.deepEqual(
      estimatedCost.terms.map(({ component, what }) => [component, what.replace(/\d\.\d+ h|\d+ s/, 'N')]),
      [
        ['is-db', 'db.m5.large for N'],
        ['is-db', '100 GiB of storage for N'],
        ['repository', '3 files, 0.00 GiB on EFS'],
        ['functions', 'N'],
      ],
    );
    assert.ok(steps.length > 0 && estimatedCost.usd < 0.01);
  });
});

describe('history', () => {
  it('grows drill by drill, says what changed, and warns of rows that are gone', async () => {
    const site = new FakeSite();
    const withRows = (tenants: number) => {
      site.checks = (event) => ({
        checks: passingChecks(event).map((each) =>
          each.check === 'tables-present'
            ? { ...each, compared: { datasource: 'shared_db', 'rows UM_TENANT': tenants } }
            : each,
        ),
      });
    };
    withRows(300);
    const first = await run(site);
    assert.deepEqual([first.earlier, first.changes], [[], []]);
    site.advance(7 * 86_400);
    withRows(299);
    const second = await run(site);
    assert.equal(second.verdict, 'FAILED', 'the points are a week old');
    assert.deepEqual(
      second.earlier.map(({ drillId }) => drillId),
      [first.drillId],
    );
    assert.ok(second.changes.includes('the verdict was PASSED, and is FAILED'));
    assert.ok(
      second.changes.includes('tables-present of is-db, shared_db: rows UM_TENANT was 300, and is 299 (−1)'),
      second.changes.join('\n'),
    );
    assert.deepEqual(
      second.warnings.filter((warning) => warning.includes('UM_TENANT')),
      [],
    );
    site.advance(7 * 86_400);
    withRows(0);
    const third = await run(site);
    assert.deepEqual(
      third.earlier.map(({ drillId }) => drillId),
      [second.drillId, first.drillId],
    );
    assert.match(
      third.warnings.join('\n'),
      /is-db: UM_TENANT of shared_db holds 0 rows, 299 less than in the drill of/,
    );
    assertReport(third);
  });

  it('that cannot be read is a warning, and does not stop the report', async () => {
    const site = new FakeSite();
    site.faults.set('S3.ListObjectsV2', ({ Prefix }) => {
      if (String(Prefix).startsWith('drills/')) throw named('AccessDenied', 'Access Denied');
    });
    const report = await run(site);
    assert.equal(report.verdict, 'PASSED_WITH_WARNINGS');
    assert.match(report.warnings.join(), /earlier drills could not be read.*AccessDenied: Access Denied/);
  });
});

describe('message', () => {
  it('answers in the order in which a person asks', async () => {
    const site = new FakeSite();
    site.restoreJobEnd = { Status: 'FAILED', StatusMessage: 'no capacity' };
    const { drillId } = await run(site);
    const [input] = site.inputsOf('SNS.Publish');
    assert.equal(input?.['Subject'], 'Recovery drill FAILED: prod');
    const text = input?.['Message'] as string;
    assert.match(
      text,
      /^The recovery drill of prod in eu-central-1 ended FAILED\.\n\nCauses, the first one first:\n- is-db: not restored: .*no capacity/,
    );
    assert.match(
      text,
      /\n\nLoss \(RPO\): 25 min \(objective: 4 h\)\nRecovery time \(RTO\): \d+ s \(objective: 8 h\)\n/,
    );
    assert.match(text, /\nWhat to do next:\n- As of this drill, do not count on a recovery/);
    assert.ok(text.includes(`aws s3 cp s3://replica/drills/prod/${drillId}/report.html . --region eu-central-1`));
  });
});
