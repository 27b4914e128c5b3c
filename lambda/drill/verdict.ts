/**
 * From what happened to what is said of it. Pure.
 *
 * PASSED only if every component of the plan was restored, every check that must be made was made and passed, and both
 * objectives were met. What nobody looked at did not pass.
 */
import { exactDuration } from './report/format';
import type { CheckOutcome } from '../check/contract';
import { drillCost } from '../../lib/planning/drill-cost';
import type { PlanLine, RecoveryPlanDocument, Site, Technique } from '../../lib/planning/plan-document';
import { ALL_TOGETHER } from '../../lib/planning/plan-types';
import type { RecoverySet } from './choose-recovery-set';
import type {
  ComponentReport,
  Demand,
  DrillMode,
  DrillReport,
  KeptRecovery,
  PassedOver,
  StepReport,
  Verdict,
} from './contract';
import { TECHNIQUES } from './find-points';
import { disasterAt, objectivesOf } from './objectives';
import { changesSince } from './report/changes';
import type { PastDrills } from './report/history';
import { offersWindow } from './restorable-window';
import { rowLosses } from './report/row-loss';
import { type RestoredSize, usageOf } from './report/usage';
import type { Boot } from './settings';
import { wellFormed } from './well-formed';

export interface Course {
  readonly mode: DrillMode;
  readonly site: Site;
  /** As in the event. */
  readonly asked: Demand;
  /** Of a recovery alone. */
  readonly recovery?: KeptRecovery;
  readonly drillId: string;
  readonly deployment: string;
  readonly region: string;
  readonly startedAt: string;
  readonly endedAt: string;
  /** When the checks ended; absent when they did not run to their end. */
  readonly checkedAt?: string;
  readonly plan?: RecoveryPlanDocument;
  readonly recoverySet?: RecoverySet;
  readonly restored: readonly RestoredComponent[];
  readonly checks: readonly CheckOutcome[];
  /** Names of the user's own checks, as their outcomes have them. */
  readonly ownChecks: readonly string[];
  /** Size of the copy of Identity Server that it boots, for the cost; absent: none. */
  readonly bootSize?: Pick<Boot, 'vcpus' | 'memoryGib'>;
  /** What broke the course of the drill itself, in the order in which it happened. */
  readonly failures: readonly string[];
  readonly steps: readonly StepReport[];
  readonly leftBehind: readonly string[];
  /** The drills before this one; absent of a recovery, and where they could not be read. */
  readonly past?: PastDrills;
  /** Why they could not. */
  readonly pastUnreadable?: string;
}

export interface RestoredComponent {
  readonly component: string;
  /** When it could be used; absent when it could not. */
  readonly usableAt?: string;
  /** Why it could not. */
  readonly failure?: string;
  /** What was made for it, for the estimate of the cost; absent where it is not known. */
  readonly size?: RestoredSize;
  /** What is not as in production; absent: nothing. */
  readonly warnings?: readonly string[];
}

