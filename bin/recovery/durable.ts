/** Starts a function and follows it: a durable one by its history, another by waiting for its answer. */
import {
  GetDurableExecutionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  paginateGetDurableExecutionHistory,
  type Event,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import type { Clients } from './clients';
import { until } from './wait';

/** A step of an execution that has ended. */
export interface EndedStep {
  readonly name: string;
  /** Absent: it succeeded. */
  readonly failure?: string;
}

export class ExecutionError extends Error {
  override readonly name = 'ExecutionError';
}

/** @throws ExecutionError when the function fails */
export async function callFunction<T>(
  clients: Clients,
  functionName: string,
  payload: unknown,
  onStep: (step: EndedStep) => void = () => {},
): Promise<T> {
  const { DurableConfig } = await clients
    .lambda()
    .send(new GetFunctionConfigurationCommand({ FunctionName: functionName }));
  if (DurableConfig) {
    const arn = await startExecution(clients.lambda(), functionName, payload);
    return followExecution<T>(clients.lambda(), arn, onStep);
  }
  const answer = await clients
    .invoking()
    .send(new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(payload) }));
  const text = Buffer.from(answer.Payload ?? []).toString();
  if (answer.FunctionError !== undefined) throw new ExecutionError(`${functionName}: ${errorMessageIn(text)}`);
  return JSON.parse(text) as T;
}

function errorMessageIn(text: string): string {
  try {
    return (JSON.parse(text) as { readonly errorMessage?: string }).errorMessage ?? text;
  } catch {
    return text;
  }
}

/**
 * @param functionName with the alias or version: a durable function cannot be invoked without
 * @returns the ARN of the durable execution, by which it can be followed
 */
export async function startExecution(client: LambdaClient, functionName: string, payload: unknown): Promise<string> {
  const { DurableExecutionArn } = await client.send(
    new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event', Payload: JSON.stringify(payload) }),
  );
  if (DurableExecutionArn === undefined) throw new ExecutionError(`${functionName} did not start a durable execution`);
  return DurableExecutionArn;
}

const LONGEST_PAUSE_MS = 5_000;

/**
 * @returns what the function returned
 * @throws ExecutionError when the execution ends otherwise
 */
export async function followExecution<T>(
  client: LambdaClient,
  executionArn: string,
  onStep: (step: EndedStep) => void,
): Promise<T> {
  const told = new Set<number | undefined>();
  const tell = async () => {
    for (const { id, step } of await endedSteps(client, executionArn)) {
      if (!told.has(id)) onStep(step);
      told.add(id);
    }
  };
  const ended = await until(
    Infinity,
    async () => {
      const execution = await client.send(new GetDurableExecutionCommand({ DurableExecutionArn: executionArn }));
      // After the status: so that the last steps are told too.
      await tell();
      return execution.Status === 'RUNNING' ? undefined : execution;
    },
    LONGEST_PAUSE_MS,
  );
  if (ended.Status !== 'SUCCEEDED') {
    throw new ExecutionError(
      `execution ${executionArn} ${ended.Status}: ${ended.Error?.ErrorMessage ?? 'no reason given'}`,
    );
  }
  return JSON.parse(ended.Result ?? 'null') as T;
}

async function endedSteps(client: LambdaClient, DurableExecutionArn: string) {
  const steps: { id: number | undefined; step: EndedStep }[] = [];
  // The end of an operation need not say its name again.
  const names = new Map<string | undefined, string>();
  const pages = paginateGetDurableExecutionHistory({ client }, { DurableExecutionArn, IncludeExecutionData: true });
  for await (const { Events } of pages) {
    for (const event of Events ?? []) {
      if (event.Name !== undefined) names.set(event.Id, event.Name);
      const step = endedStepOf({ ...event, Name: event.Name ?? names.get(event.Id) });
      if (step) steps.push({ id: event.EventId, step });
    }
  }
  return steps;
}

/** Undefined where the event is none that people follow. */
export function endedStepOf({ EventType, Name, ...event }: Event): EndedStep | undefined {
  if (Name === undefined || !/^(Step|ChainedInvoke)(Succeeded|Failed)$/.test(EventType ?? '')) return undefined;
  // The clock is read in steps of its own.
  if (/(^|: )(begin|end)$/.test(Name)) return undefined;
  if (EventType!.endsWith('Failed')) {
    const error = event.StepFailedDetails?.Error ?? event.ChainedInvokeFailedDetails?.Error;
    return { name: Name, failure: error?.Payload?.ErrorMessage ?? 'no reason given' };
  }
  const failure = failureIn(event.StepSucceededDetails?.Result?.Payload);
  return failure === undefined ? { name: Name } : { name: Name, failure };
}

/** The drill keeps the failure of a step as its value, so that its report shows it. */
function failureIn(payload: string | undefined): string | undefined {
  try {
    const value = JSON.parse(payload ?? 'null') as Outcome | { readonly outcome?: Outcome } | null;
    const outcome = value !== null && 'outcome' in value ? value.outcome : (value as Outcome | null);
    return outcome?.ok === false ? (outcome.message ?? 'no reason given') : undefined;
  } catch {
    return undefined;
  }
}

interface Outcome {
  readonly ok?: boolean;
  readonly message?: string;
}
