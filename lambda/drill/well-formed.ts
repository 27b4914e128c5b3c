import type { CheckOutcome, CheckStatus } from '../check/contract';

const STATUSES: readonly unknown[] = ['PASSED', 'WARNING', 'FAILED', 'SKIPPED'] satisfies CheckStatus[];

/** What a check function answered, as its contract has it: what does not keep to the contract proved nothing, so it FAILED. */
export function wellFormed(outcome: unknown): CheckOutcome {
  const { check, component, status, reason, compared, durationMs } = (outcome ?? {}) as Record<string, unknown>;
  const facts = Object.entries(isObject(compared) ? compared : {});
  const kept = facts.filter((fact): fact is [string, string | number] => isFact(fact[1]));
  const problems = [
    ...(typeof check === 'string' && typeof component === 'string' ? [] : ['it does not say what was checked']),
    ...(STATUSES.includes(status) ? [] : [`unknown status ${JSON.stringify(status)}`]),
    ...(typeof reason === 'string' && reason !== '' ? [] : ['no reason']),
    ...(isObject(compared) && kept.length === facts.length ? [] : ['what was compared is no texts and numbers']),
  ];
  const said = typeof reason === 'string' && reason !== '' ? reason : 'the check function did not keep to its contract';
  return {
    check: typeof check === 'string' ? check : 'unknown check',
    component: typeof component === 'string' ? component : 'deployment',
    status: problems.length > 0 ? 'FAILED' : (status as CheckStatus),
    reason: problems.length > 0 ? `${said} (${problems.join('; ')})` : said,
    compared: Object.fromEntries(kept),
    durationMs: typeof durationMs === 'number' && durationMs >= 0 ? durationMs : 0,
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isFact = (value: unknown) => typeof value === 'string' || Number.isFinite(value);
