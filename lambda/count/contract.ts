/**
 * Event contract of the count function (primary Region, in the network of the databases): notes how many rows the tables of IS
 * have at this time, so that a drill can compare what it restored with what was there. It reads counts alone.
 *
 * Environment: `BUCKET` (artifact bucket, which replicates to the DR site).
 */
import type { DatasourceEntry } from '../../lib/planning/plan-document';

export interface CountEvent {
  readonly deployment: string;
  readonly databases: readonly CountedDatabase[];
}

export interface CountedDatabase {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly secretArn: string;
  readonly datasources: readonly DatasourceEntry[];
}

export interface CountResult {
  readonly key: string;
  readonly tables: number;
}

/** `counts/<deployment>/<time>.json` */
export interface NotedCounts {
  readonly formatVersion: 1;
  readonly deployment: string;
  readonly counts: readonly DatasourceCounts[];
}

export interface DatasourceCounts {
  /** Name of the database component. */
  readonly component: string;
  readonly datasource: string;
  /** Every table was counted at some time between the two. */
  readonly startedAt: string;
  readonly endedAt: string;
  /** By the name of the table, as WSO2's scripts write it. */
  readonly rows: Readonly<Record<string, number>>;
}
