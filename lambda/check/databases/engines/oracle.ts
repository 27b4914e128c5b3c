import { getConnection } from 'oracledb';
import { CONNECT_TIMEOUT_MS, type ConnectionTarget, QUERY_TIMEOUT_MS, type RestoredConnection } from '../database';
import { sqlConnection } from '../sql-connection';

/** Oracle Database by the driver's thin mode, without Oracle's client; by its documentation, not yet tried on a server. */
export async function connect({
  host,
  port,
  databaseName,
  credentials,
}: ConnectionTarget): Promise<RestoredConnection> {
  const connection = await getConnection({
    user: credentials.username,
    password: credentials.password,
    // `deployment.toml` names a SID, for which there is no short form.
    connectString:
      `(DESCRIPTION=(TRANSPORT_CONNECT_TIMEOUT=${CONNECT_TIMEOUT_MS / 1000})` +
      `(ADDRESS=(PROTOCOL=TCP)(HOST=${host})(PORT=${port}))(CONNECT_DATA=(SID=${databaseName})))`,
  });
  connection.callTimeout = QUERY_TIMEOUT_MS;
  return sqlConnection(
    {
      server: { version: `Oracle ${connection.oracleServerVersionString}`, encrypted: false },
      rows: async (sql) => (await connection.execute<unknown[]>(sql)).rows ?? [],
      close: () => connection.close(),
    },
    {
      tables: 'SELECT TABLE_NAME FROM USER_TABLES',
      atMost: (count, rest) => `SELECT ${rest} FETCH FIRST ${count} ROWS ONLY`,
    },
  );
}
