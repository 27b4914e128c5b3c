import type { StepReport } from '../contract';
import { duration, escape } from './format';

const WIDTH = 760;
const LABEL_WIDTH = 250;
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
  const x = (iso: string) => LABEL_WIDTH + ((Date.parse(iso) - begin) / span) * (WIDTH - LABEL_WIDTH - 70);
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
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = LABEL_WIDTH + part * (WIDTH - LABEL_WIDTH - 70);
    return (
      `<line class="grid" x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${AXIS - 6}" y2="${height}"/>` +
      `<text class="tick" x="${at.toFixed(1)}" y="${AXIS - 12}" text-anchor="middle">${duration((span / 1000) * part)}</text>`
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