export function judge(given: Course): DrillReport {
  const course: Course = { ...given, checks: given.checks.map(wellFormed) };
  const { mode, site, asked, plan, recoverySet, startedAt, checkedAt } = course;
  const components =
    plan === undefined ? [] : componentsOf(plan, site).map((component) => judgeComponent(component, course));
  const objectives = plan && objectivesOf(plan, site);
  const measuredRpoSeconds =
    recoverySet?.moment === undefined ? undefined : secondsBetween(recoverySet.moment, disasterAt(startedAt, asked.at));
  const measuredRtoSeconds = checkedAt === undefined ? undefined : secondsBetween(startedAt, checkedAt);

  const missed = missedObjectives(course, objectives, measuredRpoSeconds, measuredRtoSeconds);
  // In the order in which they came about: what breaks the course before anything was restored leaves nothing to restore,
  // what breaks it afterwards broke the checks.
  const broken = course.restored.length === 0;
  const causes = [
    ...(broken ? course.failures : []),
    ...components.flatMap(({ restoreCauses }) => restoreCauses),
    ...(broken ? [] : course.failures),
    ...components.flatMap(({ checkCauses }) => checkCauses),
    ...(plan === undefined ? [] : deploymentCauses(plan, course)),
    ...(mode === 'drill' ? missed.counting : []),
  ];
  // Nothing is judged that was not planned: without a plan there must be a failure that says why.
  if (plan === undefined && causes.length === 0) causes.push('the drill read no recovery plan');
  const warnings = [
    ...(mode === 'drill' ? [] : missed.counting),
    ...missed.expected,
    ...components.flatMap(({ warnings }) => warnings),
    ...(recoverySet?.passedOver ?? []).filter(({ notAuthentic }) => notAuthentic).map(forgery),
    ...course.checks
      .filter(
        (outcome) =>
          outcome.status === 'WARNING' && !components.some(({ report }) => concerns(outcome, report.component)),
      )
      .map(sentence),
    ...(course.past?.rows === undefined ? [] : rowLosses(course.past.rows, course.checks)),
    ...course.leftBehind.map((what) => `left behind: ${what}`),
    ...(course.pastUnreadable === undefined
      ? []
      : [`the earlier drills could not be read, so nothing was compared with them: ${course.pastUnreadable}`]),
  ];
  const now = {
    verdict: verdictOf(causes, warnings),
    ...(measuredRpoSeconds === undefined ? {} : { measuredRpoSeconds }),
    ...(measuredRtoSeconds === undefined ? {} : { measuredRtoSeconds }),
    components: components.map(({ report }) => report),
    checks: course.checks,
  };
  const promisedRtoSeconds = recoverySecondsOf(ALL_TOGETHER, site, plan);

  return {
    formatVersion: 1,
    mode,
    site,
    drillId: course.drillId,
    deployment: course.deployment,
    region: course.region,
    verdict: now.verdict,
    causes: unique(causes),
    warnings: unique(warnings),
    startedAt,
    ...(checkedAt === undefined ? {} : { checkedAt }),
    endedAt: course.endedAt,
    ...(Object.keys(asked).length === 0 ? {} : { asked }),
    ...(objectives === undefined ? {} : { objectives }),
    ...(promisedRtoSeconds === undefined ? {} : { promisedRtoSeconds }),
    ...(measuredRpoSeconds === undefined ? {} : { measuredRpoSeconds }),
    ...(measuredRtoSeconds === undefined ? {} : { measuredRtoSeconds }),
    ...(recoverySet?.skewSeconds === undefined ? {} : { skewSeconds: recoverySet.skewSeconds }),
    passedOver: recoverySet?.passedOver ?? [],
    components: now.components,
    checks: course.checks,
    steps: [...course.steps].sort((a, b) => a.startedAt.localeCompare(b.startedAt)),
    cleanUp: { complete: course.leftBehind.length === 0, leftBehind: course.leftBehind },
    plan: plan?.plan ?? [],
    ...(course.recovery === undefined ? {} : { recovery: course.recovery }),
    earlier: course.past?.earlier ?? [],
    changes: course.past?.last === undefined ? [] : changesSince(course.past.last, now),
    estimatedCost: drillCost(usageOf(course)),
  };
}

interface PlannedComponent {
  readonly name: string;
  readonly kind: 'database' | 'volume';
  /** How often each check must have been made of it. */
  readonly required: Readonly<Record<string, number>>;
  readonly technique: Technique;
}

function componentsOf(plan: RecoveryPlanDocument, site: Site): readonly PlannedComponent[] {
  return [
    ...plan.databases.map(({ name, datasources }) => {
      // One that declares no datasource was restored and never queried, which proves nothing: so at least one.
      const checks = Math.max(1, datasources.length);
      return {
        name,
        kind: 'database' as const,
        required: { 'datasource-connects': checks, 'tables-present': checks },
        technique: TECHNIQUES[site].database,
      };
    }),
    ...plan.volumes.map(({ name }) => ({
      name,
      kind: 'volume' as const,
      required: { 'artifact-hashes': 1 },
      technique: TECHNIQUES[site].volume,
    })),
  ];
}

/** Checks of the deployment as a whole; that there is nothing to compare is an answer that they may give. */
const DEPLOYMENT_CHECKS = [
  'tenants-agree',
  'user-stores',
  'declared-databases',
  'keystores-present',
  'keystores-open',
  'encryption-key',
  'encrypted-values',
];

function deploymentCauses(
  plan: RecoveryPlanDocument,
  { site, checks, ownChecks, checkedAt, restored }: Course,
): readonly string[] {
  const known = new Set(componentsOf(plan, site).map(({ name }) => name));
  const unclaimed = checks
    .filter(({ component }) => !component.split(SEPARATOR).some((name) => known.has(name)))
    .flatMap(causesOf);
  if (checkedAt === undefined) {
    const reason = restored.some(({ failure }) => failure === undefined) ? '' : ': nothing was restored';
    return [...unclaimed, `the checks did not run${reason}`];
  }
  const missing = [...DEPLOYMENT_CHECKS, ...ownChecks].filter((name) => !checks.some(({ check }) => check === name));
  return [...unclaimed, ...missing.map((name) => `check ${name} was not made`)];
}

