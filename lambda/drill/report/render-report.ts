/** The report as a page for people: one string that needs nothing beside itself. Pure. */
import type { CheckOutcome, CheckStatus } from '../../check/contract';
import type { ComponentReport, DrillReport, Verdict } from '../contract';
import { duration, escape, instant } from './format';
import { nextSteps } from './next-steps';
import { STYLE } from './style';
import { timeline } from './timeline';

export function renderReport(report: DrillReport): string {
  const title = `Recovery drill of ${report.deployment}: ${VERDICTS[report.verdict].word}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Recovery drill of ${escape(report.deployment)}, ${escape(report.region)}, ${instant(report.startedAt)}</h1>
${verdict(report)}
${objectives(report)}
${sentences('Causes', report.causes)}
${sentences('Warnings', report.warnings)}
${section('What was restored', components(report))}
${section('Timeline', panel(timeline(report.steps, report.startedAt, report.endedAt)))}
${section('Checks', checks(report.checks))}
${passedOver(report)}
${section('Clean-up', cleanUp(report))}
${sentences('What to do next', nextSteps(report))}
<footer>Drill ${escape(report.drillId)}, ${instant(report.startedAt)} to ${instant(report.endedAt)}.
Loss (RPO) is counted from the oldest moment restored to the begin of the drill; recovery time (RTO) from there to the end of the last check.</footer>
</main>
</body>
</html>
`;
}

const VERDICTS: Readonly<Record<Verdict, { readonly word: string; readonly tone: string }>> = {
  PASSED: { word: 'Passed', tone: 'good' },
  PASSED_WITH_WARNINGS: { word: 'Passed with warnings', tone: 'warn' },
  FAILED: { word: 'Failed', tone: 'bad' },
};

const TONES: Readonly<Record<CheckStatus, string>> = {
  PASSED: 'good',
  WARNING: 'warn',
  FAILED: 'bad',
  SKIPPED: 'none',
};

const section = (heading: string, content: string) => `<section><h2>${heading}</h2>${content}</section>`;
const panel = (content: string) => `<div class="panel">${content}</div>`;

function sentences(heading: string, list: readonly string[]): string {
  if (list.length === 0) return '';
  return section(
    heading,
    panel(`<ul class="list">${list.map((sentence) => `<li>${escape(sentence)}</li>`).join('')}</ul>`),
  );
}

function verdict({ verdict, components, checks, causes }: DrillReport): string {
  const { word, tone } = VERDICTS[verdict];
  const restored = components.filter(({ measuredRtoSeconds }) => measuredRtoSeconds !== undefined).length;
  const good = checks.filter(({ status }) => status === 'PASSED').length;
  const summary =
    `${restored} of ${components.length} components were restored, ${good} of ${checks.length} checks passed.` +
    (causes[0] === undefined ? '' : ` First cause: ${causes[0]}`);
  return `<div class="verdict ${tone}" role="status"><strong>${word}</strong><p>${escape(summary)}</p></div>`;
}

function objectives({ objectives, measuredRpoSeconds, measuredRtoSeconds, skewSeconds }: DrillReport): string {
  return `<div class="cards">
${card('Loss measured (RPO)', measuredRpoSeconds, objectives?.rpoSeconds)}
${card('Recovery time measured (RTO)', measuredRtoSeconds, objectives?.rtoSeconds)}
<div class="card"><h3>Between the components</h3><b>${skewSeconds === undefined ? '–' : duration(skewSeconds)}</b><small>newest to oldest moment restored</small></div>
</div>`;
}

function card(heading: string, measured: number | undefined, objective: number | undefined): string {
  const missed = measured !== undefined && objective !== undefined && measured > objective;
  const goal =
    objective === undefined ? 'objective unknown' : `${missed ? 'not met: ' : ''}objective ${duration(objective)}`;
  return (
    `<div class="card${missed ? ' miss' : ''}"><h3>${heading}</h3>` +
    `<b>${measured === undefined ? 'not measured' : duration(measured)}</b><small>${goal}</small></div>`
  );
}

function components({ components }: DrillReport): string {
  if (components.length === 0) return panel('<p class="quiet">The recovery plan could not be read.</p>');
  const heads = [
    'Component',
    'Technique',
    'Moment restored',
    'Loss promised',
    'Loss measured',
    'Usable after',
    'Verdict',
  ];
  return panel(
    `<div class="scroll"><table class="stack"><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>` +
      `<tbody>${components.map((component) => componentRow(component, heads)).join('')}</tbody></table></div>`,
  );
}

function componentRow(component: ComponentReport, heads: readonly string[]): string {
  const time = (seconds: number | undefined) => (seconds === undefined ? '–' : duration(seconds));
  const { word, tone } = VERDICTS[component.verdict];
  const cells = [
    `<b>${escape(component.component)}</b> <span class="quiet">${component.kind}</span>`,
    escape(component.technique),
    component.moment === undefined ? '–' : instant(component.moment),
    time(component.promisedRpoSeconds),
    time(component.measuredRpoSeconds),
    time(component.measuredRtoSeconds),
    `<span class="pill ${tone}">${word}</span>`,
  ];
  const row = cells.map(
    (cell, index) => `<td data-label="${heads[index]}"${index > 1 ? ' class="num"' : ''}><div>${cell}</div></td>`,
  );
  return `<tr>${row.join('')}</tr>`;
}

function checks(outcomes: readonly CheckOutcome[]): string {
  if (outcomes.length === 0) return panel('<p class="quiet">No check was made.</p>');
  return panel(outcomes.map(checkEntry).join(''));
}

function checkEntry({ check, component, status, reason, compared }: CheckOutcome): string {
  const facts = Object.entries(compared)
    .map(([name, value]) => `<div><dt>${escape(inWords(name))}</dt><dd>${escape(value)}</dd></div>`)
    .join('');
  return (
    `<div class="check"><span class="pill ${TONES[status] ?? 'bad'}">${escape(status)}</span>` +
    `<span class="what">${escape(check)} <span class="who">${escape(component)}</span></span>` +
    `<p>${escape(reason)}</p>${facts === '' ? '' : `<dl>${facts}</dl>`}</div>`
  );
}

/** `tenantsInDatabase` reads better as `tenants in database`; what is not such a name stays as it is. */
function inWords(name: string): string {
  return /^[a-z]+([A-Z][a-z]+)*$/.test(name) ? name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`) : name;
}

function passedOver({ passedOver, components }: DrillReport): string {
  const chosen = components
    .filter(({ restoredFrom }) => restoredFrom !== undefined)
    .map(({ component, restoredFrom }) => `${component} from ${restoredFrom}`);
  const newer = passedOver.map(({ component, id, reason }) => `${component}: ${id} was passed over: ${reason}`);
  return sentences('Why these points', [...chosen, ...newer]);
}

function cleanUp({ cleanUp }: DrillReport): string {
  if (cleanUp.complete) return panel('<p style="margin:0">All that the drill made was removed.</p>');
  const items = cleanUp.leftBehind.map((what) => `<li>${escape(what)}</li>`).join('');
  return panel(`<p style="margin:0">Left behind:</p><ul class="list">${items}</ul>`);
}
