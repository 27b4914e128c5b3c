/** Previews, verdicts and kept recoveries as people read them. Pure. */
import { styleText } from 'node:util';
import Table from 'cli-table3';
import type {
  ConfigurationChange,
  DrillReport,
  KeptRecovery,
  RestorePreview,
  Verdict,
} from '../../../lambda/drill/contract';
import { formatDuration } from '../../../lib/planning/duration';

type PreviewedComponent = RestorePreview['components'][number];

const time = (seconds: number | undefined) => (seconds === undefined ? '-' : formatDuration(Math.round(seconds)));

const table = (head: string[]) => new Table({ head, style: { head: [], border: [], compact: true } });

export function renderPreview(preview: RestorePreview): string {
  const { objectives, lossSeconds, skewSeconds, expectedSeconds } = preview;
  const tooOld = lossSeconds !== undefined && lossSeconds > objectives.rpoSeconds;
  return [
    `what would be restored of ${preview.deployment} in ${preview.region}:`,
    ...preview.components.flatMap(previewOfComponent),
    `lost: ${time(lossSeconds)}, the objective is ${time(objectives.rpoSeconds)}${tooOld ? ': NOT MET' : ''}; ` +
      `${time(skewSeconds)} between the components`,
    `it should take ${time(expectedSeconds)}, the objective is ${time(objectives.rtoSeconds)}`,
    ...(preview.complete ? [] : ['NOT COMPLETE: a component has nothing that it could be restored from']),
    ...preview.passedOver.map(({ component, id, reason }) => `passed over: ${component}: ${id}: ${reason}`),
  ].join('\n');
}

/** Lines of their own: names of AWS are longer than a terminal is wide, and are copied from here. */
const previewOfComponent = ({ component, moment, technique, restoredFrom, wouldMake, reason }: PreviewedComponent) =>
  technique
    ? [
        `- ${component}: as of ${moment}, by ${technique}`,
        `    from ${restoredFrom}`,
        ...(wouldMake ? [`    makes ${wouldMake}`] : []),
      ]
    : [`- ${component}: NOTHING: ${reason ?? 'nothing can be restored'}`];

const CHECK_STATUSES: readonly (readonly [DrillReport['checks'][number]['status'], string])[] = [
  ['PASSED', 'passed'],
  ['WARNING', 'with a warning'],
  ['FAILED', 'failed'],
  ['SKIPPED', 'skipped'],
];

export function renderReport(report: DrillReport, reportHtml: string, stream?: NodeJS.WriteStream): string {
  const rows = table(['component', 'as of', 'lost', 'usable after', 'verdict']);
  for (const { component, moment, measuredRpoSeconds, measuredRtoSeconds, verdict } of report.components) {
    rows.push([component, moment ?? '-', time(measuredRpoSeconds), time(measuredRtoSeconds), verdict]);
  }
  const { verdict, objectives, checks } = report;
  const counts = CHECK_STATUSES.map(([status, text]) => [
    checks.filter((check) => check.status === status).length,
    text,
  ]);
  return [
    `${report.mode === 'drill' ? 'drill' : 'recovery'} ${report.drillId} of ${report.deployment} in ${report.region}: ${coloured(verdict, stream)}`,
    rows.toString(),
    `lost ${time(report.measuredRpoSeconds)} of at most ${time(objectives?.rpoSeconds)}, took ${time(report.measuredRtoSeconds)} ` +
      `of at most ${time(objectives?.rtoSeconds)}; checks: ${counts.flatMap(([count, text]) => (count === 0 ? [] : [`${count} ${text}`])).join(', ') || 'none'}`,
    ...report.causes.map((cause) => `cause: ${cause}`),
    ...report.warnings.map((warning) => `warning: ${warning}`),
    ...(report.cleanUp.complete ? [] : report.cleanUp.leftBehind.map((what) => `left behind: ${what}`)),
    `report: ${reportHtml}`,
  ].join('\n');
}

function coloured(verdict: Verdict, stream: NodeJS.WriteStream | undefined): string {
  if (!stream) return verdict;
  return styleText(verdict === 'PASSED' ? 'green' : verdict === 'FAILED' ? 'red' : 'yellow', verdict, { stream });
}

export function renderRecovery({ databases, artifacts, configurationChanges, notes, nextSteps }: KeptRecovery): string {
  return [
    ...databases.map(
      ({ component, kind, identifier, host, port, secretArn }) =>
        `${component} (${kind}): ${identifier} at ${host}:${port}\n  credentials: ${secretArn}`,
    ),
    ...(artifacts?.volumes ?? []).map(
      ({ component, path, mountedAt }) =>
        `${component}: ${path} of file system ${artifacts?.fileSystemId}, for <IS_HOME>/${mountedAt}`,
    ),
    ...(configurationChanges.length === 0 ? [] : ['', 'deployment.toml:', ...renderChanges(configurationChanges)]),
    '',
    'next:',
    ...nextSteps.map((step, index) => `${index + 1}. ${step}`),
    '',
    'to be minded:',
    ...notes.map((note) => `- ${note}`),
  ].join('\n');
}

/** As a patch is read: by table, what goes and what comes. */
export function renderChanges(changes: readonly ConfigurationChange[]): string[] {
  const tables = [...new Set(changes.map(({ section, datasource }) => `${section}\n${datasource}`))];
  return tables.flatMap((name) => {
    const own = changes.filter(({ section, datasource }) => `${section}\n${datasource}` === name);
    const { section, datasource, line } = own[0]!;
    const where = line === undefined ? '' : ` at line ${line}`;
    return [
      `  [${section}]${section.endsWith(datasource) ? '' : ` of ${datasource}`}${where}`,
      ...own.flatMap(({ key, from, to }) => [
        ...(from === undefined ? [] : [`  - ${key} = ${from}`]),
        `  + ${key} = ${key === 'port' ? to : JSON.stringify(to)}`,
      ]),
    ];
  });
}
