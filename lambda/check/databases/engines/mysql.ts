import { type Connection, createConnection } from 'mysql2/promise';
import { CONNECT_TIMEOUT_MS, type ConnectionTarget, QUERY_TIMEOUT_MS, type RestoredConnection } from '../database';
import { limit, sqlConnection } from '../sql-connection';

const TABLES = `SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES
  WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA = DATABASE()`;

/** MySQL and MariaDB. Connects with TLS where the server offers it: RDS always does, a stand-in for RDS may not. */
export async function connect(target: ConnectionTarget): Promise<RestoredConnection> {
  const { connection, encrypted } = await openEither(target);
  // A server that is stopped while a connection idles tells so by this event, which would end the process if nobody listened.
  connection.on('error', () => undefined);
  const rows = async (sql: string) => {
    const [result] = await connection.query({ sql, rowsAsArray: true, timeout: QUERY_TIMEOUT_MS });
    return result as unknown[][];
  };
  const [version] = await rows('SELECT VERSION()');
  const text = String(version?.[0] ?? 'of unknown version');
  return sqlConnection(
    {
      server: { version: /mariadb/i.test(text) ? `MariaDB ${text}` : `MySQL ${text}`, encrypted },
      rows,
      close: () => connection.end(),
    },
    { tables: TABLES, atMost: limit },
  );
}

async function openEither(target: ConnectionTarget): Promise<{ connection: Connection; encrypted: boolean }> {
  try {
    return { connection: await open(target, true), encrypted: true };
  } catch (error) {
    if ((error as { code?: string }).code !== 'HANDSHAKE_NO_SSL_SUPPORT') throw error;
    return { connection: await open(target, false), encrypted: false };
  }
}

function open({ host, port, databaseName, credentials }: ConnectionTarget, encrypt: boolean): Promise<Connection> {
  return createConnection({
    host,
    port,
    database: databaseName,
    user: credentials.username,
    password: credentials.password,
    // Not compared, for the reasons that the PostgreSQL connector has.
    ...(encrypt ? { ssl: { rejectUnauthorized: false } } : {}),
    connectTimeout: CONNECT_TIMEOUT_MS,
    // A server must not be able to ask for this machine's files.
    flags: ['-LOCAL_FILES'],
  });
}
