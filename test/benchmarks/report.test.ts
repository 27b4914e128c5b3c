import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { fromRounds, type Measurements, toRows } from '../../benchmarks/report/rows';
import { formatAmount, resultsTable } from '../../benchmarks/report/table';

const seconds = (contender: string, values: number[], cpuSeconds?: number[]): Measurements => ({
  operation: 'full',
  contender,
  unit: 'seconds',
  values,
  ...(cpuSeconds ? { cpuSeconds } : {}),
});

describe('rows', () => {
  test('compare with the baseline, pair by pair, and with the target', () => {
    const [ours, baseline] = toRows(
      [seconds('wso2is-recovery', [4, 8], [1, 2]), seconds('restic', [10, 20], [4, 8])],
      'restic',
      'M',
    );
    assert.deepEqual(ours!.value, { median: 6, min: 4, max: 8 });
    assert.deepEqual(ours!.ratio, { median: 0.4, min: 0.4, max: 0.4 });
    assert.deepEqual(ours!.cpuRatio, { median: 0.25, min: 0.25, max: 0.25 });
    assert.deepEqual(ours!.target, { of: 'ratio', atMost: 0.4, met: true });
    assert.equal(baseline!.ratio, undefined);
    assert.equal(baseline!.target, undefined);
  });

  test('a target is missed just above it', () => {
    const [ours] = toRows([seconds('wso2is-recovery', [4.1]), seconds('restic', [10])], 'restic', 'M');
    assert.deepEqual(ours!.target, { of: 'ratio', atMost: 0.4, met: false });
  });

  test('targets are for tree M, and for nobody else', () => {
    const rows = (tree: 'S' | 'M') =>
      toRows([seconds('wso2is-recovery', [1]), seconds('rclone', [1]), seconds('restic', [10])], 'restic', tree);
    assert.deepEqual(
      rows('M').map(({ target }) => target !== undefined),
      [true, false, false],
    );
    assert.deepEqual(
      rows('S').map(({ target }) => target !== undefined),
      [false, false, false],
    );
  });

  test('without a baseline there is no ratio and no verdict on one', () => {
    const [ours] = toRows([seconds('wso2is-recovery', [1])], 'restic', 'M');
    assert.equal(ours!.ratio, undefined);
    assert.equal(ours!.target, undefined);
  });

  test('memory has an absolute target: 350 MB, and not a byte more', () => {
    const met = (bytes: number) =>
      toRows([{ operation: 'memory', contender: 'wso2is-recovery', unit: 'bytes', values: [bytes] }], 'restic', 'M')[0]!
        .target!.met;
    assert.deepEqual([met(350e6), met(350e6 + 1)], [true, false]);
  });

  test('the help is there in 300 ms, whatever the tree; the plan has no target', () => {
    const targetOf = (part: string, ms: number) =>
      toRows(
        [{ operation: 'command', part, contender: 'wso2is-recovery', unit: 'milliseconds', values: [ms] }],
        'restic',
        'S',
      )[0]!.target;
    assert.deepEqual([targetOf('--help', 300)!.met, targetOf('--help', 300.1)!.met], [true, false]);
    assert.equal(targetOf('plan', 1), undefined);
  });

  test('who took part in the first round only is compared with that round', () => {
    const rows = toRows([seconds('restic', [10, 99]), seconds('rclone', [30])], 'restic', 'M');
    assert.deepEqual(rows[1]!.ratio, { median: 3, min: 3, max: 3 });
  });

  test('one full export says the time, the peak memory and the bytes stored, as far as asked for', () => {
    const samples = [
      { contender: 'restic', operation: 'full', seconds: 2, cpuSeconds: 1, peakBytes: 5 },
      { contender: 'restic', operation: 'restore', seconds: 3, cpuSeconds: 1, peakBytes: 6 },
    ] as const;
    const found = (...wanted: ('full' | 'restore' | 'memory' | 'stored')[]) =>
      fromRounds({ samples, stored: { restic: 7 } }, new Set(wanted)).map(({ operation, values }) => [
        operation,
        ...values,
      ]);
    assert.deepEqual(found('full', 'restore', 'memory', 'stored'), [
      ['full', 2],
      ['memory', 5],
      ['restore', 3],
      ['stored', 7],
    ]);
    assert.deepEqual(found('memory'), [['memory', 5]]);
  });
});

describe('the table', () => {
  test('says each operation once, and its ratio, noise, target and whether it is met', () => {
    const rows = toRows(
      [
        seconds('restic', [10, 20, 10], [6, 6, 6]),
        seconds('wso2is-recovery', [4, 4, 4], [3, 3, 3]),
        seconds('rclone', [30]),
      ],
      'restic',
      'M',
    );
    const lines = stripVTControlCharacters(resultsTable({ rows, baseline: 'restic' }))
      .split('\n')
      .map((line) =>
        line
          .split('│')
          .map((cell) => cell.trim())
          .slice(1, -1),
      );
    assert.deepEqual(lines.slice(1, -1), [
      ['Operation', 'Contender', 'Measured', 'Noise', 'Ratio to restic', 'Noise', 'of CPU', 'Target', ''],
      ['full export', 'restic', '10.0 s', '10.0 s..20.0 s', '', '', '', '', ''],
      ['', 'wso2is-recovery', '4.00 s', '', '0.40', '0.20..0.40', '0.50', '<= 0.40', 'met'],
      ['', 'rclone', '30.0 s', '', '3.00', '', '', '', ''],
    ]);
  });

  test('amounts have a unit that can be read', () => {
    assert.equal(formatAmount(0.1234, 'seconds'), '0.12 s');
    assert.equal(formatAmount(12.34, 'seconds'), '12.3 s');
    assert.equal(formatAmount(1.66, 'milliseconds'), '1.7 ms');
    assert.equal(formatAmount(165.4, 'milliseconds'), '165 ms');
    assert.equal(formatAmount(667_400, 'bytes'), '667 kB');
    assert.equal(formatAmount(1_440_000, 'bytes'), '1.4 MB');
    assert.equal(formatAmount(615_400_000, 'bytes'), '615 MB');
    assert.equal(formatAmount(31, 'requests'), '31');
  });
});
