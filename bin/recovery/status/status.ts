/** What `status` tells, and how it judges what was seen. Pure. */
import type { BaselineNote } from '../../../lambda/baseline/contract';
import type { BaselineRecord } from '../../../lambda/baseline/make-baseline';
import type { ComponentPoints } from '../../../lambda/drill/choose-recovery-set';
import type { DrillReport } from '../../../lambda/drill/contract';
import { usableSpan } from '../../../lambda/drill/restorable-window';
import { ageSecondsOf, type Newest, newestOf } from '../../../lambda/recovery-points/newest';
import { formatDuration } from '../../../lib/planning/duration';
import type { RecoveryPlanDocument, Site } from '../../../lib/planning/plan-document';

/** What `status --json` prints. */
export interface Status {
  readonly formatVersion: 1;
  readonly deployment: string;
  readonly at: string;
  /** `green`: every objective is met, the last drills passed, and everything was seen. */
  readonly status: Light;
  readonly components: readonly ComponentStatus[];
  /** At the DR site. */
  readonly drill: DrillStatus;
  /** In the primary Region; null where none has run there, which changes no `status`. */
  readonly inRegionDrill: DrillStatus | null;
  /** Of the entire server directory, by product version; says nothing about the objectives, and changes no `status`. */
  readonly baseline: BaselineStatus;
  /** What could not be seen, and why; empty: everything was. */
  readonly notSeen: readonly { readonly what: string; readonly reason: string }[];
}

export type Light = 'green' | 'red' | 'not-seen';

export interface ComponentStatus {
  readonly component: string;
  readonly kind: 'database' | 'volume';
  readonly site: Site;
  readonly region: string;
  readonly status: Light;
  /** A sentence; empty where all is as promised. */
  readonly reason: string;
  /** Newest state that can be restored there; null: none, or it was not seen. */
  readonly newest: Newest | null;
  readonly rpoSeconds: number;
  /** Worst case of the plan; null where the plan promises nothing. */
  readonly promisedRpoSeconds: number | null;
}

export interface DrillStatus {
  readonly status: Light;
  readonly reason: string;
  /** Null: none, or it was not seen. */
  readonly last: {
    readonly drillId: string;
    readonly verdict: DrillReport['verdict'];
    readonly startedAt: string;
    readonly ageSeconds: number;
    readonly measuredRpoSeconds: number | null;
    readonly measuredRtoSeconds: number | null;
    readonly report: string;
  } | null;
  readonly rtoSeconds: number;
}

export interface BaselineStatus {
  /** Newest first. */
  readonly kept: readonly Pick<BaselineRecord, 'productVersion' | 'createdAt' | 'files' | 'bytes'>[];
  /** Why there is none, or none of what is on the volume now; empty: nothing is amiss. */
  readonly reason: string;
}

/** The baselines as they were seen, or why they were not. */
export type BaselinesSeen =
  { readonly records: readonly BaselineRecord[]; readonly note?: BaselineNote } | { readonly unseen: string };

/** One site as it was seen, or why it was not. */
export type SiteSeen =
  | { readonly region: string; readonly components: readonly ComponentPoints[] }
  | { readonly region: string; readonly unseen: string };

/** The drills as they were seen, or why they were not. */
export type DrillsSeen =
  | {
      readonly last?: { readonly report: DrillReport; readonly location: string };
      /** Newer, and without a report: it is under way, or ended without one. */
      readonly withoutReport?: string;
    }
  | { readonly unseen: string };

export interface Seen {
  readonly plan: RecoveryPlanDocument;
  readonly now: Date;
  readonly inRegion: SiteSeen;
  readonly drSite: SiteSeen;
  readonly drills: DrillsSeen;
  /** In the primary Region; absent where no function drills there. */
  readonly inRegionDrills?: DrillsSeen;
  readonly baselines: BaselinesSeen;
}

export function judgeStatus({ plan, now, inRegion, drSite, drills, inRegionDrills, baselines }: Seen): Status {
  const components = [...componentsAt(plan, 'in-region', inRegion, now), ...componentsAt(plan, 'dr-site', drSite, now)];
  const { objectives } = plan;
  const drill = judgeDrills(drills, objectives.drSite.rtoSeconds, now);
  const isNone = inRegionDrills === undefined || Object.keys(inRegionDrills).length === 0;
  const inRegionDrill = isNone ? null : judgeDrills(inRegionDrills, objectives.inRegion.rtoSeconds, now);
  const lights = [
    drill.status,
    ...(inRegionDrill ? [inRegionDrill.status] : []),
    ...components.map(({ status }) => status),
  ];
  return {
    formatVersion: 1,
    deployment: plan.deployment,
    at: now.toISOString(),
    status: lights.includes('red') ? 'red' : lights.includes('not-seen') ? 'not-seen' : 'green',
    components,
    drill,
    inRegionDrill,
    baseline: judgeBaselines(plan, baselines),
    notSeen: [
      ...[inRegion, drSite].flatMap((site) =>
        'unseen' in site ? [{ what: `what ${site.region} holds`, reason: site.unseen }] : [],
      ),
      ...('unseen' in drills ? [{ what: 'the drills', reason: drills.unseen }] : []),
      ...(inRegionDrills && 'unseen' in inRegionDrills
        ? [{ what: 'the drills in the primary Region', reason: inRegionDrills.unseen }]
        : []),
      ...('unseen' in baselines ? [{ what: 'the baselines', reason: baselines.unseen }] : []),
    ],
  };
}

