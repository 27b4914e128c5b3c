/** The plan as people read it: on a terminal, and in a file beside the synthesized templates. */
import { stripVTControlCharacters, styleText } from 'node:util';
import Table from 'cli-table3';
import { atSite } from './choose';
import { formatDuration } from './duration';
import { describeSchedule } from './intervals';
import type { PlanLine, PlanTerm, RecoveryTime } from './plan-document';
import type { PlanResult } from './plan-types';

export interface TableOptions {
  /** Characters that a line may have. Default: 120. */
  readonly width?: number;
  /** Where it goes, for colours, which honour `NO_COLOR`. Default: none. */
  readonly stream?: NodeJS.WriteStream;
}

type Shown = Pick<PlanResult, 'lines' | 'infeasible' | 'recoveryTimes' | 'warnings' | 'usdPerMonth'>;
type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold';

export function planTable(plan: Shown, { width = 120, stream }: TableOptions = {}): string {
  const style = (colour: Colour, text: string) => (stream ? styleText(colour, text, { stream }) : text);
  const missed = (objective: 'rpo' | 'rto', component: string, site: string) =>
    plan.infeasible.some(
      (other) => other.objective === objective && other.component === component && other.site === site,
    );
  const worst = (line: PlanLine) => {
    const text = formatDuration(line.worstCaseSeconds);
    if (line.purpose === 'history') return style('dim', text);
    return missed('rpo', line.component, line.site) ? style('red', `${text} (too old)`) : style('green', text);
  };
  const time = ({ component, site, basis, seconds }: RecoveryTime) => {
    const text = formatDuration(Math.ceil(seconds));
    return missed('rto', component, site) ? style('red', `${text} (too long)`) : `${text} (${basis})`;
  };
  const missing = plan.infeasible.length;
  return [
    missing === 0
      ? style('green', 'Feasible: ') + 'every objective for what may be lost (RPO) is met at worst, as follows.'
      : style('red', 'Not feasible: ') +
        `${missing === 1 ? '1 objective' : `${missing} objectives`} cannot be met; below is what comes nearest, and why.`,
    '',
    table(
      ['component', 'site', 'technique', 'when (UTC)', 'worst case', 'arithmetic'],
      plan.lines.map((line) => [
        line.component,
        CELLS[line.site],
        line.purpose === 'promise' ? line.technique : style('dim', `+ ${line.technique}`),
        line.schedule === undefined ? 'continuously' : describeSchedule(line.schedule),
        worst(line),
        sumText(line.terms),
      ]),
      width,
    ),
    'A technique with + is kept beside the one that carries the promise: it undoes what the other would repeat.',
    '',
    table(
      ['component', 'site', 'time to recover', 'arithmetic'],
      plan.recoveryTimes.map((each) => [each.component, CELLS[each.site], time(each), sumText(each.terms)]),
      width,
    ),
    `Costs roughly ${plan.usdPerMonth.toFixed(2)} USD a month (an estimate at list prices of us-east-1).`,
    ...plan.infeasible.flatMap(
      ({ component, site, objective, objectiveSeconds, nearestFeasibleSeconds, reason, remedies }) => [
        style('red', 'cannot be met: ') +
          `${objective.toUpperCase()} ${formatDuration(objectiveSeconds)} of ${component} ${atSite(site)}; ` +
          (nearestFeasibleSeconds === null
            ? reason
            : `the nearest that can is ${formatDuration(nearestFeasibleSeconds)} (${reason})`),
        ...(remedies.length === 0
          ? ['  no change that this planner knows would meet it']
          : remedies.map((remedy) => `  would meet it: ${remedy}`)),
      ],
    ),
    ...plan.warnings.map((warning) => style('yellow', 'warning: ') + warning),
    '',
  ].join('\n');
}

const CELLS = { 'in-region': 'Region', 'dr-site': 'DR site' } as const;

const sumText = (terms: readonly PlanTerm[]) =>
  terms.map(({ name, seconds }) => `${name} ${formatDuration(Math.ceil(seconds))}`).join(' + ');

/** What the last column needs, or it stands below the table. */
const LEAST_WIDTH = 24;

/** The last column takes what the others leave, and wraps; where they leave too little, it stands below. */
function table(head: readonly string[], rows: readonly (readonly string[])[], width: number): string {
  const widest = (column: number) =>
    Math.max(...[head, ...rows].map((row) => stripVTControlCharacters(row[column]).length)) + 2;
  const others = head.slice(0, -1).map((_, column) => widest(column));
  const left = width - others.reduce((sum, each) => sum + each + 1, 0) - 2;
  if (left >= LEAST_WIDTH) return drawn(head, rows, [...others, Math.min(left, widest(head.length - 1))]);
  const below = rows.map((row) => `  ${row.slice(0, 3).join(', ')}: ${row.at(-1)}`);
  const short = (row: readonly string[]) => row.slice(0, -1);
  return [drawn(short(head), rows.map(short), others), `${head.at(-1)}:`, ...below].join('\n');
}

function drawn(head: readonly string[], rows: readonly (readonly string[])[], colWidths: number[]): string {
  const table = new Table({
    head: [...head],
    // Colour is styleText's, which honours NO_COLOR.
    style: { head: [], border: [] },
    colWidths,
    wordWrap: true,
    // Rows are one line long, most of them: lines between them would only make it longer. One is drawn under the head.
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  table.push(...rows.map((row) => [...row]));
  const [top, names, ...body] = table.toString().split('\n');
  const underHead = top.replace('┌', '├').replaceAll('┬', '┼').replace('┐', '┤');
  return [top, names, underHead, ...body].join('\n');
}
