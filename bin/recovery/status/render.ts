/** The status as people read it. Pure. */
import { styleText } from 'node:util';
import Table from 'cli-table3';
import { formatDuration } from '../../../lib/planning/duration';
import { formatBytes } from '../../output';
import type { BaselineStatus, ComponentStatus, DrillStatus, Light, Status } from './status';

export function renderStatus(status: Status, stream?: NodeJS.WriteStream): string {
  const light = (of: Light) => {
    const text = of === 'not-seen' ? 'not seen' : of;
    if (!stream) return text;
    return styleText(of === 'green' ? 'green' : of === 'red' ? 'red' : 'yellow', text, { stream });
  };
  const table = new Table({
    head: ['component', 'site', 'newest usable point', 'age', 'may be (RPO)', 'by', ''],
    style: { head: [], border: [], compact: true },
  });
  for (const { component, region, newest, rpoSeconds, status: of } of status.components) {
    table.push([
      component,
      region,
      newest?.moment ?? '-',
      newest ? formatDuration(newest.ageSeconds) : '-',
      formatDuration(rpoSeconds),
      newest?.technique ?? '-',
      light(of),
    ]);
  }
  const seen = new Set(status.notSeen.map(({ reason }) => reason));
  return [
    `${status.deployment} at ${status.at}: ${light(status.status)}`,
    table.toString(),
    ...status.components.filter(({ reason }) => reason !== '' && !seen.has(reason)).map(remark),
    drillLine('last drill', status.drill, light),
    ...(status.inRegionDrill ? [drillLine('last drill in the primary Region', status.inRegionDrill, light)] : []),
    baselineLine(status.baseline),
    ...status.notSeen.map(({ what, reason }) => `not seen: ${what}: ${reason}`),
  ].join('\n');
}

const remark = ({ component, region, reason }: ComponentStatus) => `${component} in ${region}: ${reason}`;

function drillLine(
  what: string,
  { status, reason, last, rtoSeconds }: DrillStatus,
  light: (of: Light) => string,
): string {
  if (!last) return `${what}: ${light(status)}: ${reason}`;
  const time = (seconds: number | null) => (seconds === null ? 'not measured' : formatDuration(Math.round(seconds)));
  return [
    `${what}: ${light(status)}: ${last.drillId} ended ${last.verdict}, begun ${formatDuration(last.ageSeconds)} ago; ` +
      `measured RPO ${time(last.measuredRpoSeconds)}, RTO ${time(last.measuredRtoSeconds)} of at most ${formatDuration(rtoSeconds)}`,
    ...(reason === '' ? [] : [`  ${reason}`]),
    `  ${last.report}`,
  ].join('\n');
}

function baselineLine({ kept, reason }: BaselineStatus): string {
  const versions = kept.map(
    ({ productVersion, createdAt, files, bytes }) =>
      `${productVersion} of ${createdAt}, ${files} files, ${formatBytes(bytes)}`,
  );
  return [
    `baseline of the server directory: ${versions.join('; ') || 'none'}`,
    ...(reason === '' ? [] : [`  ${reason}`]),
  ].join('\n');
}
