import { readFileSync } from 'node:fs';
import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { ProtectedDatabase } from '../databases/protected-database';
import { assumptionsInSeconds, type PlanningAssumptions } from '../objectives/planning-assumptions';
import type { RecoveryObjectives } from '../objectives/recovery-objectives';
import { atSite } from '../planning/choose';
import { formatDuration } from '../planning/duration';
import { PlanInputError } from '../planning/errors';
import { measuredRecoveries } from '../planning/measured';
import { plan } from '../planning/plan';
import type { InfeasibleObjective, MeasuredRecovery, PlanInput, PlanResult } from '../planning/plan-types';
import { longestGapSeconds } from '../planning/schedule-gap';
import { invalid } from '../private/errors';
import type { RecoverySite } from '../site/recovery-site';
import { retentionInDays, type RecoveryPointRetention } from '../vaults/recovery-point-retention';
import { lockInDays, type VaultLockOptions } from '../protection/vault-lock';
import type { Volume } from '../volumes/volume';
import { drillSchedule, type DrillOptions } from './drill-options';
import { otherAccount } from './other-account';

export interface FeasiblePlanOptions {
  readonly objectives: RecoveryObjectives;
  readonly databases: readonly ProtectedDatabase[];
  readonly volumes: readonly Volume[];
  readonly site: RecoverySite;
  readonly drill?: DrillOptions;
  readonly assumptions?: PlanningAssumptions;
  readonly backupRetention?: RecoveryPointRetention;
  readonly vaultLock?: VaultLockOptions;
  /** Path of a drill's `report.json`. */
  readonly lastDrillReport?: string;
}

/**
 * Asks the planner, and passes its warnings on.
 * @throws where an objective cannot be met, with the arithmetic and what would meet it.
 */
export function feasiblePlan(scope: Construct, options: FeasiblePlanOptions): PlanResult {
  const schedule = drillSchedule(options.drill);
  const planned = tryPlan(scope, {
    objectives: options.objectives._toSeconds(),
    databases: options.databases.map((database) => database._planInput),
    volumes: options.volumes.map((volume) => volume._planInput),
    assumptions: assumptionsInSeconds(options.assumptions),
    retention: retentionInDays(options.backupRetention),
    vaultLock: lockInDays(options.vaultLock),
    drVaultLock: lockInDays(options.site._vaultLock),
    siteInOtherAccount: otherAccount(scope, options.site) !== undefined,
    drillIntervalSeconds: schedule && longestGapSeconds(schedule.expressionString),
    measured: measured(scope, options.lastDrillReport),
  });
  if (planned.infeasible.length > 0) {
    throw invalid(scope, ['`objectives` must be feasible:', ...planned.infeasible.map(infeasibleLine)].join('\n  '));
  }
  for (const warning of planned.warnings) {
    Annotations.of(scope).addWarningV2('cdk-wso2is-recovery:plan', warning);
  }
  return planned;
}

function tryPlan(scope: Construct, input: PlanInput): PlanResult {
  try {
    return plan(input);
  } catch (error) {
    if (error instanceof PlanInputError) throw invalid(scope, error.message);
    throw error;
  }
}

function measured(scope: Construct, reportPath: string | undefined): MeasuredRecovery[] {
  if (reportPath === undefined) return [];
  try {
    return measuredRecoveries(readFileSync(reportPath, 'utf8'));
  } catch (error) {
    throw invalid(
      scope,
      `\`lastDrillReport\` must be the path of a drill's report.json, got '${reportPath}': ${(error as Error).message}`,
    );
  }
}

const infeasibleLine = (missed: InfeasibleObjective) =>
  `${missed.component}: an ${missed.objective.toUpperCase()} of ${formatDuration(missed.objectiveSeconds)} ` +
  `${atSite(missed.site)} cannot be met, ` +
  (missed.nearestFeasibleSeconds === null ? '' : `the nearest is ${formatDuration(missed.nearestFeasibleSeconds)}: `) +
  missed.reason +
  missed.remedies.map((remedy) => `\n    would meet it: ${remedy}`).join('');
