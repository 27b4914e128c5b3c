import type { ComponentReport, DrillReport, Verdict } from '../contract';
import { duration, escape, instant } from './format';

export const VERDICTS: Readonly<Record<Verdict, { readonly word: string; readonly tone: string }>> = {
  PASSED: { word: 'Passed', tone: 'good' },
  PASSED_WITH_WARNINGS: { word: 'Passed with warnings', tone: 'warn' },
  FAILED: { word: 'Failed', tone: 'bad' },
};

const HEADS = ['Component', 'Moment restored', 'Loss (RPO)', 'Recovery (RTO)', 'Verdict'];

/** What was restored, from what and of when, promised and measured. */
export function restored({ components, objectives }: DrillReport): string {
  if (components.length === 0) return '<p class="quiet">The recovery plan could not be read.</p>';
  const heads = HEADS.map((head) => `<th scope="col">${head}</th>`).join('');
  const rows = components.map((component) => row(component, objectives?.rpoSeconds));
  return `<table class="stack"><thead><tr>${heads}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function row(component: ComponentReport, rpoSeconds: number | undefined): string {
  const { measuredRpoSeconds, promisedRpoSeconds, measuredRtoSeconds, promisedRtoSeconds } = component;
  const { word, tone } = VERDICTS[component.verdict];
  const late = measuredRpoSeconds !== undefined && rpoSeconds !== undefined && measuredRpoSeconds > rpoSeconds;
  const cells = [
    `<b>${escape(component.component)}</b> <small>${escape(component.kind)}, ${escape(component.technique)}</small>`,
    component.moment === undefined ? '–' : escape(instant(component.moment)),
    `${time(measuredRpoSeconds, late)} ${promise(promisedRpoSeconds, 'promised at most')}`,
    `${time(measuredRtoSeconds, false)} ${promise(promisedRtoSeconds, 'expected')}`,
    `<span class="pill ${tone}">${word}</span>`,
  ];
  return `<tr>${cells.map((cell, index) => `<td data-label="${HEADS[index]}"><div>${cell}</div></td>`).join('')}</tr>`;
}

const time = (seconds: number | undefined, late: boolean) =>
  seconds === undefined ? 'not measured' : `<span class="${late ? 'late' : 'time'}">${duration(seconds)}</span>`;

const promise = (seconds: number | undefined, word: string) =>
  seconds === undefined ? '' : `<small>${word} ${duration(seconds)}</small>`;
