/** Stacks for the tests of the local AWS: a template through CloudFormation, inline functions. */
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  DescribeStackEventsCommand,
} from '@aws-sdk/client-cloudformation';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalAws } from '../../local/local-aws';

export type Resources = Record<string, { Type: string; DependsOn?: string[]; Properties: Record<string, unknown> }>;

/** Creates a stack and waits for its end; returns its status, and the reasons of what failed. */
export async function createStack(
  aws: LocalAws,
  region: string,
  name: string,
  Resources: Resources,
  outputs: Record<string, unknown> = {},
) {
  const client = new CloudFormationClient(aws.clientConfig(region));
  const Outputs = Object.fromEntries(Object.entries(outputs).map(([key, Value]) => [key, { Value }]));
  await client.send(
    new CreateStackCommand({
      StackName: name,
      Capabilities: ['CAPABILITY_NAMED_IAM'],
      TemplateBody: JSON.stringify({ Resources, Outputs }),
    }),
  );
  for (;;) {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const status = Stacks?.[0]?.StackStatus ?? '';
    if (!status.endsWith('IN_PROGRESS')) {
      const { StackEvents } = await client.send(new DescribeStackEventsCommand({ StackName: name }));
      const reasons = (StackEvents ?? [])
        .filter((event) => event.ResourceStatus === 'CREATE_FAILED')
        .map((event) => event.ResourceStatusReason ?? '');
      return { status, reasons };
    }
    await sleep(50);
  }
}

/** The values of a stack's outputs. */
export async function outputsOf(aws: LocalAws, region: string, name: string): Promise<Record<string, string>> {
  const client = new CloudFormationClient(aws.clientConfig(region));
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: name }));
  return Object.fromEntries((Stacks?.[0]?.Outputs ?? []).map((output) => [output.OutputKey!, output.OutputValue!]));
}

/** A function of inline code; `properties` adds to it or replaces. */
export function inlineFunction(name: string, code: string, properties: Record<string, unknown> = {}) {
  return {
    Type: 'AWS::Lambda::Function',
    Properties: {
      FunctionName: name,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Timeout: 20,
      Role: 'arn:aws:iam::123456789012:role/test',
      Code: { ZipFile: code },
      ...properties,
    },
  };
}

/** Asks until the answer is there, for what AWS does in the background. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined>, seconds = 15): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(50);
  }
}
