/** What people are told of a run of the reaper. Pure. */
import type { ReapResult } from './contract';

export interface ReaperMessage {
  readonly Subject: string;
  readonly Message: string;
}

/** Undefined where there is nothing to tell: what waits is told once it is removed, or cannot be. */
export function reaperMessage({ removed, waiting, failed }: ReapResult): ReaperMessage | undefined {
  if (removed.length === 0 && failed.length === 0) return undefined;
  const lines = [
    'A drill ended before its clean-up was done.',
    ...section('The reaper removed what it had made:', removed),
    ...section(
      'It could not remove, and tries again every hour; until then it costs, so look at what is in the way:',
      failed,
    ),
    ...section('It goes on with these at its next run:', waiting),
    '',
    'Whether that drill left a verdict, `npx wso2is-recovery status` says; where it left none, `npx wso2is-recovery drill` starts another.',
    '',
  ];
  return {
    Subject: `Leftovers of a recovery drill ${failed.length > 0 ? 'could not be removed' : 'were removed'}`,
    Message: lines.join('\n'),
  };
}

const section = (title: string, items: readonly string[]) =>
  items.length === 0 ? [] : ['', title, ...items.map((item) => `- ${item}`)];
