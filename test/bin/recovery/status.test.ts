import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { renderStatus } from '../../../bin/recovery/status/render';
import { type DrillsSeen, judgeStatus, type Seen, type SiteSeen } from '../../../bin/recovery/status/status';
import type { BaselineRecord } from '../../../lambda/baseline/make-baseline';
import type { DrillReport } from '../../../lambda/drill/contract';
import type { NamedResources, RecoveryPlanDocument } from '../../../lib/planning/plan-document';
import { PLAN } from '../../lambda/drill/fake-site';

const NOW = new Date('2026-11-24T12:00:00.000Z');
const before = (seconds: number) => new Date(NOW.getTime() - seconds * 1000).toISOString();

/** The objective of the fixture's plan is 1 h in the Region, 4 h at the DR site; it promises 14,000 s of the database there. */
const site = (region: string, databaseAge: number, repositoryAge = 60): SiteSeen => ({
  region,
  components: [
    { component: 'is-db', points: [{ id: 'point', technique: 'backup-copy', moment: before(databaseAge) }] },
    {
      component: 'repository',
      points: [{ id: 'manifest', technique: 'artifact-export', moment: before(repositoryAge) }],
    },
  ],
});

const report = (verdict: DrillReport['verdict'], causes: string[] = []) =>
  ({
    drillId: 'drill-1',
    verdict,
    causes,
    startedAt: before(3600),
    measuredRpoSeconds: 10,
    measuredRtoSeconds: 20,
  }) as unknown as DrillReport;
const PASSED: DrillsSeen = {
  last: { report: report('PASSED'), location: 's3://replica/drills/prod/drill-1/report.html' },
};

const judge = (changed: Partial<Seen> = {}) =>
  judgeStatus({
    plan: PLAN,
    now: NOW,
    inRegion: site('eu-west-1', 60),
    drSite: site('eu-central-1', 60),
    drills: PASSED,
    baselines: { records: [] },
    ...changed,
  });

describe('the age of what can be restored', () => {
  test('all is well: green, with ages', () => {
    const status = judge();
    assert.equal(status.status, 'green');
    assert.deepEqual(
      status.components.map(({ component, site, region, newest, rpoSeconds }) => [
        component,
        site,
        region,
        newest?.ageSeconds,
        rpoSeconds,
      ]),
      [
        ['is-db', 'in-region', 'eu-west-1', 60, 3600],
        ['repository', 'in-region', 'eu-west-1', 60, 3600],
        ['is-db', 'dr-site', 'eu-central-1', 60, 14_400],
        ['repository', 'dr-site', 'eu-central-1', 60, 14_400],
      ],
    );
  });

  for (const [seconds, status, reason] of [
    [14_000, 'green', ''],
    [14_001, 'green', 'older than the plan promises (3h 53m 20s): see whether its jobs, copies and exports run'],
    [14_400, 'green', 'older than the plan promises (3h 53m 20s): see whether its jobs, copies and exports run'],
    [14_401, 'red', '4h 1s old, the objective is 4h: see whether its jobs, copies and exports run'],
  ] as const) {
    test(`${seconds} s of at most 14,400 s, where the plan promises 14,000 s: ${status}`, () => {
      const judged = judge({ drSite: site('eu-central-1', seconds) });
      const component = judged.components.find((each) => each.component === 'is-db' && each.site === 'dr-site')!;
      assert.deepEqual([component.status, component.reason, judged.status], [status, reason, status]);
    });
  }

  test('the newest that is usable counts, be it a point or the end of a window', () => {
    const component = (windows: object[]) =>
      judge({
        drSite: {
          region: 'eu-central-1',
          components: [
            {
              component: 'is-db',
              points: [
                { id: 'new', technique: 'backup-copy', moment: before(10), unusable: 'its status is PARTIAL' },
                { id: 'old', technique: 'backup-copy', moment: before(1000) },
              ],
              windows: windows as never,
            },
          ],
        },
      }).components.find((each) => each.component === 'is-db' && each.site === 'dr-site')!;
    assert.deepEqual([component([]).newest?.id, component([]).newest?.ageSeconds], ['old', 1000]);
    const window = {
      id: 'window',
      technique: 'rds-automated-backup-replication',
      earliest: before(5000),
      latest: before(300),
    };
    assert.deepEqual([component([window]).newest?.id, component([window]).newest?.ageSeconds], ['window', 300]);
  });

  test('nothing usable: red, with the reason', () => {
    const status = judge({
      drSite: {
        region: 'eu-central-1',
        components: [
          { component: 'is-db', points: [] },
          {
            component: 'repository',
            points: [{ id: 'm', technique: 'artifact-export', moment: before(1), unusable: 'the pack x is missing' }],
          },
        ],
      },
    });
    assert.equal(status.status, 'red');
    assert.deepEqual(
      status.components.slice(2).map(({ status, reason, newest }) => [status, reason, newest]),
      [
        ['red', 'nothing can be restored from there', null],
        ['red', 'nothing can be restored from there: m: the pack x is missing', null],
      ],
    );
  });
});

