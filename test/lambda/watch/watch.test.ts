import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import type { S3Client } from '@aws-sdk/client-s3';
import { watch } from '../../../lambda/watch/watch';
import { FakeSite, named } from '../drill/fake-site';
import { PASSED_REPORT } from '../drill/report/sample-report';

const WEEK = 7 * 86_400;
const DAY = 86_400;
const EVENT = { deployment: 'prod', longestGapSeconds: WEEK, drillTimeoutSeconds: DAY };

/** A site with reports of drills that began at these times; of the last one the report as given. */
function siteWith(times: readonly string[], last: object = {}): FakeSite {
  const site = new FakeSite();
  times.forEach((startedAt, index) => {
    const drillId = `drill-${startedAt.slice(0, 10).replaceAll('-', '')}t000000-0a1b2c3d`;
    const report = { ...PASSED_REPORT, drillId, startedAt, ...(index === times.length - 1 ? last : {}) };
    site.objects.set(`drills/prod/${drillId}/report.json`, JSON.stringify(report));
  });
  return site;
}

async function look(site: FakeSite, now: string) {
  const { s3, cloudWatch } = site.aws();
  const result = await watch(EVENT, { s3, cloudWatch, bucket: 'replica', now: () => new Date(now) });
  const data = site.inputsOf('CloudWatch.PutMetricData').at(-1);
  const metrics = data?.['MetricData'] as { MetricName: string; Value: number; Dimensions: unknown }[];
  assert.equal(data?.['Namespace'], 'WSO2IS/Recovery');
  assert.ok(metrics.every(({ Dimensions }) => JSON.stringify(Dimensions) === '[{"Name":"Deployment","Value":"prod"}]'));
  return { ...result, metrics: Object.fromEntries(metrics.map(({ MetricName, Value }) => [MetricName, Value])) };
}

describe('watch', () => {
  const rows: readonly [string, readonly string[], object, string, boolean][] = [
    ['to the second in time', ['2026-11-01T00:00:00.000Z'], {}, '2026-11-09T00:00:00.000Z', false],
    ['a second late', ['2026-11-01T00:00:00.000Z'], {}, '2026-11-09T00:00:01.000Z', true],
    [
      'a FAILED drill has a verdict',
      ['2026-11-01T00:00:00.000Z'],
      { verdict: 'FAILED' },
      '2026-11-08T00:00:00.000Z',
      false,
    ],
    [
      'the newest counts',
      ['2026-10-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z'],
      {},
      '2026-11-08T00:00:00.000Z',
      false,
    ],
    [
      'a report without a verdict is none',
      ['2026-10-25T00:00:00.000Z', '2026-11-01T00:00:00.000Z'],
      { verdict: undefined },
      '2026-11-08T00:00:00.000Z',
      true,
    ],
  ];
  for (const [what, times, last, now, overdue] of rows) {
    it(`${overdue ? 'overdue' : 'in time'}: ${what}`, async () => {
      const seen = await look(siteWith(times, last), now);
      assert.equal(seen.overdue, overdue);
      assert.equal(seen.metrics['DrillOverdue'], overdue ? 1 : 0);
      assert.equal(seen.metrics['DrillAge'], seen.ageSeconds);
    });
  }

  it('in the primary Region looks at the drills there, and puts metrics of their own', async () => {
    const site = siteWith(['2026-11-01T00:00:00.000Z']);
    const { s3, cloudWatch } = site.aws();
    const event = { ...EVENT, site: 'in-region' as const };
    const see = (now: string) => watch(event, { s3, cloudWatch, bucket: 'artifacts', now: () => new Date(now) });
    // The drill of the DR site is none of them.
    assert.deepEqual(await see('2026-11-02T00:00:00.000Z'), { overdue: false, ageSeconds: 0 });
    assert.ok(site.objects.has('in-region-drills/prod/watched-since.json'));
    assert.equal((await see('2026-11-10T00:00:00.000Z')).overdue, false);
    assert.equal((await see('2026-11-10T00:00:01.000Z')).overdue, true);
    const [metric] = site.inputsOf('CloudWatch.PutMetricData').at(-1)?.['MetricData'] as { Dimensions: unknown }[];
    assert.deepEqual(metric?.Dimensions, [
      { Name: 'Deployment', Value: 'prod' },
      { Name: 'Site', Value: 'in-region' },
    ]);
  });

  it('before the first drill counts from when it began to watch, whatever is deployed since', async () => {
    const site = siteWith([]);
    assert.deepEqual(await look(site, '2026-11-01T00:00:00.000Z'), {
      overdue: false,
      ageSeconds: 0,
      metrics: { DrillOverdue: 0, DrillAge: 0 },
    });
    assert.equal((await look(site, '2026-11-09T00:00:00.000Z')).overdue, false);
    assert.equal((await look(site, '2026-11-09T00:00:01.000Z')).overdue, true);
    assert.equal(site.objects.get('drills/prod/watched-since.json'), '{"watchedSince":"2026-11-01T00:00:00.000Z"}\n');
  });

  it('puts no metric where it cannot look: missing data is an alarm too', async () => {
    const site = siteWith(['2026-11-01T00:00:00.000Z']);
    site.faults.set('S3.ListObjectsV2', () => {
      throw named('AccessDenied', 'Access Denied');
    });
    await assert.rejects(look(site, '2026-11-02T00:00:00.000Z'), /Access Denied/);
    assert.deepEqual(site.inputsOf('CloudWatch.PutMetricData'), []);
  });

  it('refuses an event of another kind', async () => {
    const none = {} as S3Client & CloudWatchClient;
    const run = (event: object) =>
      watch(event as typeof EVENT, { s3: none, cloudWatch: none, bucket: 'b', now: () => new Date() });
    await assert.rejects(run({ deployment: 'prod' }), /the event must be as the recovery site's rule sends it/);
  });
});
