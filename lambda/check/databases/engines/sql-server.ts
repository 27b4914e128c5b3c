import { Connection, Request } from 'tedious';
import { CONNECT_TIMEOUT_MS, type ConnectionTarget, QUERY_TIMEOUT_MS, type RestoredConnection } from '../database';
import { sqlConnection } from '../sql-connection';

const TABLES = `SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES
  WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA = SCHEMA_NAME()`;

/** Microsoft SQL Server; written by its driver's documentation, not yet tried on a server. */
export async function connect(target: ConnectionTarget): Promise<RestoredConnection> {
  const connection = await open(target);
  connection.on('error', () => undefined);
  const rows = (sql: string) => query(connection, sql);
  const [version] = await rows(`SELECT CAST(SERVERPROPERTY('ProductVersion') AS VARCHAR(128))`);
  return sqlConnection(
    {
      server: { version: `SQL Server ${String(version?.[0] ?? 'of unknown version')}`, encrypted: true },
      rows,
      close: () =>
        new Promise((resolve) => {
          connection.once('end', () => resolve());
          connection.close();
        }),
    },
    { tables: TABLES, atMost: (count, rest) => `SELECT TOP (${count}) ${rest}` },
  );
}

function open({ host, port, databaseName, credentials }: ConnectionTarget): Promise<Connection> {
  const connection = new Connection({
    server: host,
    authentication: {
      type: 'default',
      options: { userName: credentials.username, password: credentials.password },
    },
    options: {
      port,
      database: databaseName,
      encrypt: true,
      // Not compared, for the reasons that the PostgreSQL connector has.
      trustServerCertificate: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: QUERY_TIMEOUT_MS,
      appName: 'wso2is-recovery',
    },
  });
  return new Promise((resolve, reject) => {
    connection.connect((error) => (error === undefined || error === null ? resolve(connection) : reject(error)));
  });
}

function query(connection: Connection, sql: string): Promise<unknown[][]> {
  return new Promise((resolve, reject) => {
    const found: unknown[][] = [];
    const request = new Request(sql, (error) =>
      error === undefined || error === null ? resolve(found) : reject(error),
    );
    request.on('row', (columns: readonly { readonly value: unknown }[]) =>
      found.push(columns.map(({ value }) => value)),
    );
    connection.execSql(request);
  });
}
