import {
  type ExecutionStatus,
  InvokeCommand,
  LambdaClient,
  ListDurableExecutionsByFunctionCommand,
} from '@aws-sdk/client-lambda';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type LocalAws, startLocalAws } from '../../local/local-aws';
import { createStack, eventually, inlineFunction } from './stack';

// Runs with the SDK as it is published; a file counts what really happened, across invocations and replays.
const FLOW = `
const { withDurableExecution } = require('@aws/durable-execution-sdk-js');
const fs = require('fs');
const count = (id, what) => {
  const file = process.env.COUNTS + '/' + id + '-' + what;
  fs.appendFileSync(file, 'x');
  return fs.readFileSync(file, 'utf8').length;
};
exports.handler = withDurableExecution(async ({ kind, id }, context) => {
  count(id, 'invocations');
  const retries = { retryStrategy: (error, attempt) => ({ shouldRetry: attempt < 3, delay: { seconds: 1 } }) };
  switch (kind) {
    case 'retry':
      return context.step('flaky', async () => {
        const attempt = count(id, 'attempts');
        if (attempt < 3) throw new Error('attempt ' + attempt);
        return attempt;
      }, retries);
    case 'exhausted':
      return context.step('never', async () => { count(id, 'attempts'); throw new Error('broken for good'); }, retries);
    case 'wait': {
      const first = await context.step('before', async () => count(id, 'before'));
      await context.wait('pause', { seconds: 1 });
      return { first, second: await context.step('after', async () => count(id, 'after')) };
    }
    case 'condition':
      return context.waitForCondition('until', async (state) => ({ seen: state.seen + 1 }), {
        initialState: { seen: 0 },
        waitStrategy: (state) => state.seen < 3 ? { shouldContinue: true, delay: { seconds: 1 } } : { shouldContinue: false },
      });
    case 'parallel': {
      const both = await context.parallel('both', [
        async (branch) => { await branch.wait('w', { seconds: 1 }); return branch.step('s', async () => 'slow'); },
        async (branch) => branch.step('s', async () => 'quick'),
      ]);
      return both.getResults();
    }
    case 'map': {
      const all = await context.map('all', [1, 2, 3], async (item, n) => item.step('double', async () => n * 2));
      return all.getResults();
    }
    case 'one-branch-fails': {
      const both = await context.parallel('both', [
        async (branch) => branch.step('s', async () => { throw new Error('left broke'); }, { retryStrategy: () => ({ shouldRetry: false }) }),
        async (branch) => branch.step('s', async () => 'right'),
      ], { completionConfig: { toleratedFailureCount: 1 } });
      return { succeeded: both.successCount, failed: both.failureCount };
    }
    case 'invoke':
      return context.invoke('call', 'plain', { n: 21 });
    case 'invoke-fails':
      try { return await context.invoke('call', 'plain', { n: 'x' }); } catch (error) { return { caught: error.message }; }
    case 'fail':
      throw new Error('the flow gave up');
    case 'crash-once':
      await context.step('first', async () => count(id, 'first'));
      if (count(id, 'crashes') === 1) process.exit(1);
      return context.step('second', async () => 'survived');
  }
});`;

const PLAIN = `exports.handler = async ({ n }) => {
  if (typeof n !== 'number') throw new Error('n is no number');
  return { doubled: n * 2 };
};`;

const LETTER = `exports.handler = async ({ Records: [{ Sns }] }) => {
  require('fs').writeFileSync(process.env.COUNTS + '/letter', JSON.stringify({ message: Sns.Message, error: Sns.MessageAttributes.ErrorMessage.Value }));
};`;

const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:failures';
let aws: LocalAws;
let client: LambdaClient;

before(async () => {
  aws = await startLocalAws();
  client = new LambdaClient(aws.clientConfig('eu-central-1'));
  const Environment = { Variables: { COUNTS: aws.dataDir } };
  const durable = { Environment, DurableConfig: { ExecutionTimeout: 60, RetentionPeriodInDays: 1 } };
  const stack = await createStack(aws, 'eu-central-1', 'durable', {
    Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'failures' } },
    Plain: inlineFunction('plain', PLAIN),
    Letter: inlineFunction('letter', LETTER, { Environment }),
    Subscription: {
      Type: 'AWS::SNS::Subscription',
      DependsOn: ['Topic', 'Letter'],
      Properties: {
        TopicArn: TOPIC,
        Protocol: 'lambda',
        Endpoint: 'arn:aws:lambda:eu-central-1:123456789012:function:letter',
      },
    },
    Flow: {
      ...inlineFunction('flow', FLOW, { ...durable, DeadLetterConfig: { TargetArn: TOPIC } }),
      DependsOn: ['Topic'],
    },
    Hasty: inlineFunction('hasty', FLOW, {
      ...durable,
      DurableConfig: { ExecutionTimeout: 1, RetentionPeriodInDays: 1 },
    }),
    Version: { Type: 'AWS::Lambda::Version', DependsOn: ['Flow'], Properties: { FunctionName: 'flow' } },
  });
  assert.deepEqual(stack, { status: 'CREATE_COMPLETE', reasons: [] });
});

after(() => aws.stop());

async function invoke(
  kind: string,
  options: { id?: string; name?: string; function?: string; qualifier?: string } = {},
) {
  const { FunctionError, Payload, ExecutedVersion, DurableExecutionArn } = await client.send(
    new InvokeCommand({
      FunctionName: options.function ?? 'flow',
      Qualifier: options.qualifier ?? '$LATEST',
      DurableExecutionName: options.name,
      Payload: JSON.stringify({ kind, id: options.id ?? kind }),
    }),
  );
  const answer: unknown = JSON.parse(Payload?.transformToString() ?? 'null');
  return { error: FunctionError, answer, version: ExecutedVersion, arn: DurableExecutionArn };
}

