import type { CheckOutcome, CheckStatus } from '../../check/contract';
import { escape, inWords } from './format';

const TONES: Readonly<Record<CheckStatus, string>> = {
  PASSED: 'good',
  WARNING: 'warn',
  FAILED: 'bad',
  SKIPPED: 'none',
};

/** Every check with what it compared; what did not pass is open from the start. */
export function checks(outcomes: readonly CheckOutcome[]): string {
  if (outcomes.length === 0) return '<p class="quiet">No check was made.</p>';
  return outcomes.map(entry).join('');
}

function entry({ check, component, status, reason, compared }: CheckOutcome): string {
  const facts = Object.entries(compared).map(
    ([name, value]) => `<div><dt>${escape(inWords(name))}</dt><dd>${escape(value)}</dd></div>`,
  );
  const head =
    `<span class="pill ${TONES[status] ?? 'bad'}">${escape(status)}</span>` +
    `<span class="what"><b>${escape(check)}</b> <span class="quiet">${escape(component)}</span>` +
    `<span class="why">${escape(reason)}</span></span>`;
  if (facts.length === 0) return `<div class="check">${head}</div>`;
  const open = status === 'PASSED' || status === 'SKIPPED' ? '' : ' open';
  return `<details class="check"${open}><summary>${head}</summary><dl>${facts.join('')}</dl></details>`;
}
