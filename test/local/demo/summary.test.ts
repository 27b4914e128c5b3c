import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { DrillReport } from '../../../lambda/drill/contract';
import { duration, summary } from '../../../local/demo/summary';

for (const [seconds, text] of [
  [undefined, '-'],
  [0, '0 s'],
  [0.44, '0.4 s'],
  [9.94, '9.9 s'],
  [10.4, '10 s'],
  [59.6, '1 min'],
  [3600, '1 h'],
  [19_245, '5 h 20 min 45 s'],
] as const) {
  test(`${seconds} seconds are written ${text}`, () => assert.equal(duration(seconds), text));
}

const report: DrillReport = {
  formatVersion: 1,
  mode: 'drill',
  site: 'dr-site',
  drillId: 'd-1',
  deployment: 'sample',
  region: 'eu-west-1',
  verdict: 'FAILED',
  causes: ['tenants-agree: directory of tenant 7 is missing'],
  warnings: ['the public key is in use'],
  startedAt: '2026-11-24T10:00:00.000Z',
  endedAt: '2026-11-24T10:01:00.000Z',
  objectives: { rpoSeconds: 21_600, rtoSeconds: 28_800 },
  measuredRpoSeconds: 61,
  measuredRtoSeconds: 12,
  earlier: [],
  changes: [],
  estimatedCost: { usd: 0, terms: [], basis: '' },
  passedOver: [],
  components: [
    {
      component: 'database',
      kind: 'database',
      technique: 'backup-copy',
      promisedRpoSeconds: 18_000,
      measuredRpoSeconds: 61,
      measuredRtoSeconds: 8.2,
      verdict: 'PASSED',
      reason: '',
    },
    { component: 'repository', kind: 'volume', technique: 'artifact-export-replicated', verdict: 'FAILED', reason: '' },
  ],
  checks: [],
  steps: [],
  cleanUp: { complete: true, leftBehind: [] },
  plan: [],
};

test('a line per component with promise and measurement, a line for all, then causes and warnings', () => {
  const lines = stripVTControlCharacters(summary(report)).split('\n');
  const cells = (line: string) =>
    line
      .split('│')
      .map((cell) => cell.trim())
      .filter((cell) => cell !== '');
  assert.deepEqual(
    lines.map(cells).filter((found) => found.length > 1),
    [
      ['Component', 'Technique', 'Promised RPO', 'Measured RPO', 'Measured RTO', 'Verdict'],
      ['database', 'backup-copy', '5 h', '1 min 1 s', '8.2 s', 'PASSED'],
      ['repository', 'artifact-export-replicated', '-', '-', '-', 'FAILED'],
      ['all together', '6 h', '1 min 1 s', '12 s', 'FAILED'],
    ],
  );
  assert.deepEqual(lines.slice(-2), [
    'Cause: tenants-agree: directory of tenant 7 is missing',
    'Warning: the public key is in use',
  ]);
});
