import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { CheckEvent, CheckOutcome } from '../check/contract';
import type { OwnCheckAnswer, OwnCheckEvent } from '../check/own-check-contract';
import type { OwnCheck } from './settings';
import { describeError, type Journal } from './steps';

/** What becomes of a reason that a user's function gives: it is kept in a checkpoint and shown in a line of the report. */
const LONGEST_REASON = 1000;
const STATUSES: readonly string[] = ['PASSED', 'WARNING', 'FAILED'];

export const outcomeName = (name: string) => `own: ${name}`;

/** Calls the user's own checks, one after the other. Never throws: what goes wrong with one is its outcome. */
export async function runOwnChecks(
  context: DurableContext,
  journal: Journal,
  checks: readonly OwnCheck[],
  { drillId, deployment, databases }: CheckEvent,
): Promise<readonly CheckOutcome[]> {
  const outcomes: CheckOutcome[] = [];
  for (const { name, functionArn } of checks) {
    const answer = await journal
      .invoke<OwnCheckEvent, unknown>(context, `own check ${name}`, functionArn, { drillId, deployment, databases })
      .then(
        ({ result }) => judgeAnswer(result),
        (error: unknown) => failure(`its function did not answer (${describeError(error)})`),
      );
    const { startedAt = '', endedAt = '' } = journal.steps.at(-1) ?? {};
    outcomes.push({
      check: outcomeName(name),
      component: 'deployment',
      ...answer,
      durationMs: Date.parse(endedAt) - Date.parse(startedAt),
    });
  }
  return outcomes;
}

/** What does not keep to the contract proved nothing, whatever it says. */
export function judgeAnswer(answer: unknown): Pick<CheckOutcome, 'status' | 'reason' | 'compared'> {
  if (typeof answer !== 'object' || answer === null)
    return failure(`its function must answer an object, got ${kind(answer)}`);
  const { status, reason, compared = {} } = answer as Partial<Record<keyof OwnCheckAnswer, unknown>>;
  if (typeof status !== 'string' || !STATUSES.includes(status)) {
    return failure(`\`status\` of its answer must be one of ${STATUSES.join(', ')}, got ${kind(status)}`);
  }
  if (typeof reason !== 'string' || reason.trim() === '') {
    return failure(`\`reason\` of its answer must be a sentence, got ${kind(reason)}`);
  }
  if (!isComparison(compared)) {
    return failure(`\`compared\` of its answer must hold texts and numbers alone, got ${kind(compared)}`);
  }
  return { status: status as OwnCheckAnswer['status'], reason: reason.slice(0, LONGEST_REASON), compared };
}

const isComparison = (value: unknown): value is CheckOutcome['compared'] =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((each) => typeof each === 'string' || Number.isFinite(each));

const failure = (reason: string) => ({ status: 'FAILED' as const, reason, compared: {} });

/** Short, and never more of the answer than its status: the rest may hold anything. */
function kind(value: unknown): string {
  if (value === undefined) return 'none';
  if (value === null) return 'null';
  if (typeof value === 'string') return value === '' ? 'an empty text' : JSON.stringify(value.slice(0, 40));
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : String(value);
}
