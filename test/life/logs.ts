// What the functions logged in the whole life, in both Regions: it is searched for every secret and all personal data that the life used.
import assert from 'node:assert/strict';
import {
  CloudWatchLogsClient,
  CreateLogStreamCommand,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { REGIONS } from '../../local/demo/configuration';
import type { LocalAws } from '../../local/local-aws';

/** @returns the log of each function, by the name of its log group and Region */
export async function logsOf(aws: LocalAws): Promise<ReadonlyMap<string, string>> {
  const logs = new Map<string, string>();
  for (const region of Object.values(REGIONS)) {
    const client = new CloudWatchLogsClient(aws.clientConfig(region));
    for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, {}))
      for (const { logGroupName = '' } of logGroups) {
        const lines: string[] = [];
        for await (const { events = [] } of paginateFilterLogEvents({ client }, { logGroupName }))
          lines.push(...events.map(({ message = '' }) => message));
        if (lines.length > 0) logs.set(`${logGroupName} in ${region}`, lines.join('\n'));
      }
  }
  return logs;
}

/** Logs lines in a group of the primary Region, as a function would. */
export async function log(aws: LocalAws, logGroupName: string, lines: readonly string[]): Promise<void> {
  const client = new CloudWatchLogsClient(aws.clientConfig(REGIONS.primary));
  const logStreamName = 'control';
  await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  const logEvents = lines.map((message) => ({ message, timestamp: Date.now() }));
  await client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
}

/** @param secrets by what each is, so that a failure names it without printing it */
export function assertHoldNone(
  logs: ReadonlyMap<string, string>,
  secrets: Readonly<Record<string, string | RegExp>>,
): void {
  const found = [...logs].flatMap(([group, text]) =>
    Object.entries(secrets)
      .filter(([, secret]) => (typeof secret === 'string' ? text.includes(secret) : secret.test(text)))
      .map(([what]) => `${what} is in the log ${group}`),
  );
  assert.deepEqual(found, []);
}
