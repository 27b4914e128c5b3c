import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import type { DrillReport } from '../../../../lambda/drill/contract';
import { duration, exactDuration, escape } from '../../../../lambda/drill/report/format';
import { renderReport } from '../../../../lambda/drill/report/render-report';
import { FAILED_REPORT, hostile, PASSED_REPORT } from './sample-report';

/** What a person reads: the page without its markup. */
const textOf = (page: string) =>
  page
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

describe('renderReport', () => {
  it('says first whether it passed, then what was promised and measured', () => {
    const text = textOf(renderReport(PASSED_REPORT));
    assert.match(text, /Passed 2 of 2 components were restored, 6 of 6 checks passed\./);
    assert.match(text, /Loss measured \(RPO\) 1 h 25 min objective 6 h/);
    assert.match(text, /Recovery time measured \(RTO\) 36 min 40 s objective 8 h, expected 50 min/);
    assert.match(
      text,
      /is-database database, backup-copy 2026-11-24 03:00:00 UTC 1 h 25 min promised at most 5 h 32 min 10 s expected 40 min Passed/,
    );
    assert.match(text, /tenants-agree is-database \+ repository all 300 tenants .* tenants in database 300/);
    assert.match(text, /All that the drill made was removed/);
    assert.doesNotMatch(text, /Causes|Warnings|Failed/);
  });

  it('says why it failed, what was left behind, and what to do', () => {
    const text = textOf(renderReport(FAILED_REPORT));
    assert.match(text, /Failed 2 of 2 components .* First cause: is-database \+ repository: tenants-agree: 2 of 300/);
    assert.match(text, /7 h 10 min not met: objective 6 h/);
    assert.match(text, /Left behind: DB instance drill-20261124t042500-1a2b3c4d-1-is-database/);
    assert.match(text, /What to do next As of this drill, do not count on a recovery/);
    assert.match(text, /delete is-database 5 min 28 s failed/);
  });

  it('needs nothing beside itself', () => {
    for (const report of [PASSED_REPORT, FAILED_REPORT]) {
      assert.doesNotMatch(renderReport(report), /<script|<link|<img|https?:|url\(|@import/);
    }
  });

  it('shows a report of a drill that did not come far', () => {
    const measured = ['objectives', 'measuredRpoSeconds', 'measuredRtoSeconds', 'skewSeconds'];
    const rest = Object.fromEntries(
      Object.entries(FAILED_REPORT).filter(([name]) => !measured.includes(name)),
    ) as unknown as DrillReport;
    const text = textOf(
      renderReport({ ...rest, components: [], checks: [], steps: [], passedOver: [], causes: ['no plan'] }),
    );
    assert.match(text, /not measured objective unknown/);
    assert.match(text, /The recovery plan could not be read/);
    assert.match(text, /No check was made/);
  });

  it('escapes whatever it is given, everywhere', () => {
    const page = renderReport(hostile(FAILED_REPORT));
    assert.doesNotMatch(page, /<script|<img/);
    assert.ok(page.split('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&lt;img src=x').length > 40);
    // Attributes too: a quote would end them.
    assert.doesNotMatch(page, /="[^"]*alert\("/);
  });

  it('shows the history as a chart with its numbers, and begins with the second drill', () => {
    const page = renderReport(PASSED_REPORT);
    assert.match(page, /aria-label="Loss \(RPO\) of the last 5 drills, the newest: 1 h 25 min"/);
    assert.equal(
      page.split('class="mark-good" cx').length - 1,
      2 * 3 + 1,
      'three passed in two charts, and the legend',
    );
    assert.equal(page.split('class="mark-bad"').length - 1, 2 + 1);
    assert.match(textOf(page), /2026-11-10 04:25:00 UTC failed 1 h 30 min –/);
    assert.match(textOf(renderReport({ ...PASSED_REPORT, earlier: [], changes: [] })), /This is the first drill/);
    assert.doesNotMatch(textOf(renderReport({ ...PASSED_REPORT, earlier: [] })), /changed since/);
  });

  it('draws an objective only where it does not flatten the course', () => {
    const lines = (rtoSeconds: number) =>
      renderReport({ ...PASSED_REPORT, objectives: { rpoSeconds: 21_600, rtoSeconds } }).split('class="goal"').length -
      1;
    // The highest recovery time is 2500 s.
    assert.equal(lines(10_000), 2);
    assert.equal(lines(10_001), 1);
  });

  it('says what changed since the last drill, and what the drill cost', () => {
    const text = textOf(renderReport(PASSED_REPORT));
    assert.match(text, /Compared with the drill of 2026-11-17 04:25:00 UTC\. .* rows UM_USER was 12400, and is 12450/);
    assert.match(text, /About 0\.12 USD \. An estimate at list prices of us-east-1/);
    assert.match(textOf(renderReport({ ...PASSED_REPORT, changes: [] })), /Nothing of what is compared/);
  });
});

describe('duration', () => {
  const rows: readonly [number, string][] = [
    [0, '0 s'],
    [0.5, '0.5 s'],
    [9.96, '10.0 s'],
    [10.2, '10 s'],
    [59.6, '1 min'],
    [60, '1 min'],
    [61, '1 min 1 s'],
    [3600, '1 h'],
    [3661, '1 h 1 min'],
    [3601, '1 h'],
    [86_400, '1 d'],
    [187_200, '2 d 4 h'],
  ];
  for (const [seconds, text] of rows) it(`${seconds} s: ${text}`, () => assert.equal(duration(seconds), text));

  for (const [seconds, text] of [
    [14_400, '4 h'],
    [14_400.2, '4 h 1 s'],
    [93_784, '1 d 2 h 3 min 4 s'],
    [0, '0 s'],
    [Number.NaN, 'NaN s'],
  ] as const) {
    it(`exactly ${seconds} s: ${text}`, () => assert.equal(exactDuration(seconds), text));
  }
});

describe('escape', () => {
  it('leaves no character with a meaning in HTML', () => {
    assert.equal(escape(`<a href="x" title='y'>&`), '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;');
    assert.equal(escape(1.5), '1.5');
  });
});
