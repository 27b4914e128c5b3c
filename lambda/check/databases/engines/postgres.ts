import { Client } from 'pg';
import { CONNECT_TIMEOUT_MS, type ConnectionTarget, QUERY_TIMEOUT_MS, type RestoredConnection } from '../database';
import { limit, sqlConnection } from '../sql-connection';

const TABLES = `SELECT table_name FROM information_schema.tables
  WHERE table_type = 'BASE TABLE' AND table_schema = ANY (current_schemas(false))`;

/** Connects with TLS where the server offers it: RDS always does, a stand-in for RDS may not. */
export async function connect(target: ConnectionTarget): Promise<RestoredConnection> {
  const { client, encrypted } = await openEither(target);
  // A server that is stopped while a connection idles tells so by this event, which would end the process if nobody listened.
  client.on('error', () => undefined);
  const rows = async (text: string) => (await client.query<unknown[]>({ text, rowMode: 'array' })).rows;
  const [version] = await rows('SHOW server_version');
  return sqlConnection(
    {
      server: { version: `PostgreSQL ${String(version?.[0] ?? 'of unknown version')}`, encrypted },
      rows,
      close: () => client.end(),
    },
    { tables: TABLES, atMost: limit },
  );
}

async function openEither(target: ConnectionTarget): Promise<{ client: Client; encrypted: boolean }> {
  try {
    return { client: await open(target, true), encrypted: true };
  } catch (error) {
    if (!(error instanceof Error) || !/does not support SSL connections/i.test(error.message)) throw error;
    return { client: await open(target, false), encrypted: false };
  }
}

async function open({ host, port, databaseName, credentials }: ConnectionTarget, encrypt: boolean): Promise<Client> {
  const client = new Client({
    host,
    port,
    database: databaseName,
    user: credentials.username,
    password: credentials.password,
    // The certificate is not compared: the instance was made a minute ago under a name nobody else knows, in a network
    // without a way out, and its certificate authority would have to be shipped with every Region's bundle.
    ssl: encrypt ? { rejectUnauthorized: false } : false,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    application_name: 'wso2is-recovery',
  });
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}
