import type { Column, RestoredConnection } from './database';

/** What an engine's driver does; all of it in plain SQL that the four engines have in common, but for `dialect`. */
export interface Driver {
  readonly server: RestoredConnection['server'];
  /** Rows as lists of values, in the order of the columns. */
  rows(sql: string): Promise<readonly (readonly unknown[])[]>;
  close(): Promise<void>;
}

export interface Dialect {
  /** Names of the tables of the connection's own schemas, one a row. */
  readonly tables: string;
  /** A `SELECT` that gives at most so many rows. */
  atMost(count: number, columnsAndRest: string): string;
}

/** `LIMIT` as PostgreSQL, MySQL and MariaDB write it. */
export const limit = (count: number, rest: string) => `SELECT ${rest} LIMIT ${count}`;

/** WSO2's scripts do not quote their names: each engine folds `UM_TENANT` to how it keeps it. */
export function sqlConnection(driver: Driver, dialect: Dialect): RestoredConnection {
  return {
    server: driver.server,
    tables: async () => (await driver.rows(dialect.tables)).map(([name]) => String(name).toUpperCase()).sort(),
    countRows: async (table) => Number((await driver.rows(`SELECT COUNT(*) FROM ${identifier(table)}`))[0]?.[0]),
    texts: async (column, count) =>
      (await driver.rows(dialect.atMost(count, selection(column)))).flatMap(([value]) => {
        const text = Buffer.isBuffer(value) ? value.toString('utf8') : String(value ?? '');
        return text === '' ? [] : [text];
      }),
    tenants: async () =>
      (await driver.rows('SELECT UM_ID, UM_DOMAIN_NAME, UM_ACTIVE FROM UM_TENANT ORDER BY UM_ID')).map(
        ([id, domain, active]) => ({ id: Number(id), domain: String(domain), active: isTrue(active) }),
      ),
    close: () => driver.close(),
  };
}

function selection({ table, column, where }: Column): string {
  const conditions = [`${identifier(column)} IS NOT NULL`];
  if (where !== undefined) {
    conditions.push(`${identifier(where.column)} IN (${where.values.map(literal).join(', ')})`);
  }
  return `${identifier(column)} FROM ${identifier(table)} WHERE ${conditions.join(' AND ')}`;
}

function identifier(name: string): string {
  if (!/^[A-Z][A-Z0-9_]*$/.test(name)) {
    throw new Error(`\`table\` must be a name as WSO2's scripts use it ([A-Z][A-Z0-9_]*), got ${JSON.stringify(name)}`);
  }
  return name;
}

function literal(value: string): string {
  if (!/^[A-Za-z0-9_.-]*$/.test(value)) throw new Error(`a value to look for must be a plain word, got ${value}`);
  return `'${value}'`;
}

/** A boolean, a bit or a number, by the engine. */
const isTrue = (value: unknown) => value === true || value === 1 || (Buffer.isBuffer(value) && value[0] === 1);
