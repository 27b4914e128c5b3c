import { Annotations, Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { bundledCode, type Bundle } from './bundles';

/** What the functions of this package do not have in common. */
export interface RecoveryFunctionOptions extends Omit<
  lambda.FunctionOptions,
  'logGroup' | 'architecture' | 'ephemeralStorageSize'
> {
  readonly bundle: Bundle;
  readonly description: string;
  /** For the logs alone. */
  readonly removalPolicy: RemovalPolicy;
}

/** Lambda's longest time-out (FACTS: Lambda, 900 s). */
const TIMEOUT = Duration.minutes(15);

/** 1,769 MB is one whole vCPU; reading, hashing and compressing use it. */
const MEMORY = Size.mebibytes(1769);

/** A function of this package: runtime, size and logs alike for all. */
export function recoveryFunction(scope: Construct, id: string, options: RecoveryFunctionOptions): lambda.Function {
  const { bundle, removalPolicy, ...rest } = options;
  const fn = new lambda.Function(scope, id, {
    timeout: TIMEOUT,
    memorySize: MEMORY.toMebibytes(),
    ...rest,
    runtime: lambda.Runtime.NODEJS_24_X,
    architecture: lambda.Architecture.ARM_64,
    ...bundledCode(bundle),
    logGroup: new logs.LogGroup(scope, `${id}Logs`, { retention: logs.RetentionDays.ONE_YEAR, removalPolicy }),
  });
  // The CDK tells of any durable function that one which was none before is replaced: ours were never anything else.
  Annotations.of(fn).acknowledgeInfo('aws-lambda:Function.DurableConfig', 'durable from its first version on');
  return fn;
}
