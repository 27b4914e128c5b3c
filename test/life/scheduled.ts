/** The functions that schedules start, started now: as their rules do, with the rules' input. */
import assert from 'node:assert/strict';
import { EventBridgeClient, ListRuleNamesByTargetCommand, ListTargetsByRuleCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import type { LocalAws } from '../../local/local-aws';

/** Names of the functions of a Region that match. */
export async function functionsOf(aws: LocalAws, region: string, pattern: RegExp): Promise<string[]> {
  const client = new LambdaClient(aws.clientConfig(region));
  const names: string[] = [];
  for await (const { Functions = [] } of paginateListFunctions({ client }, {})) {
    names.push(...Functions.map(({ FunctionName }) => FunctionName!).filter((name) => pattern.test(name)));
  }
  return names;
}

/** With the input of its rule, as it is or changed. */
export async function invokeWith(
  aws: LocalAws,
  region: string,
  functionName: string,
  changed: (input: string) => string = (input) => input,
): Promise<{ readonly error?: string; readonly answer: string }> {
  const events = new EventBridgeClient(aws.clientConfig(region));
  const TargetArn = `arn:aws:lambda:${region}:${aws.accountId}:function:${functionName}`;
  const { RuleNames = [] } = await events.send(new ListRuleNamesByTargetCommand({ TargetArn }));
  const { Targets = [] } = await events.send(new ListTargetsByRuleCommand({ Rule: RuleNames[0] }));
  const { FunctionError, Payload = [] } = await new LambdaClient(aws.clientConfig(region)).send(
    new InvokeCommand({ FunctionName: functionName, Payload: changed(Targets[0]?.Input ?? '{}') }),
  );
  const answer = Buffer.from(Payload).toString();
  return { answer, ...(FunctionError !== undefined && { error: answer }) };
}

/** @returns the error that the function ended with; undefined: none */
export const runOnce = async (aws: LocalAws, region: string, functionName: string): Promise<string | undefined> =>
  (await invokeWith(aws, region, functionName)).error;

/** Lets each function of a Region that matches do its work once. */
export async function runAll(aws: LocalAws, region: string, pattern: RegExp): Promise<void> {
  for (const name of await functionsOf(aws, region, pattern)) {
    assert.equal(await runOnce(aws, region, name), undefined, name);
  }
}
