/** Connections to the sample's database servers, whatever their engine. */
import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import { type Dialect, MYSQL, POSTGRES } from './dialects';

/** Engines that the local AWS has servers for, by `type` of `deployment.toml`. */
export const SERVER_TYPES = ['postgre', 'mysql', 'mariadb'] as const;
export type ServerType = (typeof SERVER_TYPES)[number];

export const isServerType = (type: string): type is ServerType => SERVER_TYPES.some((known) => known === type);

export interface DatabaseServer {
  readonly type: ServerType;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export interface SqlClient {
  readonly dialect: Dialect;
  /** `values` are for the engine's own placeholders: `$1` for PostgreSQL, `?` for MySQL. */
  query<Row = Record<string, unknown>>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: Row[]; readonly rowCount: number }>;
  /** Makes the database if it is missing. */
  createDatabase(name: string): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** Runs statements on one database, or on the server's own one. */
export async function withClient<T>(
  server: DatabaseServer,
  database: string | undefined,
  run: (client: SqlClient) => Promise<T>,
): Promise<T> {
  const { client, end } = await (server.type === 'postgre' ? openPostgres : openMySql)(server, database);
  try {
    return await run(client);
  } finally {
    await end();
  }
}

type Open = (
  server: DatabaseServer,
  database: string | undefined,
) => Promise<{ readonly client: SqlClient; end(): Promise<void> }>;

const openPostgres: Open = async ({ host, port, user, password }, database = 'postgres') => {
  const options = { host, port, user, password, database };
  const connection = new Client({ ...options, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // A server that is stopped ends its connections: the query fails, and an error that nobody hears would end the process.
  connection.on('error', () => undefined);
  await connection.connect();
  const query: SqlClient['query'] = async <Row>(sql: string, values: readonly unknown[] = []) => {
    const { rows, rowCount } = await connection.query(sql, [...values]);
    return { rows: rows as Row[], rowCount: rowCount ?? 0 };
  };
  const createDatabase = async (name: string) => {
    const { rows } = await query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rows.length === 0) await query(`CREATE DATABASE ${connection.escapeIdentifier(name)}`);
  };
  return { client: { dialect: POSTGRES, query, createDatabase }, end: () => connection.end() };
};

const openMySql: Open = async ({ host, port, user, password }, database) => {
  const options = { host, port, user, password, ...(database === undefined ? {} : { database }) };
  const connection = await createConnection({ ...options, connectTimeout: CONNECT_TIMEOUT_MS });
  // A server that is stopped ends its connections.
  connection.on('error', () => undefined);
  const query: SqlClient['query'] = async <Row>(sql: string, values: readonly unknown[] = []) => {
    const [result] = await connection.query(sql, [...values]);
    return Array.isArray(result)
      ? { rows: result as Row[], rowCount: result.length }
      : { rows: [], rowCount: result.affectedRows };
  };
  const createDatabase = async (name: string) => {
    await query(`CREATE DATABASE IF NOT EXISTS \`${name.replaceAll('`', '``')}\``);
  };
  return { client: { dialect: MYSQL, query, createDatabase }, end: () => connection.end() };
};
