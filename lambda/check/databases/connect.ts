import type { DatasourceEntry } from '../../../lib/planning/plan-document';
import type { Connect } from './database';
import { connectPostgres } from './postgres';

const SUPPORTED = ['postgre'];

/** @throws where no driver for the engine is in this release: an engine that cannot be checked must not look checked. */
export function connectorFor({ datasource, type }: DatasourceEntry): Connect {
  if (type === 'postgre') return connectPostgres;
  throw new Error(
    `datasource ${datasource} is of type ${type}, which this release cannot check (it can: ${SUPPORTED.join(', ')}): ` +
      'its database was restored but nothing of its content is proven; check it by hand',
  );
}