describe('what is not seen is not green', () => {
  test('a Region that is gone: the other is judged all the same', () => {
    const status = judge({ inRegion: { region: 'eu-west-1', unseen: 'it is gone' } });
    assert.equal(status.status, 'not-seen');
    assert.deepEqual(
      status.components.map(({ status }) => status),
      ['not-seen', 'not-seen', 'green', 'green'],
    );
    assert.deepEqual(status.notSeen, [{ what: 'what eu-west-1 holds', reason: 'it is gone' }]);
  });

  test('red outweighs it', () => {
    const inRegion = { region: 'eu-west-1', unseen: 'it is gone' };
    assert.equal(judge({ inRegion, drSite: site('eu-central-1', 20_000) }).status, 'red');
  });
});

describe('drills', () => {
  for (const [what, drills, status, reason] of [
    ['none', {}, 'red', 'no drill has run: nothing proves that a recovery works'],
    ['FAILED', { last: { report: report('FAILED', ['no capacity']), location: '' } }, 'red', 'no capacity'],
    ['PASSED_WITH_WARNINGS', { last: { report: report('PASSED_WITH_WARNINGS'), location: '' } }, 'green', ''],
    [
      'the first is under way',
      { withoutReport: 'drill-2' },
      'red',
      'drill-2 has left no report: it is under way, or ended without a verdict',
    ],
    [
      'PASSED, and one without a report since',
      { ...PASSED, withoutReport: 'drill-2' },
      'green',
      'drill-2 has left no report: it is under way, or ended without a verdict',
    ],
    ['not seen', { unseen: 'access denied' }, 'not-seen', 'access denied'],
  ] as const) {
    test(`${what}: ${status}`, () => {
      const judged = judge({ drills });
      assert.deepEqual([judged.drill.status, judged.drill.reason, judged.status], [status, reason, status]);
    });
  }
});

