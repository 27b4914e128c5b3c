/** What the checks need of a restored database, whatever its engine. */
export interface RestoredConnection {
  /** Version as the server tells it, and whether the connection is encrypted. */
  readonly server: { readonly version: string; readonly encrypted: boolean };
  /** Names of the tables in the connection's default schemas, in upper case, as WSO2's scripts write them. */
  tables(): Promise<readonly string[]>;
  /** Number of rows; `table` must be a name that `tables()` gave. */
  countRows(table: string): Promise<number>;
  /** Texts of a column, empty ones left out: some rows, in no order. */
  texts(column: Column, atMost: number): Promise<readonly string[]>;
  tenants(): Promise<readonly Tenant[]>;
  close(): Promise<void>;
}

/** A column by the names of WSO2's scripts. */
export interface Column {
  readonly table: string;
  readonly column: string;
  /** Only rows whose `column` is one of `values`. */
  readonly where?: { readonly column: string; readonly values: readonly string[] };
}

/** A row of `UM_TENANT`. The super tenant (`carbon.super`, id -1234) has none. */
export interface Tenant {
  readonly id: number;
  readonly domain: string;
  readonly active: boolean;
}

export interface ConnectionTarget {
  readonly host: string;
  readonly port: number;
  readonly databaseName: string;
  readonly credentials: Credentials;
}

/** The two fields that RDS writes into its secrets. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export type Connect = (target: ConnectionTarget) => Promise<RestoredConnection>;

/** Of every engine: as long as a server takes that still warms up after its restore. */
export const CONNECT_TIMEOUT_MS = 20_000;
/** Of every engine: counting the rows of the largest table of a restored, cold database. */
export const QUERY_TIMEOUT_MS = 120_000;
