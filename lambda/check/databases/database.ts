/** What the checks need of a restored database, whatever its engine. One implementation per engine beside this file. */
export interface RestoredConnection {
  /** Version as the server tells it, and whether the connection is encrypted. */
  readonly server: { readonly version: string; readonly encrypted: boolean };
  /** Names of the tables in the connection's default schemas, in upper case, as WSO2's scripts write them. */
  tables(): Promise<readonly string[]>;
  /** Number of rows; `table` must be a name that `tables()` gave. */
  countRows(table: string): Promise<number>;
  tenants(): Promise<readonly Tenant[]>;
  close(): Promise<void>;
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