describe('baselines', () => {
  const record = (productVersion: string, age: number): BaselineRecord => ({
    formatVersion: 1,
    deployment: 'prod',
    productVersion,
    manifestKey: 'manifest',
    createdAt: before(age),
    files: 3000,
    bytes: 500_000_000,
  });
  const note = (age: number) =>
    ({ formatVersion: 1, deployment: 'prod', at: before(age), reason: 'it is empty' }) as const;
  const kept = (productVersion: string, age: number) => ({
    productVersion,
    createdAt: before(age),
    files: 3000,
    bytes: 500_000_000,
  });
  const withFunction: RecoveryPlanDocument = {
    ...PLAN,
    resources: { ...(PLAN.resources as NamedResources), baselineFunction: 'Baseline-1' },
  };

  for (const [what, changed, expected] of [
    [
      'none, and nothing makes one',
      {},
      { kept: [], reason: 'run `wso2is-recovery baseline <IS_HOME>` where the server is installed' },
    ],
    [
      'none, and a function ought to make one',
      { plan: withFunction },
      { kept: [], reason: 'Baseline-1 has made none yet: it is called once a day, and its log group says why' },
    ],
    [
      'none, and the function says why',
      { plan: withFunction, baselines: { records: [], note: note(60) } },
      { kept: [], reason: 'it is empty (since 2026-11-24T11:59:00.000Z)' },
    ],
    [
      'two, the newest first; what was noted before is past',
      { baselines: { records: [record('7.0.0', 90), record('7.1.0', 30)], note: note(60) } },
      { kept: [kept('7.1.0', 30), kept('7.0.0', 90)], reason: '' },
    ],
    [
      'one, and the function could not make another since',
      { baselines: { records: [record('7.0.0', 90)], note: note(60) } },
      { kept: [kept('7.0.0', 90)], reason: 'it is empty (since 2026-11-24T11:59:00.000Z)' },
    ],
  ] as [string, Partial<Seen>, object][]) {
    test(what, () => {
      const judged = judge(changed);
      assert.deepEqual(judged.baseline, expected);
      assert.equal(judged.status, 'green');
    });
  }

  test('not seen: said', () => {
    const judged = judge({ baselines: { unseen: 'access denied' } });
    assert.deepEqual(judged.notSeen, [{ what: 'the baselines', reason: 'access denied' }]);
    assert.deepEqual(judged.baseline, { kept: [], reason: 'access denied' });
  });

  test('as people read it', () => {
    assert.match(
      renderStatus(judge({ baselines: { records: [record('7.1.0', 30)], note: note(10) } })),
      /^baseline of the server directory: 7\.1\.0 of 2026-11-24T11:59:30\.000Z, 3000 files, 500\.0 MB\n {2}it is empty/m,
    );
  });
});

describe('drills in the primary Region', () => {
  const failed: DrillsSeen = {
    last: { report: report('FAILED', ['no capacity']), location: 's3://artifacts/drills/prod/drill-1/report.html' },
  };
  test('none, or no function for them: nothing is said, and nothing is red', () => {
    for (const inRegionDrills of [undefined, {}]) {
      const judged = judge({ ...(inRegionDrills && { inRegionDrills }) });
      assert.deepEqual([judged.inRegionDrill, judged.status], [null, 'green']);
      assert.doesNotMatch(renderStatus(judged), /primary Region/);
    }
  });

  test('passed: green; failed: red, with the reason, measured against the objectives there', () => {
    assert.equal(judge({ inRegionDrills: PASSED }).status, 'green');
    const judged = judge({ inRegionDrills: failed });
    assert.deepEqual([judged.drill.status, judged.inRegionDrill?.status, judged.status], ['green', 'red', 'red']);
    assert.match(
      renderStatus(judged),
      /^last drill in the primary Region: red: drill-1 ended FAILED, begun 1h ago; measured RPO 10s, RTO 20s of at most 4h\n {2}no capacity\n {2}s3:\/\/artifacts\//m,
    );
  });

  test('not seen: said so', () => {
    const judged = judge({ inRegionDrills: { unseen: 'eu-west-1: it is gone' } });
    assert.equal(judged.status, 'not-seen');
    assert.deepEqual(judged.notSeen, [{ what: 'the drills in the primary Region', reason: 'eu-west-1: it is gone' }]);
  });
});

test('as people read it', () => {
  const text = renderStatus(
    judge({ drSite: site('eu-central-1', 20_000), inRegion: { region: 'eu-west-1', unseen: 'it is gone' } }),
  );
  assert.match(text, /^prod at 2026-11-24T12:00:00\.000Z: red$/m);
  assert.match(text, /│ is-db +│ eu-central-1 │ 2026-11-24T06:26:40\.000Z │ 5h 33m 20s │ 4h +│ backup-copy +│ red +│/);
  assert.match(text, /^is-db in eu-central-1: 5h 33m 20s old, the objective is 4h: see whether/m);
  assert.match(
    text,
    /^last drill: green: drill-1 ended PASSED, begun 1h ago; measured RPO 10s, RTO 20s of at most 8h$/m,
  );
  assert.match(text, /^baseline of the server directory: none\n {2}run `wso2is-recovery baseline/m);
  assert.match(text, /^not seen: what eu-west-1 holds: it is gone$/m);
});
