/** The reaper, as its schedule starts it, but not waiting for the hours after which a drill cannot be alive any more. */
import assert from 'node:assert/strict';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import type { ReapResult } from '../../lambda/reaper/contract';
import type { ApiCall, LocalAws } from '../../local/local-aws';
import { functionsOf, invokeWith } from './scheduled';

/** As it is, with those hours. */
export async function reap(aws: LocalAws, region: string, reaper = /Reaper/): Promise<ReapResult> {
  const [functionName = ''] = await functionsOf(aws, region, reaper);
  const { error, answer } = await invokeWith(aws, region, functionName);
  assert.equal(error, undefined);
  return JSON.parse(answer) as ReapResult;
}

export async function reapAtOnce(aws: LocalAws, region: string, reaper = /Reaper/): Promise<ReapResult> {
  const [FunctionName = ''] = await functionsOf(aws, region, reaper);
  const lambda = new LambdaClient(aws.clientConfig(region));
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const timeOut = (TIMEOUT_SECONDS: string) =>
    lambda.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName,
        Environment: { Variables: { ...Environment!.Variables, TIMEOUT_SECONDS } },
      }),
    );
  await timeOut('0');
  try {
    return await reap(aws, region, reaper);
  } finally {
    await timeOut(Environment!.Variables!.TIMEOUT_SECONDS!);
  }
}

/** Calls without those by which the test itself changed the reaper. */
export const withoutHaste = (calls: readonly ApiCall[]): readonly ApiCall[] =>
  calls.filter(({ path }) => !/\/functions\/[\w-]*Reaper[\w-]*\/configuration$/.test(path));
