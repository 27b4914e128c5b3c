import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { countsKey } from '../../lib/private/bucket-layout';
import type { DatasourceEntry } from '../../lib/planning/plan-document';
import type { RestoredConnection } from '../check/databases/database';
import { requiredTables } from '../check/tables';
import type { CountedDatabase, CountEvent, CountResult, DatasourceCounts, NotedCounts } from './contract';

export interface Surroundings {
  readonly s3: Pick<S3Client, 'send'>;
  readonly bucket: string;
  readonly now: () => Date;
  withConnection<Result>(
    database: CountedDatabase,
    datasource: DatasourceEntry,
    use: (connection: RestoredConnection) => Promise<Result>,
  ): Promise<Result>;
}

/**
 * Counts one datasource after the other, so that the load on production stays small, and writes what could be counted.
 *
 * @throws Error that names every datasource that could not, after the others were written
 */
export async function countRows(event: CountEvent, surroundings: Surroundings): Promise<CountResult> {
  const { s3, bucket, now } = surroundings;
  const began = now();
  const counts: DatasourceCounts[] = [];
  const problems: string[] = [];
  for (const database of event.databases) {
    for (const datasource of database.datasources) {
      try {
        counts.push(await countDatasource(database, datasource, surroundings));
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error));
      }
    }
  }
  const key = countsKey(event.deployment, began);
  if (counts.length > 0) {
    const noted: NotedCounts = { formatVersion: 1, deployment: event.deployment, counts };
    await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: `${JSON.stringify(noted)}\n`,
        ContentType: 'application/json',
      }),
    );
  }
  if (problems.length > 0) throw new Error(problems.join('; '));
  return { key, tables: counts.reduce((sum, { rows }) => sum + Object.keys(rows).length, 0) };
}

function countDatasource(
  database: CountedDatabase,
  datasource: DatasourceEntry,
  { withConnection, now }: Surroundings,
): Promise<DatasourceCounts> {
  return withConnection(database, datasource, async (connection) => {
    const present = await connection.tables();
    const startedAt = now().toISOString();
    const rows: Record<string, number> = {};
    for (const table of requiredTables(datasource.datasource)) {
      if (present.includes(table)) rows[table] = await connection.countRows(table);
    }
    return {
      component: database.name,
      datasource: datasource.datasource,
      startedAt,
      endedAt: now().toISOString(),
      rows,
    };
  });
}
