/** What the demo prints at its end. Pure. */
import Table from 'cli-table3';
import { styleText } from 'node:util';
import type { DrillReport, Verdict } from '../../lambda/drill/contract';

/** The components as a table, the verdict, and its causes and warnings. */
export function summary(report: DrillReport): string {
  const table = new Table({
    head: ['Component', 'Technique', 'Promised RPO', 'Measured RPO', 'Measured RTO', 'Verdict'],
    style: { head: [], border: [], compact: true },
    // The eye wants columns, not boxes; and so it stays readable in a log.
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  for (const component of report.components) {
    table.push([
      component.component,
      component.technique,
      duration(component.promisedRpoSeconds),
      duration(component.measuredRpoSeconds),
      duration(component.measuredRtoSeconds),
      coloured(component.verdict),
    ]);
  }
  table.push([
    'all together',
    '',
    duration(report.objectives?.rpoSeconds),
    duration(report.measuredRpoSeconds),
    duration(report.measuredRtoSeconds),
    coloured(report.verdict),
  ]);
  return [
    table.toString(),
    ...report.causes.map((cause) => `Cause: ${cause}`),
    ...report.warnings.map((warning) => `Warning: ${warning}`),
  ].join('\n');
}

/** `5 h 20 min`, `41 s`, `0.4 s`; a dash for what was not measured. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return '-';
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(whole / 3600), 'h'],
    [Math.floor((whole % 3600) / 60), 'min'],
    [whole % 60, 's'],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

const coloured = (verdict: Verdict) =>
  styleText(verdict === 'PASSED' ? 'green' : verdict === 'FAILED' ? 'red' : 'yellow', verdict);
