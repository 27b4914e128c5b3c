/** What the reaper tells: one message for each drill, and only of what it removed and told nobody before. Pure. */
import { DRILLS_PREFIXES } from '../../lib/private/bucket-layout';
import type { Site } from '../../lib/planning/plan-document';
import type { Leftover } from './leftover';

/** Of one drill, or of all that is no drill's: `drillId` is absent then. */
export interface News {
  readonly drillId?: string;
  readonly leftovers: readonly Leftover[];
}

/** What there is to tell. What only waits, or fails again each hour, is none: the alarm of the function tells that. */
export function newsOf(leftovers: readonly Leftover[]): readonly News[] {
  // It may be of any drill: `DB clusters: AccessDenied`.
  const failed = leftovers.filter(({ drillId, fate }) => drillId === undefined && fate === 'failed');
  return [...Map.groupBy(leftovers, ({ drillId }) => drillId)]
    .filter(([, each]) => each.some((leftover) => leftover.fate === 'removed' && !leftover.told))
    .map(([drillId, each]) =>
      drillId === undefined ? { leftovers: each } : { drillId, leftovers: [...each, ...failed] },
    );
}

/** Whether a drill left its report: where; none; or why nobody knows. */
export type ReportSeen = { readonly location: string } | 'none' | { readonly unseen: string };

export interface Told {
  readonly site: Site;
  readonly bucket: string;
  /** Name of the reaper. */
  readonly functionName: string;
}

/** @param report of the drill; not read where the news is of none */
export function messageOf(
  { drillId, leftovers }: News,
  report: ReportSeen,
  told: Told,
): { Subject: string; Message: string } {
  const failed = leftovers.filter(({ fate }) => fate === 'failed');
  const part = (fate: Leftover['fate'], heading: string) => {
    const lines = leftovers
      .filter((each) => each.fate === fate)
      .map((each) => `- ${each.what}${'why' in each ? `: ${each.why}` : ''}`);
    return lines.length === 0 ? [] : ['', heading, ...lines];
  };
  const whose = drillId === undefined ? 'a recovery drill' : drillId;
  return {
    Subject: `Leftovers of ${whose} were removed${failed.length === 0 ? '' : ', but not all'}`,
    Message: [
      drillId === undefined
        ? 'AWS Backup restored to the restore volume what no drill took. The reaper removed:'
        : `The drill ${drillId} ended, and did not remove all that it had made. The reaper removed:`,
      ...part('removed', '').slice(2),
      ...part('waiting', 'It goes on with this at its next runs, of which it says no more unless they fail:'),
      ...part('left-alone', 'It left alone, since nothing says that a drill made it:'),
      ...part('failed', 'It could not remove, and tries again every hour:'),
      ...(failed.length === 0
        ? []
        : [
            '',
            'What to do: put right what AWS says there, or remove it by hand: until it is gone it costs. The alarm over errors of ' +
              `the function ${told.functionName} is on until a run removed everything; its log group has each run.`,
          ]),
      ...(drillId === undefined ? [] : ['', aboutReport(drillId, report, told)]),
      '',
    ].join('\n'),
  };
}

function aboutReport(drillId: string, report: ReportSeen, { site, bucket }: Told): string {
  const drill = `wso2is-recovery drill${site === 'in-region' ? ' --site primary' : ''}`;
  if (report === 'none') {
    return (
      `It left no report below s3://${bucket}/${DRILLS_PREFIXES[site]}, so nothing is proven by it. If no later drill left one, ` +
      `start it again: ${drill}`
    );
  }
  if ('unseen' in report) {
    return `Whether it left a report could not be seen (${report.unseen}): look for ${drillId} below s3://${bucket}/${DRILLS_PREFIXES[site]}`;
  }
  return `It left its report, with its verdict, so it need not be started again for that: ${report.location}`;
}
