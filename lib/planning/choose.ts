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

/** Where a site is, in a sentence. */
export const atSite = (site: Site) => (site === 'dr-site' ? 'at the DR site' : 'in the Region');

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

/** By how much a candidate misses the RPO of a site: 0 where it is met, Infinity where nothing gets there. */
const missAt = (site: Site, { lines }: Candidate<unknown>, objectives: SiteObjectives) =>
  Math.max(0, (promiseAt(site, lines)?.worstCaseSeconds ?? Infinity) - objectiveAt(site, objectives).rpoSeconds);

/**
 * The cheapest candidate that meets the RPO of both sites, the first of equals; where none does, of those that come nearest
 * to the RPO in the Region the one that comes nearest to that of the DR site.
 * @param candidates at least one
 */
export function choose<Protection>(
  candidates: readonly Candidate<Protection>[],
  objectives: SiteObjectives,
): Candidate<Protection> {
  const [first, ...others] = candidates.map((candidate) => ({
    candidate,
    rank: [...SITES.map((site) => missAt(site, candidate, objectives)), costOf(candidate)],
  }));
  return others.reduce((best, other) => (isLess(other.rank, best.rank) ? other : best), first).candidate;
}

/**
 * The line that could carry the promise of a site at its tightest, by `choose`'s order: at the DR site, of the candidates
 * that come nearest to the RPO in the Region. So the nearest values of both sites can be met together.
 */
export function tightestAt(
  site: Site,
  candidates: readonly Candidate<unknown>[],
  objectives: SiteObjectives,
): PlanLine | undefined {
  const misses = candidates.map((candidate) => missAt('in-region', candidate, objectives));
  const least = Math.min(...misses);
  const pool = site === 'in-region' ? candidates : candidates.filter((_, index) => misses[index] === least);
  return promiseAt(
    site,
    pool.flatMap(({ lines }) => lines),
  );
}

const costOf = ({ lines }: Candidate<unknown>) => lines.reduce((sum, { usdPerMonth }) => sum + usdPerMonth, 0);

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

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const differing = a.findIndex((value, index) => value !== b[index]);
  return differing >= 0 && a[differing] < b[differing];
}
