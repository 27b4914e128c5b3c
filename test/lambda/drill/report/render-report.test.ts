import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import type { DrillReport } from '../../../../lambda/drill/contract';
import { duration, escape } from '../../../../lambda/drill/report/format';
import { renderReport } from '../../../../lambda/drill/report/render-report';
import { FAILED_REPORT, PASSED_REPORT } from './sample-report';

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
    assert.match(text, /Recovery time measured \(RTO\) 36 min 40 s objective 8 h/);
    assert.match(text, /is-database database backup-copy 2026-11-24 03:00:00 UTC 5 h 1 h 25 min 32 min 10 s Passed/);
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
    const hostile = '<script>alert("1")</script>\'&';
    const poison = (value: unknown): unknown => {
      if (typeof value === 'string')
        return /^(\d{4}-|PASSED|FAILED|WARNING|OK$|database$|volume$)/.test(value) ? value : hostile;
      if (Array.isArray(value)) return value.map(poison);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, poison(inner)]));
    };
    const report = poison(FAILED_REPORT) as DrillReport;
    const [check] = report.checks;
    assert.ok(check);
    const page = renderReport({ ...report, checks: [{ ...check, compared: { [hostile]: hostile } }] });
    assert.equal(page.includes('<script'), false);
    assert.ok(page.split('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;').length > 20);
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
});

describe('escape', () => {
  it('leaves no character with a meaning in HTML', () => {
    assert.equal(escape(`<a href="x" title='y'>&`), '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;');
    assert.equal(escape(1.5), '1.5');
  });
});
