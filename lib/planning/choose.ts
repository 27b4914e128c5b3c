/** From what could protect a component to what will: the cheapest combination that meets the objectives at both sites. */
import type { ObjectiveSeconds, PlanLine, Site } from './plan-document';

/** One combination of techniques and schedules for a component. */
export interface Candidate<Protection> {
  readonly lines: readonly PlanLine[];
  readonly protection: Protection;
}

export interface SiteObjectives {
  readonly inRegion: ObjectiveSeconds;
  readonly drSite: ObjectiveSeconds;
}

export const SITES: readonly Site[] = ['in-region', 'dr-site'];

export const objectiveAt = (site: Site, { inRegion, drSite }: SiteObjectives) =>
  site === 'in-region' ? inRegion : drSite;

/**
 * The line that carries the promise at a site: the shortest worst case, the first of equals. None where nothing brings the
 * component to the site.
 */
export const promiseAt = (site: Site, lines: readonly PlanLine[]): PlanLine | undefined =>
  lines
    .filter((line) => line.site === site)
    .reduce<PlanLine | undefined>(
      (best, line) => (best && best.worstCaseSeconds <= line.worstCaseSeconds ? best : line),
      undefined,
    );

/** By how much each site misses its RPO, Infinity where nothing gets there: none where all are met. */
const misses = ({ lines }: Candidate<unknown>, objectives: SiteObjectives) =>
  SITES.map(
    (site) => (promiseAt(site, lines)?.worstCaseSeconds ?? Infinity) - objectiveAt(site, objectives).rpoSeconds,
  ).filter((seconds) => seconds > 0);

/**
 * The cheapest candidate that meets the RPO of both sites, the first of equals; where none does, the one that misses
 * fewest of them, and those by least.
 * @param candidates at least one
 */
export function choose<Protection>(
  candidates: readonly Candidate<Protection>[],
  objectives: SiteObjectives,
): Candidate<Protection> {
  const rank = (candidate: Candidate<Protection>) => {
    const missed = misses(candidate, objectives);
    return [
      missed.length,
      sum(missed.filter(Number.isFinite)),
      sum(candidate.lines.map(({ usdPerMonth }) => usdPerMonth)),
    ];
  };
  const [first, ...others] = candidates.map((candidate) => ({ candidate, rank: rank(candidate) }));
  return others.reduce((best, other) => (isLess(other.rank, best.rank) ? other : best), first).candidate;
}

/** The lines as they are shown: what carries the promise first, at each site. */
export const withPurpose = (lines: readonly PlanLine[]): PlanLine[] =>
  SITES.flatMap((site) => {
    const promise = promiseAt(site, lines);
    if (promise === undefined) return [];
    return [
      { ...promise, purpose: 'promise' as const },
      ...lines.filter((line) => line.site === site && line !== promise),
    ];
  });

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const differing = a.findIndex((value, index) => value !== b[index]);
  return differing >= 0 && a[differing] < b[differing];
}
