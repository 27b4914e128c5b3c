/**
 * Steps, waits and invocations that write down when they began and ended, and how.
 *
 * A failure is kept as a value of the step rather than thrown by it: so its times are in the checkpoint, a replay sees the
 * very same, and the report shows them. The journal of a child context must be part of what that context returns, since a
 * replay does not run a finished context again.
 */
import type { DurableContext, WaitForConditionDecision } from '@aws/durable-execution-sdk-js';
import type { StepReport } from './contract';

/** ISO 8601; the one clock of the drill, to be read within steps only. */
export type Clock = () => string;

export class Journal {
  readonly steps: StepReport[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly component?: string,
  ) {}

  /**
   * One call, or a few that belong together. Tried again, with growing pauses, where the error is one that passes
   * (throttling, a connection that broke); any other ends it at once.
   *
   * @throws DrillError with what went wrong.
   */
  async step<Result>(context: DurableContext, name: string, run: () => Promise<Result>): Promise<Result> {
    const outcome = await context.step(
      name,
      async ({ attempt }): Promise<Outcome<Result>> => {
        const startedAt = this.clock();
        try {
          const value = await run();
          return { ok: true, value, startedAt, endedAt: this.clock() };
        } catch (error) {
          if (isTransient(error) && attempt < MAX_ATTEMPTS) throw error;
          return { ok: false, message: describeError(error), startedAt, endedAt: this.clock() };
        }
      },
      {
        retryStrategy: (_error, attempt) => ({
          shouldRetry: attempt < MAX_ATTEMPTS,
          delay: { seconds: 2 ** attempt },
        }),
      },
    );
    return this.record(name, outcome);
  }

  /** Asks `look` again until it gives a value, for at most `timeoutSeconds`. `look` throws where waiting cannot help. */
  async wait<Result>(
    context: DurableContext,
    name: string,
    timeoutSeconds: number,
    look: () => Promise<Look<Result>>,
  ): Promise<Result> {
    const startedAt = await context.step(`${name}: begin`, () => Promise.resolve(this.clock()));
    const last = await context.waitForCondition<Waited<Result>>(
      name,
      async (): Promise<Waited<Result>> => {
        try {
          const seen = await look();
          return 'done' in seen
            ? { outcome: { ok: true, value: seen.done, startedAt, endedAt: this.clock() } }
            : { outcome: null, seen: seen.notYet };
        } catch (error) {
          if (isTransient(error)) return { outcome: null, seen: describeError(error) };
          return { outcome: { ok: false, message: describeError(error), startedAt, endedAt: this.clock() } };
        }
      },
      {
        initialState: { outcome: null },
        waitStrategy: ({ outcome }, attempt) =>
          outcome === null ? nextLook(attempt, timeoutSeconds) : { shouldContinue: false },
      },
    );
    const endedAt = last.outcome?.endedAt ?? (await context.step(`${name}: end`, () => Promise.resolve(this.clock())));
    return this.record(
      name,
      last.outcome ?? {
        ok: false,
        message: `not done after ${timeoutSeconds} s${last.seen === undefined ? '' : ` (last seen: ${last.seen})`}`,
        startedAt,
        endedAt,
      },
    );
  }

  /** Calls another function and waits for what it answers. */
  async invoke<Event, Result>(
    context: DurableContext,
    name: string,
    functionName: string,
    event: Event,
  ): Promise<{ readonly result: Result; readonly endedAt: string }> {
    const startedAt = await context.step(`${name}: begin`, () => Promise.resolve(this.clock()));
    const answer = await context.invoke<Event, Result>(name, functionName, event).then(
      (result) => ({ ok: true as const, value: result }),
      (error: unknown) => ({ ok: false as const, message: describeError(error) }),
    );
    const endedAt = await context.step(`${name}: end`, () => Promise.resolve(this.clock()));
    return { result: this.record(name, { ...answer, startedAt, endedAt }), endedAt };
  }

  private record<Result>(name: string, outcome: Outcome<Result>): Result {
    this.steps.push({
      name,
      ...(this.component === undefined ? {} : { component: this.component }),
      startedAt: outcome.startedAt,
      endedAt: outcome.endedAt,
      outcome: outcome.ok ? 'OK' : 'FAILED',
      ...(outcome.ok ? {} : { detail: outcome.message }),
    });
    if (outcome.ok) return outcome.value;
    throw new DrillError(`${name}: ${outcome.message}`);
  }
}

/** When the last of the steps ended. */
export function lastEnd({ steps }: Journal): string {
  const last = steps.at(-1);
  if (last === undefined) throw new DrillError('something was done without any step: this is a bug');
  return last.endedAt;
}

/** Something did not work, in words for the report. */
export class DrillError extends Error {
  override readonly name = 'DrillError';
}

export type Look<Result> = { readonly done: Result } | { readonly notYet: string };

type Outcome<Result> =
  | { readonly ok: true; readonly value: Result; readonly startedAt: string; readonly endedAt: string }
  | { readonly ok: false; readonly message: string; readonly startedAt: string; readonly endedAt: string };

interface Waited<Result> {
  readonly outcome: Outcome<Result> | null;
  readonly seen?: string;
}

/** With pauses of 2, 4, 8 and 16 s: half a minute bridges what passes by itself. */
const MAX_ATTEMPTS = 5;

const LONGEST_PAUSE_SECONDS = 30;

/** Looks often at first, since some things are quick, then twice a minute, since AWS throttles who asks too often. */
export function nextLook(attempt: number, timeoutSeconds: number): WaitForConditionDecision {
  let waited = 0;
  for (let earlier = 1; earlier < attempt; earlier++) waited += pauseAfter(earlier);
  const left = timeoutSeconds - waited;
  return left <= 0
    ? { shouldContinue: false }
    : { shouldContinue: true, delay: { seconds: Math.min(pauseAfter(attempt), left) } };
}

const pauseAfter = (attempt: number) => Math.min(attempt, LONGEST_PAUSE_SECONDS);

const TRANSIENT_NAMES = new Set([
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestTimeout',
  'RequestTimeoutException',
  'SlowDown',
  'TimeoutError',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'InternalError',
  'InternalFailure',
  'InternalServerException',
]);
const TRANSIENT_CODES = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);

/** Whether the same call may succeed a little later. */
export function isTransient(error: unknown): boolean {
  const { name, code, $metadata } = (error ?? {}) as {
    name?: string;
    code?: string;
    $metadata?: { httpStatusCode?: number };
  };
  return TRANSIENT_NAMES.has(name ?? '') || TRANSIENT_CODES.has(code ?? '') || ($metadata?.httpStatusCode ?? 0) >= 500;
}

/** AWS's name of an error, with and without `Fault` at its end: the SDK and the API do not agree on it. */
export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && [name, `${name}Fault`].includes(error.name);
}

/** `AccessDeniedException: User ... is not authorized`: AWS's own words are what people search for. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const generic = error.name === 'Error' || error instanceof DrillError || error.name === 'InvokeError';
  const message = error.message || error.name;
  return generic ? message : `${error.name}: ${message}`;
}