function judgeComponent(planned: PlannedComponent, course: Course) {
  const { mode, site, asked, plan, recoverySet, startedAt, checkedAt, checks } = course;
  const { name, kind } = planned;
  const chosen = recoverySet?.chosen.find(({ component }) => component === name);
  const restored = course.restored.find(({ component }) => component === name);
  const own = checks.filter((outcome) => concerns(outcome, name));
  const line = promiseFor(planned, site, plan?.plan ?? []);
  const rpoObjective = plan && objectivesOf(plan, site).rpoSeconds;
  const measuredRpoSeconds =
    chosen === undefined ? undefined : secondsBetween(chosen.moment, disasterAt(startedAt, asked.at));
  const measuredRtoSeconds =
    restored?.usableAt === undefined ? undefined : secondsBetween(startedAt, restored.usableAt);

  const restoreCauses: string[] = [];
  if (chosen === undefined) {
    const reason = recoverySet?.missing.find(({ component }) => component === name)?.reason;
    // Without a recovery set the failure that prevented it is a cause already.
    if (reason !== undefined) restoreCauses.push(`${name}: nothing to restore: ${reason}`);
  } else if (restored?.usableAt === undefined) {
    restoreCauses.push(`${name}: not restored: ${restored?.failure ?? 'the drill did not come to it'}`);
  }
  const checkCauses = [
    ...own.flatMap(causesOf),
    ...(checkedAt !== undefined && restored?.usableAt !== undefined ? notMade(planned, own) : []),
  ];
  const causes = [...restoreCauses, ...checkCauses];
  const promisedRtoSeconds = recoverySecondsOf(name, site, plan);
  const tooOld =
    mode === 'drill' &&
    !hasChosenAge(asked) &&
    rpoObjective !== undefined &&
    measuredRpoSeconds !== undefined &&
    !(measuredRpoSeconds <= rpoObjective);

  const warnings = [
    ...own.filter(({ status }) => status === 'WARNING').map(sentence),
    ...(restored?.warnings ?? []).map((warning) => `${name}: ${warning}`),
    ...(chosen?.outsideLock === undefined ? [] : [`${name}: restored from outside the lock: ${chosen.outsideLock}`]),
  ];
  const asPlanned = !hasChosenAge(asked);
  // A moment inside a window was chosen to fit the other components: its age says nothing of the backup.
  const asOldAsItsBackup = chosen !== undefined && (chosen.latest === true || !offersWindow(chosen.technique));
  if (
    asPlanned &&
    asOldAsItsBackup &&
    line !== undefined &&
    measuredRpoSeconds !== undefined &&
    measuredRpoSeconds > line.worstCaseSeconds
  ) {
    warnings.push(
      `${name}: the restored state is ${measuredRpoSeconds} s old, more than the ${line.worstCaseSeconds} s that the plan ` +
        'promised: see whether its backups, copies or exports fail or take longer than assumed',
    );
  }

  if (asPlanned && chosen !== undefined && line !== undefined && chosen.technique !== line.technique) {
    const reasons = (recoverySet?.passedOver ?? []).filter(({ component }) => component === name);
    warnings.push(
      `${name}: restored from ${chosen.technique}, not from ${line.technique} as planned` +
        (reasons[0] === undefined ? '' : `: ${reasons[0].id}: ${reasons[0].reason}`),
    );
  }

  const good =
    chosen !== undefined &&
    restored?.usableAt !== undefined &&
    checkedAt !== undefined &&
    causes.length === 0 &&
    !tooOld;
  const verdict: Verdict = !good ? 'FAILED' : warnings.length > 0 ? 'PASSED_WITH_WARNINGS' : 'PASSED';
  const report: ComponentReport = {
    component: name,
    kind,
    technique: chosen?.technique ?? line?.technique ?? planned.technique,
    ...(chosen === undefined ? {} : { restoredFrom: chosen.id, moment: chosen.moment }),
    ...(line === undefined ? {} : { promisedRpoSeconds: line.worstCaseSeconds }),
    ...(measuredRpoSeconds === undefined ? {} : { measuredRpoSeconds }),
    ...(promisedRtoSeconds === undefined ? {} : { promisedRtoSeconds }),
    ...(measuredRtoSeconds === undefined ? {} : { measuredRtoSeconds }),
    verdict,
    reason: good
      ? (warnings[0] ?? `restored; ${own.length} checks made`)
      : (causes[0] ??
        (tooOld
          ? `its state is ${measuredRpoSeconds} s old, the RPO is ${rpoObjective} s`
          : chosen === undefined
            ? 'no recovery set was chosen'
            : 'the checks did not run')),
  };
  return { report, restoreCauses, checkCauses, warnings };
}

