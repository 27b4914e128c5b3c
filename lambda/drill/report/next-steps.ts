import type { DrillReport } from '../contract';

/** What a person should do after this drill, most urgent first; after a recovery, in order. */
export function nextSteps(report: DrillReport): readonly string[] {
  if (report.recovery !== undefined) return report.recovery.nextSteps;
  const unmet = (name: 'RPO' | 'RTO') => report.causes.some((cause) => cause.startsWith(`${name} not met`));
  const failedChecks = report.checks.filter(({ status }) => status === 'FAILED').length;
  return [
    ...(report.verdict === 'FAILED'
      ? ['As of this drill, do not count on a recovery: remove the first cause above, then run the drill again.']
      : []),
    ...(failedChecks > 0
      ? ['Compare what failed with production: what is missing there too was lost before the backup, not by it.']
      : []),
    ...(unmet('RPO')
      ? ['For a smaller loss: look for failed backup, copy and export jobs, then lower their interval.']
      : []),
    ...(unmet('RTO')
      ? ['For a faster recovery: see in the timeline which step took longest, or relax the objective.']
      : []),
    ...(report.cleanUp.complete ? [] : ['Remove by hand what was left behind: it costs money until then.']),
    ...(report.warnings.length > 0 && report.verdict !== 'FAILED'
      ? ['Read the warnings: they do not stand against a recovery today, and may tomorrow.']
      : []),
    ...(report.verdict === 'PASSED'
      ? ['Nothing. Keep this page as evidence; the next drill comes by its schedule.']
      : []),
  ];
}
