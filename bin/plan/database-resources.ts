/** Which RDS resources there are: one for each host of `deployment.toml`, of the kind that the user says. */
import { isNameOf } from '../../lib/deployment/datasource-names';
import type { ParsedDatabase } from '../../lib/deployment/parse';
import type { DatabaseKind } from '../../lib/planning/plan-document';
import { BadInput } from './errors';
import type { NamedKind } from './options';

export interface DatabaseResource {
  /** As the user calls it, else as its first datasource. */
  readonly name: string;
  readonly kind: DatabaseKind;
  readonly globalDatabase?: boolean;
  /** What it holds. */
  readonly datasources: readonly string[];
}

/**
 * A kind is of the resource that holds the datasource of its name; what no kind is given for is an RDS instance, so that no
 * declared database is left out. Where there is one resource, any name is its name.
 * @throws BadInput
 */
export function databaseResources(
  databases: readonly ParsedDatabase[],
  kinds: readonly NamedKind[] = [],
): DatabaseResource[] {
  const hosted = hostedTogether(databases);
  const indexes = kinds.map(({ name }) => indexOf(name, hosted));
  indexes.forEach((index, position) => {
    const earlier = indexes.indexOf(index);
    if (earlier === position) return;
    throw new BadInput(
      `\`--database\` must give one kind for what has one host, got '${kinds[earlier].name}' and ` +
        `'${kinds[position].name}' for ${hosted[index].join(', ')}: leave out one of them`,
    );
  });
  const given = new Map(kinds.map((kind, position) => [indexes[position], kind]));
  return hosted.map((datasources, index) => ({
    ...(given.get(index) ?? { name: datasources[0], kind: 'rds-instance' as const }),
    datasources,
  }));
}

function indexOf(name: string, hosted: readonly (readonly string[])[]): number {
  const found = hosted.findIndex((datasources) => datasources.some((datasource) => isNameOf(datasource, name)));
  if (found >= 0) return found;
  if (hosted.length === 1) return 0;
  throw new BadInput(
    `\`--database\` must name a database that deployment.toml has on a server, one of ` +
      `${hosted.flat().join(', ') || 'none'}, got '${name}': correct the name`,
  );
}

/** Names of the datasources that share a host, in the order of the file. No RDS resource is an H2 database. */
function hostedTogether(databases: readonly ParsedDatabase[]): string[][] {
  const byHost = new Map<string, string[]>();
  for (const { type, host, datasource } of databases) {
    if (type === 'h2') continue;
    // As host names are compared: without upper case, without the root's dot. Where none is known, each is its own.
    const key = host === undefined ? `datasource ${datasource}` : host.toLowerCase().replace(/\.$/, '');
    byHost.set(key, [...(byHost.get(key) ?? []), datasource]);
  }
  return [...byHost.values()];
}