/** Checks that belong to the component and have no outcome, or one that proves nothing. */
function notMade({ name, required }: PlannedComponent, own: readonly CheckOutcome[]): readonly string[] {
  return Object.entries(required).flatMap(([check, count]) => {
    const outcomes = own.filter((outcome) => outcome.check === check);
    const skipped = outcomes.filter(({ status }) => status === 'SKIPPED');
    return [
      ...(outcomes.length < count
        ? [`${name}: check ${check} was made ${outcomes.length} times instead of ${count}`]
        : []),
      ...skipped.map(({ reason }) => `${name}: check ${check} was skipped: ${reason}`),
    ];
  });
}

const causesOf = (outcome: CheckOutcome): readonly string[] => (outcome.status === 'FAILED' ? [sentence(outcome)] : []);

const sentence = ({ check, component, reason }: CheckOutcome) => `${component}: ${check}: ${reason}`;

/** Between the names of a check that compares two components. */
const SEPARATOR = ' + ';

const concerns = ({ component }: CheckOutcome, name: string) => component.split(SEPARATOR).includes(name);

/** Of several ways planned for the site, the one that promises the least loss. */
function promiseFor({ name }: PlannedComponent, at: Site, lines: readonly PlanLine[]): PlanLine | undefined {
  return lines
    .filter(({ component, site }) => component === name && site === at)
    .sort((a, b) => a.worstCaseSeconds - b.worstCaseSeconds)[0];
}

/**
 * `counting` decide the verdict of a drill. A recovery is not the worse for them: what it kept works, and it is all that there
 * is. `expected`: who asks for a certain export has chosen its age.
 */
function missedObjectives(
  { asked }: Course,
  objectives: DrillReport['objectives'],
  measuredRpoSeconds: number | undefined,
  measuredRtoSeconds: number | undefined,
): { readonly counting: readonly string[]; readonly expected: readonly string[] } {
  if (objectives === undefined) return { counting: [], expected: [] };
  const rpo = notMet('RPO', measuredRpoSeconds, objectives.rpoSeconds);
  const rto = notMet('RTO', measuredRtoSeconds, objectives.rtoSeconds);
  const what = asked.exportKey === undefined ? 'recovery points of volumes were' : 'the export was';
  return hasChosenAge(asked)
    ? { counting: rto, expected: rpo.map((sentence) => `${sentence}: ${what} asked for`) }
    : { counting: [...rpo, ...rto], expected: [] };
}

/** Who asks for a certain export, or for recovery points in its place, has chosen the age. */
const hasChosenAge = ({ exportKey, volumesFrom }: Demand) => exportKey !== undefined || volumesFrom !== undefined;

/** How long the plan expects the recovery of a component, or of all together, to take at the site. */
function recoverySecondsOf(component: string, at: Site, plan: RecoveryPlanDocument | undefined): number | undefined {
  return plan?.recoveryTimes.find((time) => time.component === component && time.site === at)?.seconds;
}

function notMet(name: 'RPO' | 'RTO', measured: number | undefined, objective: number): readonly string[] {
  // So written that a time which is no number is not met either.
  return measured !== undefined && !(measured <= objective)
    ? [`${name} not met: ${exactDuration(measured)} measured, at most ${exactDuration(objective)} wanted`]
    : [];
}

const forgery = ({ component, id, reason }: PassedOver) =>
  `${component}: ${id} is newer than what was restored, and not authentic: ${reason}; find out who can write to the bucket`;

function verdictOf(causes: readonly string[], warnings: readonly string[]): Verdict {
  if (causes.length > 0) return 'FAILED';
  return warnings.length > 0 ? 'PASSED_WITH_WARNINGS' : 'PASSED';
}

function unique(sentences: readonly string[]): readonly string[] {
  return [...new Set(sentences)];
}

/** Rounded to the millisecond that the clock has. */
function secondsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}
