import type { CheckOutcome, CheckResult } from './contract';
import type { Check, Surroundings, Target } from './check';
import { artifactHashes } from './checks/artifact-hashes';
import { datasourceConnects } from './checks/datasource-connects';
import { declaredDatabases } from './checks/declared-databases';
import { encryptedValues } from './checks/encrypted-values';
import { encryptionKey } from './checks/encryption-key';
import { keystoresOpen } from './checks/keystores-open';
import { keystoresPresent } from './checks/keystores-present';
import { rowCounts } from './checks/row-counts';
import { tablesPresent } from './checks/tables-present';
import { tenantsAgree } from './checks/tenants-agree';
import { userStores } from './checks/user-stores';

/** In the order in which a person wants to read them: can it be reached, is it whole, does it fit together. */
export const CHECKS: readonly Check[] = [
  datasourceConnects,
  tablesPresent,
  rowCounts,
  tenantsAgree,
  userStores,
  declaredDatabases,
  keystoresPresent,
  keystoresOpen,
  encryptionKey,
  encryptedValues,
  artifactHashes,
];

/** Runs every check, one after the other so that one does not slow what the other measures. Never throws. */
export async function runChecks(
  surroundings: Surroundings,
  nowMs: () => number,
  checks: readonly Check[] = CHECKS,
): Promise<CheckResult> {
  const outcomes: CheckOutcome[] = [];
  for (const check of checks) {
    for (const target of targetsOf(check, surroundings)) {
      const startedMs = nowMs();
      const finding = await target.run().catch((error: unknown) => ({
        status: 'FAILED' as const,
        reason: `the check could not be made: ${messageOf(error)}`,
        compared: {},
      }));
      outcomes.push({
        check: check.name,
        component: target.component,
        ...finding,
        durationMs: Math.round(nowMs() - startedMs),
      });
    }
  }
  return { checks: outcomes };
}

function targetsOf(check: Check, surroundings: Surroundings): readonly Target[] {
  try {
    return check.targets(surroundings);
  } catch (error) {
    return [{ component: 'deployment', run: () => Promise.reject(error as Error) }];
  }
}

function messageOf(error: unknown): string {
  // A connection that is refused on every address is an AggregateError with an empty message.
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message || error.name : String(error);
}
