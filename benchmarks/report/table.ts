/** The results for people. Pure. */
import Table from 'cli-table3';
import { styleText } from 'node:util';
import type { Spread } from '../measure/ratios';
import { TITLES } from '../operations/names';
import type { Results, Row } from './results';

export function resultsTable({ rows, baseline }: Pick<Results, 'rows' | 'baseline'>): string {
  const table = new Table({
    head: ['Operation', 'Contender', 'Measured', 'Noise', `Ratio to ${baseline}`, 'Noise', 'of CPU', 'Target', ''],
    style: { head: [], border: [], compact: true },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
  });
  let before = '';
  for (const row of rows) {
    const title = row.part === undefined ? TITLES[row.operation] : `${TITLES[row.operation]}: ${row.part}`;
    const amount = (value: number) => formatAmount(value, row.unit);
    table.push([
      title === before ? '' : title,
      row.contender,
      amount(row.value.median),
      noise(row.value, amount),
      row.ratio ? row.ratio.median.toFixed(2) : '',
      row.ratio ? noise(row.ratio, (value) => value.toFixed(2)) : '',
      row.cpuRatio ? row.cpuRatio.median.toFixed(2) : '',
      row.target ? `<= ${row.target.of === 'ratio' ? row.target.atMost.toFixed(2) : amount(row.target.atMost)}` : '',
      row.target ? (row.target.met ? styleText('green', 'met') : styleText('red', 'missed')) : '',
    ]);
    before = title;
  }
  return table.toString();
}

/** Smallest to largest; nothing when there was one measurement. */
const noise = ({ min, max }: Spread, format: (value: number) => string) =>
  min === max ? '' : `${format(min)}..${format(max)}`;

export function formatAmount(value: number, unit: Row['unit']): string {
  switch (unit) {
    case 'seconds':
      return `${value.toFixed(value < 10 ? 2 : 1)} s`;
    case 'milliseconds':
      return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
    case 'bytes':
      return value < 1e6 ? `${Math.round(value / 1e3)} kB` : `${(value / 1e6).toFixed(value < 10e6 ? 1 : 0)} MB`;
    case 'requests':
      return String(value);
  }
}
