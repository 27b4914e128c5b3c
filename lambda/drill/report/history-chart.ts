import type { DrillReport, EarlierDrill, Verdict } from '../contract';
import { duration, escape, instant } from './format';

const WIDTH = 360;
const HEIGHT = 170;
const LEFT = 12;
const RIGHT = 12;
const TOP = 30;
const BOTTOM = 30;
/** Room above the highest point. */
const HEADROOM = 1.15;
/** How many times the highest measured an objective may be to stand in the chart. */
const FAR = 4;

interface Point {
  readonly drill: EarlierDrill;
  readonly value: number | undefined;
}

/** Loss and recovery time of the last drills against their objectives: two charts, and the numbers as a table. */
export function history(report: DrillReport): string {
  const drills: readonly EarlierDrill[] = [...report.earlier].reverse().concat([report]);
  if (drills.length < 2) return '<p class="quiet">This is the first drill: the chart begins with the next one.</p>';
  const charts = [
    chart('Loss (RPO)', pointsOf(drills, 'measuredRpoSeconds'), report.objectives?.rpoSeconds),
    chart('Recovery time (RTO)', pointsOf(drills, 'measuredRtoSeconds'), report.objectives?.rtoSeconds),
  ];
  return `<div class="charts">${charts.join('')}</div>${legend()}${table([...drills].reverse())}`;
}

const pointsOf = (drills: readonly EarlierDrill[], name: 'measuredRpoSeconds' | 'measuredRtoSeconds') =>
  drills.map((drill): Point => ({ drill, value: drill[name] }));

function chart(heading: string, points: readonly Point[], objective: number | undefined): string {
  const values = points.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const highest = Math.max(1, ...values);
  // An objective far above all that was measured would flatten the course: then it is only named.
  const within = objective !== undefined && objective <= FAR * highest;
  const most = Math.max(highest, within ? objective : 0) * HEADROOM;
  const x = (index: number) => LEFT + ((index + 0.5) * (WIDTH - LEFT - RIGHT)) / points.length;
  const y = (value: number) => HEIGHT - BOTTOM - (Math.max(0, value) / most) * (HEIGHT - TOP - BOTTOM);
  const known = points.flatMap(({ value }, index) => (value === undefined ? [] : [`${x(index)},${y(value)}`]));
  const goal =
    objective === undefined
      ? ''
      : !within
        ? `<text class="goal-text" x="${WIDTH - RIGHT}" y="16" text-anchor="end">objective ${duration(objective)}, far above</text>`
        : `<line class="goal" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(objective)}" y2="${y(objective)}"/>` +
          `<text class="goal-text" x="${LEFT}" y="${y(objective) - 5}">objective ${duration(objective)}</text>`;
  const marks = points.map(({ drill, value }, index) => {
    const said = `${instant(drill.startedAt)}: ${WORDS[drill.verdict]}, ${value === undefined ? 'not measured' : duration(value)}`;
    return `<g><title>${escape(said)}</title>${mark(drill.verdict, x(index), value === undefined ? HEIGHT - BOTTOM : y(value))}</g>`;
  });
  const last = points.at(-1)?.value;
  const first = points[0]!.drill.startedAt.slice(0, 10);
  const newest = points.at(-1)!.drill.startedAt.slice(0, 10);
  return (
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${heading} of the last ${points.length} drills, the newest: ` +
    `${last === undefined ? 'not measured' : duration(last)}">` +
    `<text class="head" x="${LEFT}" y="16">${heading}</text>` +
    `<line class="base" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${HEIGHT - BOTTOM}" y2="${HEIGHT - BOTTOM}"/>${goal}` +
    `<polyline class="course" points="${known.join(' ')}"/>${marks.join('')}` +
    `<text x="${LEFT}" y="${HEIGHT - 10}">${first}</text>` +
    `<text x="${WIDTH - RIGHT}" y="${HEIGHT - 10}" text-anchor="end">${newest}</text></svg>`
  );
}

const WORDS: Readonly<Record<Verdict, string>> = {
  PASSED: 'passed',
  PASSED_WITH_WARNINGS: 'passed with warnings',
  FAILED: 'failed',
};

/** By shape too: not everybody tells the colours apart. */
function mark(verdict: Verdict, x: number, y: number): string {
  switch (verdict) {
    case 'PASSED':
      return `<circle class="mark-good" cx="${x}" cy="${y}" r="4.5"/>`;
    case 'PASSED_WITH_WARNINGS':
      return `<path class="mark-warn" d="M${x} ${y - 6}l6 10h-12z"/>`;
    default:
      return `<path class="mark-bad" d="M${x - 5} ${y - 5}l10 10m0 -10l-10 10"/>`;
  }
}

function legend(): string {
  const entries = (['PASSED', 'PASSED_WITH_WARNINGS', 'FAILED'] as const).map(
    (verdict) =>
      `<span><svg viewBox="0 0 16 16" aria-hidden="true">${mark(verdict, 8, 8)}</svg>${WORDS[verdict]}</span>`,
  );
  return `<p class="legend">${entries.join('')}</p>`;
}

function table(drills: readonly EarlierDrill[]): string {
  const time = (seconds: number | undefined) => (seconds === undefined ? '–' : duration(seconds));
  const rows = drills.map(
    ({ startedAt, verdict, measuredRpoSeconds, measuredRtoSeconds }) =>
      `<tr><td>${escape(instant(startedAt))}</td><td>${WORDS[verdict]}</td>` +
      `<td>${time(measuredRpoSeconds)}</td><td>${time(measuredRtoSeconds)}</td></tr>`,
  );
  return (
    `<details><summary>The numbers of these ${drills.length} drills</summary><table class="plain"><thead><tr>` +
    ['Drill', 'Verdict', 'Loss', 'Recovery'].map((head) => `<th scope="col">${head}</th>`).join('') +
    `</tr></thead><tbody>${rows.join('')}</tbody></table></details>`
  );
}
