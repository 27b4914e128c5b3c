/** Databases as IS has them, on a database server; and the check that they agree with the files beside them. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Encrypt } from './encryption';
import type { Tenant } from './is-home';
import { type DatabaseServer, type SqlClient, withClient } from './sql-client';
import { INPUT_TABLES, SUPER_TENANT_ID, tableGroups, type TableGroup } from './tables';

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
  server: DatabaseServer,
  datasources: readonly DeclaredDatasource[],
  tenants: readonly Pick<Tenant, 'id' | 'domain'>[],
  encrypt?: Encrypt,
): Promise<Record<string, number>> {
  const byDatabase = new Map<string, string[]>();
  for (const { datasource, databaseName } of datasources)
    byDatabase.set(databaseName, [...(byDatabase.get(databaseName) ?? []), datasource]);
  await withClient(server, undefined, async (client) => {
    for (const name of byDatabase.keys()) await client.createDatabase(name);
  });
  // The super tenant owns users, applications and registry resources, but has no row in UM_TENANT.
  const owners = [{ id: SUPER_TENANT_ID, domain: 'carbon.super' }, ...tenants];
  const filled = [...byDatabase].map(async ([databaseName, names]): Promise<[string, number]> => {
    const rows = await withClient(server, databaseName, (client) => fillDatabase(client, names, owners, encrypt));
    return [databaseName, rows];
  });
  return Object.fromEntries(await Promise.all(filled));
}

async function fillDatabase(
  client: SqlClient,
  datasources: readonly string[],
  owners: readonly Pick<Tenant, 'id' | 'domain'>[],
  encrypt: Encrypt | undefined,
): Promise<number> {
  const groups = groupsOf(client, datasources);
  for (const statement of [...groups.flatMap(({ create }) => create), ...INPUT_TABLES]) await client.query(statement);
  await client.query('START TRANSACTION');
  for (let from = 0; from < owners.length; from += OWNERS_PER_STATEMENT) {
    const rows = owners.slice(from, from + OWNERS_PER_STATEMENT).map(({ id, domain }) => {
      const secret = encrypt === undefined ? 'NULL' : literal(encrypt(`secret of ${domain}`));
      return `(${id}, ${literal(domain)}, ${secret})`;
    });
    await client.query(`INSERT INTO SAMPLE_TENANT VALUES ${rows.join(', ')}`);
  }
  let inserted = 0;
  for (const statement of groups.flatMap(({ fill }) => fill)) inserted += (await client.query(statement)).rowCount;
  await client.query('COMMIT');
  return inserted;
}

/** With their ciphertexts, about 1 MB. */
const OWNERS_PER_STATEMENT = 500;

/** Of domains and base64 alone: nothing in them needs to be escaped. */
function literal(text: string): string {
  if (!/^[A-Za-z0-9+/=.-]*$/.test(text)) throw new Error(`a sample's text must be plain, got ${text}`);
  return `'${text}'`;
}

/** Compares the rows of UM_TENANT with the directories under `<repository>/tenants`. */
export async function agree(server: DatabaseServer, sharedDatabase: string, repository: string): Promise<Agreement> {
  const inDatabase = await withClient(server, sharedDatabase, async (client) => {
    const { rows } = await client.query<{ id: number }>('SELECT UM_ID AS id FROM UM_TENANT ORDER BY UM_ID');
    return rows.map(({ id }) => id);
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

/** The tables of datasources that share a database, each once. */
function groupsOf({ dialect }: SqlClient, datasources: readonly string[]): TableGroup[] {
  const { users, tenants, registry, identity } = tableGroups(dialect);
  const groups = datasources.flatMap((datasource) => {
    switch (datasource) {
      case 'identity_db':
        return [identity];
      case 'shared_db':
        return [tenants, users, registry];
      case 'config':
        return [registry];
      default:
        return [users];
    }
  });
  return [...new Set(groups)];
}
