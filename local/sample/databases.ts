/** Databases as IS has them, on a PostgreSQL server; and the check that they agree with the files beside them. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, escapeIdentifier } from 'pg';
import type { Encrypt } from './encryption';
import type { Tenant } from './is-home';
import {
  IDENTITY_TABLES,
  REGISTRY_TABLES,
  SUPER_TENANT_ID,
  TENANT_TABLES,
  type TableGroup,
  USER_TABLES,
} from './tables';

export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** A database that `deployment.toml` declares: the datasource decides which tables it holds. */
export interface DeclaredDatasource {
  readonly datasource: string;
  readonly databaseName: string;
}

export interface Agreement {
  readonly tenantsInDatabase: number;
  readonly tenantDirectories: number;
  /** Tenants that have a row but no directory, and the other way round; ids, ascending. */
  readonly withoutDirectory: readonly number[];
  readonly withoutRow: readonly number[];
}

/**
 * Makes each database that is missing and fills it for the tenants. Datasources that share a database share its tables.
 * Returns rows per database. Fails when a table is there already.
 *
 * @param encrypt what the product keeps encrypted; default: there is nothing of the kind
 */
export async function fillDatabases(
  server: PostgresServer,
  datasources: readonly DeclaredDatasource[],
  tenants: readonly Pick<Tenant, 'id' | 'domain'>[],
  encrypt?: Encrypt,
): Promise<Record<string, number>> {
  const groups = new Map<string, Set<TableGroup>>();
  for (const { datasource, databaseName } of datasources) {
    const wanted = groups.get(databaseName) ?? new Set<TableGroup>();
    tableGroups(datasource).forEach((group) => wanted.add(group));
    groups.set(databaseName, wanted);
  }
  await withClient(server, 'postgres', async (client) => {
    const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_database');
    const present = new Set(rows.map(({ datname }) => datname));
    for (const name of groups.keys()) {
      if (!present.has(name)) await client.query(`CREATE DATABASE ${escapeIdentifier(name)}`);
    }
  });
  const everyTenant = [{ id: SUPER_TENANT_ID, domain: 'carbon.super' }, ...tenants];
  const filled = [...groups].map(async ([databaseName, wanted]): Promise<[string, number]> => {
    let inserted = 0;
    await withClient(server, databaseName, async (client) => {
      await client.query('BEGIN');
      for (const group of wanted) {
        // The super tenant owns users, applications and registry resources, but has no row in UM_TENANT.
        const owners = group === TENANT_TABLES ? tenants : everyTenant;
        const parameters = [owners.map(({ id }) => id), owners.map(({ domain }) => domain)];
        await client.query(group.create);
        for (const statement of group.fill) {
          const { rowCount } = await client.query(statement, statement.includes('$1') ? parameters : []);
          inserted += rowCount ?? 0;
        }
        if (encrypt === undefined || group.secret === undefined) continue;
        for (const { id, domain } of owners) {
          const { rowCount } = await client.query(group.secret, [id, domain, encrypt(`secret of ${domain}`)]);
          inserted += rowCount ?? 0;
        }
      }
      await client.query('COMMIT');
    });
    return [databaseName, inserted];
  });
  return Object.fromEntries(await Promise.all(filled));
}

/** Compares the rows of UM_TENANT with the directories under `<repository>/tenants`. */
export async function agree(server: PostgresServer, sharedDatabase: string, repository: string): Promise<Agreement> {
  const inDatabase = await withClient(server, sharedDatabase, async (client) => {
    const { rows } = await client.query<{ um_id: number }>('SELECT um_id FROM UM_TENANT ORDER BY um_id');
    return rows.map(({ um_id }) => um_id);
  });
  const directories = (await tenantDirectories(repository)).map(({ id }) => id);
  const missingIn = (ids: readonly number[], others: readonly number[]) => {
    const known = new Set(others);
    return ids.filter((id) => !known.has(id));
  };
  return {
    tenantsInDatabase: inDatabase.length,
    tenantDirectories: directories.length,
    withoutDirectory: missingIn(inDatabase, directories),
    withoutRow: missingIn(directories, inDatabase),
  };
}

/** The tenants that a `repository` has directories for; none when there is no folder `tenants`. */
export async function tenantDirectories(repository: string): Promise<Tenant[]> {
  const names = await readdir(join(repository, 'tenants')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
    .map((id) => ({ id, domain: `tenant-${String(id).padStart(4, '0')}.example.com`, active: id % 11 !== 0 }));
}

/** Runs statements on one database; for tests and faults made on purpose. */
export async function withClient<T>(
  server: PostgresServer,
  database: string,
  run: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ ...server, database, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

function tableGroups(datasource: string): readonly TableGroup[] {
  switch (datasource) {
    case 'identity_db':
      return [IDENTITY_TABLES];
    case 'shared_db':
      return [TENANT_TABLES, USER_TABLES, REGISTRY_TABLES];
    case 'config':
      return [REGISTRY_TABLES];
    default:
      return [USER_TABLES];
  }
}
