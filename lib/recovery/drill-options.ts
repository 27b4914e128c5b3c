import { Annotations, Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import type { ProtectedDatabase } from '../databases/protected-database';
import type { Technique } from '../planning/plan-document';
import type { PlanResult } from '../planning/plan-types';
import { invalid } from '../private/errors';

/** When drills run by themselves. */
export interface DrillOptions {
  /**
   * Whether drills are scheduled. Without it they run when the drill function is invoked.
   *
   * @default true
   */
  readonly scheduled?: boolean;

  /**
   * @default - every seven days
   */
  readonly schedule?: events.Schedule;
}

/**
 * When drills run; undefined: when they are asked for.
 * @internal
 */
export const drillSchedule = ({ scheduled = true, schedule }: DrillOptions = {}): events.Schedule | undefined =>
  scheduled ? (schedule ?? events.Schedule.rate(Duration.days(7))) : undefined;

/**
 * A scheduled drill that cannot restore a component would fail each time.
 * @internal
 * @throws where drills are scheduled and something of the plan cannot be restored by them.
 */
export function validateDrill(
  scope: Construct,
  planned: PlanResult,
  databases: readonly ProtectedDatabase[],
  drill: DrillOptions = {},
): void {
  if (drill.scheduled === false && drill.schedule) {
    throw invalid(scope, '`drill.schedule` must be absent where `drill.scheduled` is false: leave out one of them');
  }
  const clusters = databases.filter(({ _kind }) => _kind === 'multi-az-cluster').map(({ name }) => `cluster ${name}`);
  const techniques = planned.lines
    .filter(({ purpose, site, technique }) => purpose === 'promise' && site === 'dr-site' && !DRILLED.has(technique))
    .filter(({ component }) => !clusters.includes(`cluster ${component}`))
    .map(({ component, technique }) => `${technique} of ${component}`);
  const undrilled = [...clusters, ...techniques];
  if (undrilled.length === 0) return;
  const why = `drills cannot restore from every technique yet, got ${undrilled.join(', ')}`;
  if (drill.scheduled !== false) {
    throw invalid(
      scope,
      `\`drill.scheduled\` must be false: ${why}; it protects, but no drill proves that it can be recovered from`,
    );
  }
  Annotations.of(scope).addWarningV2('cdk-wso2is-recovery:notDrilled', `${why}: their recovery is unproven`);
}

/** What a drill restores from. */
const DRILLED: ReadonlySet<Technique> = new Set([
  'backup-copy',
  'rds-automated-backup-replication',
  'artifact-export-replicated',
]);