function componentsAt(plan: RecoveryPlanDocument, site: Site, seen: SiteSeen, now: Date): ComponentStatus[] {
  const { rpoSeconds } = site === 'dr-site' ? plan.objectives.drSite : plan.objectives.inRegion;
  const kinds = [
    ...plan.databases.map(({ name }) => ({ component: name, kind: 'database' as const })),
    ...plan.volumes.map(({ name }) => ({ component: name, kind: 'volume' as const })),
  ];
  return kinds.map(({ component, kind }) => {
    const promised = plan.plan.find(
      (line) => line.component === component && line.site === site && line.purpose === 'promise',
    )?.worstCaseSeconds;
    const about = { component, kind, site, region: seen.region, rpoSeconds, promisedRpoSeconds: promised ?? null };
    if ('unseen' in seen) return { ...about, status: 'not-seen', reason: seen.unseen, newest: null };
    const points = seen.components.find((each) => each.component === component);
    const newest = points && newestOf(points, now);
    if (!newest) return { ...about, status: 'red', reason: whyNone(points, now), newest: null };
    return { ...about, ...judgeAge(newest.ageSeconds, rpoSeconds, promised), newest };
  });
}

function judgeAge(ageSeconds: number, rpoSeconds: number, promised: number | undefined) {
  const age = formatDuration(ageSeconds);
  if (ageSeconds > rpoSeconds) {
    const reason = `${age} old, the objective is ${formatDuration(rpoSeconds)}: see whether its jobs, copies and exports run`;
    return { status: 'red' as const, reason };
  }
  if (promised !== undefined && ageSeconds > promised) {
    const reason = `older than the plan promises (${formatDuration(promised)}): see whether its jobs, copies and exports run`;
    return { status: 'green' as const, reason };
  }
  return { status: 'green' as const, reason: '' };
}

function whyNone(points: ComponentPoints | undefined, now: Date): string {
  const reasons = [
    ...(points?.points ?? []).flatMap(({ id, unusable }) => (unusable === undefined ? [] : [`${id}: ${unusable}`])),
    ...(points?.windows ?? []).flatMap(({ id, ...window }) => {
      const span = usableSpan(window, now.getTime());
      return 'unusable' in span ? [`${id}: ${span.unusable}`] : [];
    }),
  ];
  return reasons.length === 0
    ? 'nothing can be restored from there'
    : `nothing can be restored from there: ${reasons[0]}`;
}

function judgeDrills(drills: DrillsSeen, rtoSeconds: number, now: Date): DrillStatus {
  if ('unseen' in drills) return { status: 'not-seen', reason: drills.unseen, last: null, rtoSeconds };
  const { last, withoutReport } = drills;
  const newer =
    withoutReport === undefined
      ? ''
      : `${withoutReport} has left no report: it is under way, or ended without a verdict`;
  if (!last) {
    const reason = newer || 'no drill has run: nothing proves that a recovery works';
    return { status: 'red', reason, last: null, rtoSeconds };
  }
  const { report, location } = last;
  const reasons = [...(report.causes[0] === undefined ? [] : [report.causes[0]]), ...(newer === '' ? [] : [newer])];
  return {
    status: report.verdict === 'FAILED' ? 'red' : 'green',
    reason: reasons.join('; '),
    last: {
      drillId: report.drillId,
      verdict: report.verdict,
      startedAt: report.startedAt,
      ageSeconds: ageSecondsOf(Date.parse(report.startedAt), now),
      measuredRpoSeconds: report.measuredRpoSeconds ?? null,
      measuredRtoSeconds: report.measuredRtoSeconds ?? null,
      report: location,
    },
    rtoSeconds,
  };
}

function judgeBaselines({ resources }: RecoveryPlanDocument, seen: BaselinesSeen): BaselineStatus {
  if ('unseen' in seen) return { kept: [], reason: seen.unseen };
  const { records, note } = seen;
  const kept = records
    .map(({ productVersion, createdAt, files, bytes }) => ({ productVersion, createdAt, files, bytes }))
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  // What was noted before the newest baseline was made is past.
  if (note && note.at > (kept[0]?.createdAt ?? '')) return { kept, reason: `${note.reason} (since ${note.at})` };
  if (kept.length > 0) return { kept, reason: '' };
  const how =
    resources?.baselineFunction === undefined
      ? 'run `wso2is-recovery baseline <IS_HOME>` where the server is installed'
      : `${resources.baselineFunction} has made none yet: it is called once a day, and its log group says why`;
  return { kept, reason: how };
}
