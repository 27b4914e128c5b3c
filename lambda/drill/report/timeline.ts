import type { StepReport } from '../contract';
import { duration, escape } from './format';

const WIDTH = 760;
const LABEL_WIDTH = 240;
/** Room for what is written behind the last bar. */
const RIGHT_WIDTH = 130;
const ROW = 26;
const AXIS = 28;
/** Of short steps beside hours of restoring, so that they can be seen at all. */
const LEAST_BAR = 3;
const LABEL_LENGTH = 36;

/** When each step ran, as a static SVG that takes its colours from the page. */
export function timeline(steps: readonly StepReport[], startedAt: string, endedAt: string): string {
  if (steps.length === 0) return '<p class="quiet">No step was made.</p>';
  const begin = Date.parse(startedAt);
  const span = Math.max(1, Date.parse(endedAt) - begin);
  const x = (iso: string) => LABEL_WIDTH + ((Date.parse(iso) - begin) / span) * (WIDTH - LABEL_WIDTH - RIGHT_WIDTH);
  const height = AXIS + steps.length * ROW + 6;
  const rows = steps.map((step, index) => {
    const y = AXIS + index * ROW;
    const left = x(step.startedAt);
    const width = Math.max(LEAST_BAR, x(step.endedAt) - left);
    const seconds = (Date.parse(step.endedAt) - Date.parse(step.startedAt)) / 1000;
    const kind = step.outcome === 'OK' ? 'ok' : 'bad';
    return [
      `<g><title>${escape(step.name)}: ${duration(seconds)}${step.detail === undefined ? '' : `, ${escape(step.detail)}`}</title>`,
      `<text class="label" x="${LABEL_WIDTH - 12}" y="${y + 16}" text-anchor="end">${escape(shorten(step.name))}</text>`,
      `<rect class="bar ${kind}" x="${left.toFixed(1)}" y="${y + 5}" width="${width.toFixed(1)}" height="${ROW - 11}" rx="3"/>`,
      `<text class="time" x="${(left + width + 7).toFixed(1)}" y="${y + 16}">${duration(seconds)}${kind === 'bad' ? ' failed' : ''}</text></g>`,
    ].join('');
  });
  const ticks = ticksOf(span / 1000).map((seconds) => {
    const at = LABEL_WIDTH + ((seconds * 1000) / span) * (WIDTH - LABEL_WIDTH - RIGHT_WIDTH);
    return (
      `<line class="grid" x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${AXIS - 6}" y2="${height}"/>` +
      `<text class="tick" x="${at.toFixed(1)}" y="${AXIS - 12}" text-anchor="middle">${duration(seconds)}</text>`
    );
  });
  return (
    `<div class="scroll"><svg class="timeline" viewBox="0 0 ${WIDTH} ${height}" role="img" ` +
    `aria-label="Timeline of ${steps.length} steps">${ticks.join('')}${rows.join('')}</svg></div>`
  );
}

function shorten(label: string): string {
  return label.length > LABEL_LENGTH ? `${label.slice(0, LABEL_LENGTH - 1)}…` : label;
}

const TICK_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
const MOST_TICKS = 6;

/** Seconds to write on the axis: round ones, a handful. */
function ticksOf(span: number): readonly number[] {
  const distance = TICK_SECONDS.find((seconds) => span / seconds < MOST_TICKS) ?? Math.ceil(span / MOST_TICKS);
  return Array.from({ length: Math.floor(span / distance) + 1 }, (_, index) => index * distance);
}
