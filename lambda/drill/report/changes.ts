/** What differs between two drills, in sentences for people. Pure. */
import type { CheckOutcome } from '../../check/contract';
import type { ComponentReport, Verdict } from '../contract';
import { duration, inWords } from './format';
import type { LastDrill, PastCheck } from './history';

/** Of this drill, as far as it is compared. */
export interface ThisDrill {
  readonly verdict: Verdict;
  readonly measuredRpoSeconds?: number;
  readonly measuredRtoSeconds?: number;
  readonly components: readonly ComponentReport[];
  readonly checks: readonly CheckOutcome[];
}

/** How many sentences a page is worth; the rest is counted. */
const MOST_CHANGES = 40;
/** Times differ a little from drill to drill: less than this share is no news. */
const NEWS = 0.1;

/** In the order of weight: verdict, components, checks, times, numbers. */
export function changesSince(last: LastDrill, now: ThisDrill): readonly string[] {
  const changes = [
    ...(last.verdict === now.verdict ? [] : [`the verdict was ${last.verdict}, and is ${now.verdict}`]),
    ...componentChanges(last, now),
    ...checkChanges(last, now),
    ...timeChange('loss (RPO)', last.measuredRpoSeconds, now.measuredRpoSeconds),
    ...timeChange('recovery time (RTO)', last.measuredRtoSeconds, now.measuredRtoSeconds),
    ...comparedChanges(last, now),
  ];
  const rest = changes.length - MOST_CHANGES;
  return rest <= 0 ? changes : [...changes.slice(0, MOST_CHANGES), `and ${rest} more: compare the two report.json`];
}

function componentChanges(last: LastDrill, now: ThisDrill): readonly string[] {
  const before = new Map(last.components.map((component) => [component.component, component]));
  const after = new Set(now.components.map(({ component }) => component));
  return [
    ...now.components.flatMap(({ component, technique, verdict }) => {
      const was = before.get(component);
      if (was === undefined) return [`${component} is new in the plan`];
      return [
        ...(was.technique === technique
          ? []
          : [`${component} was restored from ${was.technique}, and is from ${technique}`]),
        ...(was.verdict === verdict ? [] : [`${component} was ${was.verdict}, and is ${verdict}`]),
      ];
    }),
    ...[...before.keys()].filter((name) => !after.has(name)).map((name) => `${name} is no longer in the plan`),
  ];
}

function checkChanges(last: LastDrill, now: ThisDrill): readonly string[] {
  // A drill that broke off before its checks says so by its causes; that each of them is missing is no news.
  if (now.checks.length === 0 || last.checks.length === 0) return [];
  const before = byIdentity(last.checks);
  const after = byIdentity(now.checks);
  return [
    ...[...after].flatMap(([name, { status }]) => {
      const was = before.get(name);
      if (was === undefined) return [`${name} is a new check: ${status}`];
      return was.status === status ? [] : [`${name} was ${was.status}, and is ${status}`];
    }),
    ...[...before.keys()].filter((name) => !after.has(name)).map((name) => `${name} was not checked this time`),
  ];
}

function comparedChanges(last: LastDrill, now: ThisDrill): readonly string[] {
  const before = byIdentity(last.checks);
  return [...byIdentity(now.checks)].flatMap(([name, { compared }]) => {
    const was = before.get(name)?.compared ?? {};
    return Object.entries(compared).flatMap(([key, value]) =>
      !Object.hasOwn(was, key) || was[key] === value
        ? []
        : [`${name}: ${inWords(key)} was ${was[key]}, and is ${value}${difference(was[key], value)}`],
    );
  });
}

/** A check of a database is made of each of its datasources. */
export function byIdentity<Outcome extends PastCheck>(checks: readonly Outcome[]): ReadonlyMap<string, Outcome> {
  return new Map(
    checks.map((outcome) => {
      const datasource = outcome.compared['datasource'];
      const of = datasource === undefined ? outcome.component : `${outcome.component}, ${datasource}`;
      return [`${outcome.check} of ${of}`, outcome];
    }),
  );
}

function difference(was: unknown, is: unknown): string {
  if (typeof was !== 'number' || typeof is !== 'number') return '';
  return ` (${is > was ? '+' : '−'}${Math.abs(is - was)})`;
}

function timeChange(what: string, was: number | undefined, is: number | undefined): readonly string[] {
  if (was === undefined || is === undefined) return [];
  if (Math.abs(is - was) < Math.max(1, was * NEWS)) return [];
  return [`${what} was ${duration(was)}, and is ${duration(is)}`];
}
