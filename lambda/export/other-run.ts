/** Whether another run of the same export is under way. */
import { type LambdaClient, paginateListDurableExecutionsByFunction } from '@aws-sdk/client-lambda';

export interface Run {
  /** Of the durable execution. */
  readonly arn: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** The runs of this function that are under way, its own among them. */
export async function listRuns(client: LambdaClient, FunctionName: string, version: string): Promise<readonly Run[]> {
  const runs = new Map<string, Run>();
  // Without a version: of all versions, by the newer of AWS's documents, of $LATEST by the older.
  for (const Qualifier of [undefined, version]) {
    const input = { FunctionName, Qualifier, Statuses: ['RUNNING' as const] };
    for await (const { DurableExecutions } of paginateListDurableExecutionsByFunction({ client }, input)) {
      for (const { DurableExecutionArn: arn, StartTimestamp } of DurableExecutions ?? []) {
        if (arn !== undefined) runs.set(arn, { arn, startedAt: (StartTimestamp ?? new Date(0)).toISOString() });
      }
    }
  }
  return Array.from(runs.values());
}

/** The oldest run, when that is another one: of several that began together, one goes on. */
export function olderRun(runs: readonly Run[], own: string): Run | undefined {
  const key = ({ startedAt, arn }: Run) => `${startedAt} ${arn}`;
  const oldest = runs.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))[0];
  return oldest?.arn === own ? undefined : oldest;
}
