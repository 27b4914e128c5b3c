import type { StepReport } from '../contract';
import { duration, escape } from './format';

/**
 * When each step ran: a list of bars over one axis, in HTML rather than SVG, so that labels keep their size and wrap on a
 * phone, and a screen reader reads steps.
 */
export function timeline(steps: readonly StepReport[], startedAt: string, endedAt: string): string {
  if (steps.length === 0) return '<p class="quiet">No step was made.</p>';
  const begin = Date.parse(startedAt);
  const spanMs = Math.max(1, Date.parse(endedAt) - begin);
  const share = (ms: number) => Math.min(100, Math.max(0, (100 * ms) / spanMs)).toFixed(2);
  const rows = steps.map((step) => {
    const from = Date.parse(step.startedAt) - begin;
    const ms = Date.parse(step.endedAt) - Date.parse(step.startedAt);
    const failed = step.outcome !== 'OK';
    return (
      `<li${failed ? ' class="failed"' : ''}><span class="label">${escape(step.name)}</span>` +
      `<span class="track" aria-hidden="true"><i style="left:${share(from)}%;width:${share(ms)}%"></i></span>` +
      `<span class="time">${duration(ms / 1000)}${failed ? ' failed' : ''}</span>` +
      `${failed && step.detail !== undefined ? `<span class="detail">${escape(step.detail)}</span>` : ''}</li>`
    );
  });
  const ticks = ticksOf(spanMs / 1000).map(
    (seconds) => `<span style="left:${share(seconds * 1000)}%">${duration(seconds)}</span>`,
  );
  return `<div class="axis" aria-hidden="true"><div>${ticks.join('')}</div></div><ol class="timeline">${rows.join('')}</ol>`;
}

const TICK_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
/** What fits beside each other on a phone. */
const MOST_TICKS = 4;

/** Seconds to write on the axis: round ones, a handful; none where its end would be cut. */
function ticksOf(span: number): readonly number[] {
  const distance = TICK_SECONDS.find((seconds) => span / seconds < MOST_TICKS) ?? Math.ceil(span / MOST_TICKS);
  return Array.from({ length: Math.floor((span * 0.93) / distance) + 1 }, (_, index) => index * distance);
}