async function counted(id: string, what: string): Promise<number> {
  return (await readFile(join(aws.dataDir, `${id}-${what}`), 'utf8')).length;
}

test('a step is retried until it succeeds', async () => {
  assert.equal((await invoke('retry')).answer, 3);
  assert.equal(await counted('retry', 'attempts'), 3);
});

test('a step that never succeeds fails the execution after its last attempt', async () => {
  const { error, answer } = await invoke('exhausted');
  assert.equal(error, 'Unhandled');
  assert.match((answer as { errorMessage: string }).errorMessage, /broken for good/);
  assert.equal(await counted('exhausted', 'attempts'), 3);
});

test('a wait ends the invocation, and what was done before it is not done again', async () => {
  assert.deepEqual((await invoke('wait')).answer, { first: 1, second: 1 });
  assert.equal(await counted('wait', 'before'), 1);
  assert.equal(await counted('wait', 'invocations'), 2);
});

test('waitForCondition carries its state from check to check', async () => {
  assert.deepEqual((await invoke('condition')).answer, { seen: 3 });
});

test('parallel and map return their results in order', async () => {
  assert.deepEqual((await invoke('parallel')).answer, ['slow', 'quick']);
  assert.deepEqual((await invoke('map')).answer, [2, 4, 6]);
});

test('a branch that fails leaves the others their result', async () => {
  assert.deepEqual((await invoke('one-branch-fails')).answer, { succeeded: 1, failed: 1 });
});

test('a plain function is invoked, and its failure reaches the caller', async () => {
  assert.deepEqual((await invoke('invoke')).answer, { doubled: 42 });
  assert.match(((await invoke('invoke-fails')).answer as { caught: string }).caught, /n is no number/);
});

test('an execution that fails says why', async () => {
  const { error, answer } = await invoke('fail');
  assert.equal(error, 'Unhandled');
  assert.deepEqual(answer, { errorType: 'Error', errorMessage: 'the flow gave up' });
});

test('a function that crashes is invoked again and goes on after its last checkpoint', async () => {
  assert.equal((await invoke('crash-once')).answer, 'survived');
  assert.equal(await counted('crash-once', 'first'), 1);
});

test('an execution name makes a start idempotent; another payload is a conflict', async () => {
  const [one, two] = await Promise.all([1, 2].map(() => invoke('wait', { id: 'named', name: 'once' })));
  assert.equal(one?.arn, two?.arn);
  assert.equal(await counted('named', 'before'), 1);
  await assert.rejects(invoke('wait', { id: 'other', name: 'once' }), {
    name: 'DurableExecutionAlreadyStartedException',
  });
});

test('a published version runs; an unqualified name is refused', async () => {
  const { answer, version } = await invoke('map', { id: 'version', qualifier: '1' });
  assert.deepEqual({ answer, version }, { answer: [2, 4, 6], version: '1' });
  await assert.rejects(client.send(new InvokeCommand({ FunctionName: 'flow', Payload: '{}' })), {
    name: 'InvalidParameterValueException',
    message: /unqualified ARN/,
  });
});

test('executions are listed, of all versions or of one, in the states that are asked for', async () => {
  const { arn } = await invoke('map', { id: 'listed', qualifier: '1' });
  const listed = async (Qualifier: string | undefined, Statuses: ExecutionStatus[]) => {
    const input = { FunctionName: 'flow', Qualifier, Statuses };
    const { DurableExecutions } = await client.send(new ListDurableExecutionsByFunctionCommand(input));
    return (DurableExecutions ?? []).filter(({ DurableExecutionArn }) => DurableExecutionArn === arn).length;
  };
  assert.equal(await listed(undefined, ['FAILED', 'SUCCEEDED']), 1);
  assert.equal(await listed('1', ['SUCCEEDED']), 1);
  assert.equal(await listed('$LATEST', ['SUCCEEDED']), 0);
  assert.equal(await listed(undefined, ['RUNNING']), 0);
});

test('the execution timeout ends an execution', async () => {
  const { error, answer } = await invoke('exhausted', { id: 'hasty', function: 'hasty' });
  assert.equal(error, 'Unhandled');
  assert.equal((answer as { errorType: string }).errorType, 'DurableExecutionTimedOut');
});

test('an asynchronous execution that fails sends its event to the dead-letter target', async () => {
  const { StatusCode } = await client.send(
    new InvokeCommand({
      FunctionName: 'flow:$LATEST',
      InvocationType: 'Event',
      Payload: JSON.stringify({ kind: 'fail', id: 'letter' }),
    }),
  );
  assert.equal(StatusCode, 202);
  const letter = await eventually('the dead letter', async () =>
    readFile(join(aws.dataDir, 'letter'), 'utf8').then(
      (text) => (text === '' ? undefined : (JSON.parse(text) as { message: string; error: string })),
      () => undefined,
    ),
  );
  assert.deepEqual(JSON.parse(letter.message), { kind: 'fail', id: 'letter' });
  assert.equal(letter.error, 'the flow gave up');
});

test('a durable function has no destinations', async () => {
  const { status, reasons } = await createStack(aws, 'eu-central-1', 'destinations', {
    Config: {
      Type: 'AWS::Lambda::EventInvokeConfig',
      Properties: {
        FunctionName: 'flow',
        Qualifier: '$LATEST',
        DestinationConfig: { OnFailure: { Destination: TOPIC } },
      },
    },
  });
  assert.match(status, /ROLLBACK/);
  assert.match(reasons.join(), /flow is a durable function: it has no destinations; use its DeadLetterConfig instead/);
});
