// Runs a durable function as the service does, in memory and without waiting for time to pass, so that it can be killed at any
// point: an invocation that was killed does nothing any more, and the next one gets what was checkpointed until then.
import {
  type DurableExecutionClient,
  type DurableExecutionHandler,
  withDurableExecution,
} from '@aws/durable-execution-sdk-js';

type Checkpoint = DurableExecutionClient['checkpoint'];
type CheckpointResponse = Awaited<ReturnType<Checkpoint>>;
type Operation = NonNullable<NonNullable<CheckpointResponse['NewExecutionState']>['Operations']>[number];
type Update = NonNullable<Parameters<Checkpoint>[0]['Updates']>[number];

/** One invocation of the function. */
export interface Invocation {
  /** Dies now; the promise never settles. */
  die(): Promise<never>;
  readonly isDead: boolean;
}

export interface Execution<Result> {
  readonly status: 'SUCCEEDED' | 'FAILED' | 'STOPPED';
  readonly result: Result | undefined;
  readonly error: string | undefined;
  /** How many checkpoints were written, how many invocations it took. */
  readonly checkpoints: number;
  readonly invocations: number;
  /** Everything that Lambda keeps of the execution, as text. */
  readonly history: string;
}

export interface RunOptions {
  readonly event: unknown;
  readonly functions: Readonly<Record<string, (event: never) => Promise<unknown>>>;
  readonly arn?: string;
  /** Dies instead of writing this checkpoint, counted from 1. */
  readonly killBeforeCheckpoint?: number;
  /** The execution ends with the first invocation that dies: stopped, or timed out. */
  readonly endsWhenKilled?: boolean;
}

const ARN = 'arn:aws:lambda:eu-central-1:111122223333:function:wso2is-recovery-drill:1/durable-execution/run/1';

/** More than any drill here needs: a loop that never ends is a bug to be seen. */
const MAX_INVOCATIONS = 3000;

