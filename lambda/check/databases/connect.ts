import type { DatasourceEntry } from '../../../lib/planning/plan-document';
import type { Connect } from './database';

/**
 * By `type` of `deployment.toml`. Loaded when a database of the kind is there: each is a bundle of its own, so that a
 * deployment pays at start-up for no driver but its own.
 */
const ENGINES: Readonly<Record<string, () => Promise<{ readonly connect: Connect }>>> = {
  postgre: () => import('./engines/postgres'),
  mysql: () => import('./engines/mysql'),
  mariadb: () => import('./engines/mysql'),
  mssql: () => import('./engines/sql-server'),
  oracle: () => import('./engines/oracle'),
};

/** @throws where no driver for the engine is in this release: an engine that cannot be checked must not look checked. */
export async function connectorFor({ datasource, type }: DatasourceEntry): Promise<Connect> {
  const load = Object.hasOwn(ENGINES, type) ? ENGINES[type] : undefined;
  if (load !== undefined) return (await load()).connect;
  throw new Error(
    `datasource ${datasource} is of type ${type}, which this release cannot check (it can: ` +
      `${Object.keys(ENGINES).join(', ')}): its database was restored but nothing of its content is proven; check it by hand`,
  );
}
