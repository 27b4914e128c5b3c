/** The report as a page for people: one string that needs nothing beside itself. Pure. */
import type { DrillReport } from '../contract';
import { checks } from './checks';
import { duration, escape, instant } from './format';
import { history } from './history-chart';
import { nextSteps } from './next-steps';
import { restored, VERDICTS } from './restored';
import { STYLE } from './style';
import { timeline } from './timeline';

export function renderReport(report: DrillReport): string {
  const name = report.mode === 'recover' ? 'Recovery' : 'Recovery drill';
  const title = `${name} of ${report.deployment}: ${VERDICTS[report.verdict].word}`;
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
<h1>${name} of ${escape(report.deployment)}, ${escape(report.region)}, ${escape(instant(report.startedAt))}</h1>
${verdict(report)}
${objectives(report)}
${sentences('Causes', report.causes)}
${sentences('Warnings', report.warnings)}
${sentences('What to do next', nextSteps(report))}
${section('What was restored', restored(report))}
${section('Timeline', timeline(report.steps, report.startedAt, report.endedAt))}
${section('Checks', checks(report.checks))}
${sinceLastDrill(report)}
${report.mode === 'recover' ? kept(report) : section('The last drills', history(report))}
${whyThesePoints(report)}
${section('Estimated cost', cost(report))}
${report.mode === 'recover' ? '' : section('Clean-up', cleanUp(report))}
<footer>${report.mode === 'recover' ? 'Recovery' : 'Drill'} ${escape(report.drillId)}, ${escape(instant(report.startedAt))} to ${escape(instant(report.endedAt))}.
Loss (RPO) is counted from the oldest moment restored to the begin of the drill; recovery time (RTO) from there to the end of the last check.</footer>
</main>
</body>
</html>
`;
}

const section = (heading: string, content: string) =>
  `<section><h2>${heading}</h2><div class="panel">${content}</div></section>`;

const list = (items: readonly string[]) =>
  `<ul class="list">${items.map((sentence) => `<li>${escape(sentence)}</li>`).join('')}</ul>`;

const sentences = (heading: string, items: readonly string[]) =>
  items.length === 0 ? '' : section(heading, list(items));

function verdict({ verdict, components, checks, causes }: DrillReport): string {
  const { word, tone } = VERDICTS[verdict];
  const made = components.filter(({ measuredRtoSeconds }) => measuredRtoSeconds !== undefined).length;
  const good = checks.filter(({ status }) => status === 'PASSED').length;
  const summary =
    `${made} of ${components.length} components were restored, ${good} of ${checks.length} checks passed.` +
    (causes[0] === undefined ? '' : ` First cause: ${causes[0]}`);
  return `<div class="verdict ${tone}" role="status"><strong>${word}</strong><p>${escape(summary)}</p></div>`;
}

function objectives(report: DrillReport): string {
  const { objectives, measuredRpoSeconds, measuredRtoSeconds, promisedRtoSeconds, skewSeconds } = report;
  const expected = promisedRtoSeconds === undefined ? '' : `, expected ${duration(promisedRtoSeconds)}`;
  return `<div class="cards">
${card('Loss measured (RPO)', measuredRpoSeconds, objectives?.rpoSeconds)}
${card('Recovery time measured (RTO)', measuredRtoSeconds, objectives?.rtoSeconds, expected)}
<div class="card"><h3>Between the components</h3><b>${skewSeconds === undefined ? '–' : duration(skewSeconds)}</b><small>newest to oldest moment restored</small></div>
</div>`;
}

function card(heading: string, measured: number | undefined, objective: number | undefined, more = ''): string {
  const missed = measured !== undefined && objective !== undefined && measured > objective;
  const goal =
    objective === undefined ? 'objective unknown' : `${missed ? 'not met: ' : ''}objective ${duration(objective)}`;
  return (
    `<div class="card${missed ? ' miss' : ''}"><h3>${heading}</h3>` +
    `<b>${measured === undefined ? 'not measured' : duration(measured)}</b><small>${goal}${more}</small></div>`
  );
}

function sinceLastDrill({ earlier, changes }: DrillReport): string {
  if (earlier[0] === undefined) return '';
  const since = escape(instant(earlier[0].startedAt));
  return section(
    'What changed since the last drill',
    `<p class="quiet">Compared with the drill of ${since}.</p>` +
      (changes.length === 0 ? '<p>Nothing of what is compared.</p>' : list(changes)),
  );
}

/** What a recovery kept, and what IS must be told to use it. */
function kept({ recovery }: DrillReport): string {
  if (recovery === undefined) return '';
  const { databases, artifacts, configurationChanges, notes } = recovery;
  const things = [
    ...databases.map(({ component, identifier, host, port }) => `${component}: ${identifier}, ${host}:${port}`),
    ...(artifacts?.volumes ?? []).map(
      ({ component, mountedAt, path }) =>
        `${component}: file system ${artifacts?.fileSystemId}, ${path}, to be mounted at <IS_HOME>/${mountedAt}`,
    ),
  ];
  const changes = configurationChanges.map(
    ({ section: table, key, from, to, line }) =>
      `[${table}] ${key} = ${to}` +
      (from === undefined ? '' : `, now ${from}`) +
      (line === undefined ? '' : ` (table at line ${line})`),
  );
  return (
    sentences('What is kept', things) +
    sentences('What deployment.toml must say', changes) +
    sentences('What else has the old addresses', notes)
  );
}

function whyThesePoints({ passedOver, components }: DrillReport): string {
  const chosen = components
    .filter(({ restoredFrom }) => restoredFrom !== undefined)
    .map(({ component, restoredFrom }) => `${component} from ${restoredFrom}`);
  const newer = passedOver.map(({ component, id, reason }) => `${component}: ${id} was passed over: ${reason}`);
  return sentences('Why these points', [...chosen, ...newer]);
}

function cost({ estimatedCost: { usd, terms, basis } }: DrillReport): string {
  const rows = terms.map(
    (term) =>
      `<tr><td>${escape(term.component)}</td><td>${escape(term.what)}</td><td class="num">${dollars(term.usd)}</td></tr>`,
  );
  return (
    `<p>About <b>${dollars(usd)}</b>. <span class="quiet">An ${escape(basis)}.</span></p>` +
    `<details><summary>What it is made of</summary><table class="plain"><tbody>${rows.join('')}</tbody></table></details>`
  );
}

const dollars = (usd: number) => (usd < 0.001 ? 'less than 0.001 USD' : `${usd.toFixed(usd < 0.1 ? 3 : 2)} USD`);

function cleanUp({ cleanUp }: DrillReport): string {
  if (cleanUp.complete) return '<p>All that the drill made was removed.</p>';
  return `<p>Left behind:</p>${list(cleanUp.leftBehind)}`;
}