export async function runDurable<Result>(
  handlerOf: (invocation: Invocation) => DurableExecutionHandler<unknown, Result>,
  options: RunOptions,
): Promise<Execution<Result>> {
  const { event, functions, arn = ARN, killBeforeCheckpoint, endsWhenKilled = false } = options;
  const operations = new Map<string, Operation>();
  const outstanding = new Set<Promise<void>>();
  operations.set('execution', {
    Id: 'execution',
    Type: 'EXECUTION',
    Status: 'STARTED',
    StartTimestamp: new Date(),
    ExecutionDetails: { InputPayload: JSON.stringify(event) },
  });
  let checkpoints = 0;

  const answer = (id: string, change: Partial<Operation>) =>
    operations.set(id, { ...operations.get(id)!, ...change, EndTimestamp: new Date() });

  const invoke = (id: string, name: string, payload: string) => {
    const call = Promise.resolve()
      .then(() => {
        const called = functions[name];
        if (called === undefined) throw new Error(`function ${name} does not exist`);
        return called(JSON.parse(payload) as never);
      })
      .then(
        (result) =>
          answer(id, { Status: 'SUCCEEDED', ChainedInvokeDetails: { Result: JSON.stringify(result ?? null) } }),
        (error: Error) =>
          answer(id, {
            Status: 'FAILED',
            ChainedInvokeDetails: { Error: { ErrorMessage: error.message, ErrorType: error.name } },
          }),
      )
      .then(() => void outstanding.delete(call));
    outstanding.add(call);
  };

  const apply = (update: Update): Operation => {
    const id = update.Id!;
    const known = operations.get(id);
    const details = { Result: update.Payload, Error: update.Error };
    const base: Operation = known ?? {
      Id: id,
      ParentId: update.ParentId,
      Name: update.Name,
      Type: update.Type,
      SubType: update.SubType,
      StartTimestamp: new Date(),
      Status: 'STARTED',
    };
    const attempt = (known?.StepDetails?.Attempt ?? 0) + 1;
    switch (update.Action) {
      case 'START':
        operations.set(id, {
          ...base,
          Status: 'STARTED',
          ...(update.Type === 'WAIT' ? { WaitDetails: { ScheduledEndTimestamp: new Date() } } : {}),
        });
        if (update.Type === 'CHAINED_INVOKE') {
          invoke(id, update.ChainedInvokeOptions!.FunctionName!, update.Payload ?? 'null');
        }
        break;
      case 'RETRY':
        operations.set(id, {
          ...base,
          Status: 'PENDING',
          StepDetails: { ...details, Attempt: attempt, NextAttemptTimestamp: new Date() },
        });
        break;
      case 'SUCCEED':
      case 'FAIL':
        operations.set(id, {
          ...base,
          Status: update.Action === 'SUCCEED' ? 'SUCCEEDED' : 'FAILED',
          EndTimestamp: new Date(),
          ...(update.Type === 'STEP' ? { StepDetails: { ...details, Attempt: attempt } } : {}),
          ...(update.Type === 'CONTEXT'
            ? { ContextDetails: { ...details, ReplayChildren: update.ContextOptions?.ReplayChildren } }
            : {}),
        });
        break;
      default:
        throw new Error(`no ${update.Action} here`);
    }
    return operations.get(id)!;
  };

  /** Time passes: what is due is ready. */
  const settle = () => {
    for (const [id, operation] of operations) {
      if (operation.Type === 'STEP' && operation.Status === 'PENDING')
        operations.set(id, { ...operation, Status: 'READY' });
      if (operation.Type === 'WAIT' && operation.Status === 'STARTED') answer(id, { Status: 'SUCCEEDED' });
    }
  };

  const ended = (status: Execution<Result>['status'], invocations: number, result?: string, error?: string) => ({
    status,
    result: result === undefined || result === '' ? undefined : (JSON.parse(result) as Result),
    error,
    checkpoints,
    invocations,
    history: JSON.stringify([...operations.values()]),
  });

  for (let invocations = 1; invocations <= MAX_INVOCATIONS; invocations++) {
    let dies: () => void = () => undefined;
    const death = new Promise<'dead'>((resolve) => {
      dies = () => resolve('dead');
    });
    const state = { isDead: false };
    const invocation: Invocation = {
      get isDead() {
        return state.isDead;
      },
      die: () => {
        state.isDead = true;
        dies();
        return new Promise<never>(() => undefined);
      },
    };
    const client: DurableExecutionClient = {
      getExecutionState: () => Promise.resolve({ Operations: [] }),
      checkpoint: async ({ Updates = [] }) => {
        if (state.isDead) return new Promise<never>(() => undefined);
        if (Updates.length > 0 && ++checkpoints === killBeforeCheckpoint) return invocation.die();
        // Polls for what others ended meanwhile.
        if (Updates.length === 0) {
          settle();
          await Promise.race([...outstanding, new Promise((resolve) => setImmediate(resolve))]);
        }
        Updates.forEach(apply);
        return { CheckpointToken: 'token', NewExecutionState: { Operations: [...operations.values()] } };
      },
    };
    const handler = withDurableExecution(handlerOf(invocation), { durableExecutionClient: client });
    const output = await Promise.race([
      handler(
        {
          DurableExecutionArn: arn,
          CheckpointToken: 'token',
          InitialExecutionState: { Operations: [...operations.values()] },
        } as never,
        { awsRequestId: String(invocations), getRemainingTimeInMillis: () => 900_000 } as never,
      ) as Promise<{ Status: string; Result?: string; Error?: { ErrorMessage?: string } }>,
      death,
    ]);
    if (output === 'dead') {
      if (endsWhenKilled) return ended('STOPPED', invocations);
    } else if (output.Status === 'SUCCEEDED') return ended('SUCCEEDED', invocations, output.Result);
    else if (output.Status === 'FAILED')
      return ended('FAILED', invocations, undefined, output.Error?.ErrorMessage ?? 'no reason');
    await Promise.all(outstanding);
    settle();
  }
  throw new Error(`not at its end after ${MAX_INVOCATIONS} invocations`);
}
