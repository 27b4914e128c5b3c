/** What our checks say of a database that a restore test made. Pure. */
import type { CheckOutcome } from '../check/contract';
import type { RestoreTestVerdict } from './contract';

/**
 * Checks that need a database alone: connected with its own credentials, its tables and rows. What compares it with the volumes, or decrypts its
 * values, is for drills: a restore test brings back one resource.
 */
export const CHECKS_OF_A_DATABASE = ['datasource-connects', 'tables-present', 'row-counts'] as const;

/** Those without which nothing is proven. */
const REQUIRED = ['datasource-connects', 'tables-present'] as const;

/** @param datasources how many the database holds */
export function verdictOf(outcomes: unknown, datasources: number): RestoreTestVerdict {
  if (!Array.isArray(outcomes) || !outcomes.every(isOutcome)) {
    return failed('the check function answered with something else than checks');
  }
  const wrong = outcomes.filter(({ status }) => !HARMLESS.includes(status));
  if (wrong.length > 0) return failed(wrong.map(({ check, reason }) => `${check}: ${reason}`).join('; '));
  for (const check of REQUIRED) {
    const passed = outcomes.filter((each) => each.check === check && GOOD.includes(each.status)).length;
    if (datasources === 0 || passed < datasources) {
      return failed(`${check} passed for ${passed} of ${datasources} datasources: the others were not checked`);
    }
  }
  const done = outcomes.filter(({ status }) => GOOD.includes(status)).length;
  return { status: 'SUCCESSFUL', reason: `${done} checks passed over ${datasources} datasources` };
}

export const failed = (reason: string): RestoreTestVerdict => ({ status: 'FAILED', reason });

const GOOD = ['PASSED', 'WARNING'];
/** An unknown status is no pass. */
const HARMLESS = [...GOOD, 'SKIPPED'];

function isOutcome(outcome: unknown): outcome is CheckOutcome {
  const { check, status, reason } = (outcome ?? {}) as Partial<Record<keyof CheckOutcome, unknown>>;
  return [check, status, reason].every((text) => typeof text === 'string');
}
