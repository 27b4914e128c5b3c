import { Client } from 'pg';
import type { ConnectionTarget, RestoredConnection } from './database';

const CONNECT_TIMEOUT_MS = 20_000;
const QUERY_TIMEOUT_MS = 120_000;

/** Connects with TLS where the server offers it: RDS always does, a stand-in for RDS may not. */
export async function connectPostgres(target: ConnectionTarget): Promise<RestoredConnection> {
  const { client, encrypted } = await connect(target);
  // A server that is stopped while a connection idles tells so by this event, which would end the process if nobody listened.
  client.on('error', () => undefined);
  const rows = async <Row extends object>(sql: string) => (await client.query<Row>(sql)).rows;

  const [version] = await rows<{ server_version: string }>('SHOW server_version');
  return {
    server: { version: `PostgreSQL ${version?.server_version ?? 'of unknown version'}`, encrypted },
    tables: async () =>
      (
        await rows<{ name: string }>(
          `SELECT upper(table_name) AS name FROM information_schema.tables
            WHERE table_type = 'BASE TABLE' AND table_schema = ANY (current_schemas(false)) ORDER BY 1`,
        )
      ).map((row) => row.name),
    countRows: async (table) => {
      const [count] = await rows<{ count: string }>(`SELECT count(*) AS count FROM ${identifier(table)}`);
      return Number(count?.count);
    },
    tenants: () =>
      rows<{ id: number; domain: string; active: boolean }>(
        'SELECT um_id AS id, um_domain_name AS domain, coalesce(um_active, false) AS active FROM um_tenant ORDER BY um_id',
      ),
    close: () => client.end(),
  };
}

async function connect(target: ConnectionTarget): Promise<{ client: Client; encrypted: boolean }> {
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

/** WSO2's scripts do not quote their names, so that PostgreSQL keeps them in lower case. */
function identifier(table: string): string {
  if (!/^[A-Z][A-Z0-9_]*$/.test(table)) {
    throw new Error(
      `\`table\` must be a name as WSO2's scripts use it ([A-Z][A-Z0-9_]*), got ${JSON.stringify(table)}`,
    );
  }
  return table.toLowerCase();
}
