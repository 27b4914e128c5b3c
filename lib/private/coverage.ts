import type { DatasourceEntry } from '../planning/plan-document';

/** What the decision needs of a database that `deployment.toml` declares. */
export interface DeclaredLike {
  readonly section: string;
  readonly datasource: string;
  readonly type: string;
  readonly databaseName?: string;
  readonly line?: number;
  readonly embedded: boolean;
}

/** What the decision needs of a protected resource. */
export interface OfferedLike {
  readonly name: string;
  readonly datasources: readonly string[];
}

export interface Coverage {
  /** Why the declared databases are not all protected; empty: they are. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** By the resource's name: the databases that it holds. */
  readonly datasources: ReadonlyMap<string, readonly DatasourceEntry[]>;
}

/** Whether the offered resources hold every database that `deployment.toml` declares. */
export function coverage(declared: readonly DeclaredLike[], offered: readonly OfferedLike[]): Coverage {
  const servers = declared.filter(({ embedded }) => !embedded);
  const covered = new Set(offered.flatMap(({ datasources }) => datasources));
  const known = new Set(servers.map(({ datasource }) => datasource));
  const offer = offered.map(({ name, datasources }) => `${name} (${datasources.join(', ') || 'nothing'})`).join(', ');
  return {
    problems: [
      ...declared.filter(({ embedded }) => embedded).map(embeddedProblem),
      ...servers
        .filter(({ datasource }) => !covered.has(datasource))
        .map(
          (database) =>
            `\`databases\` must cover every database of deployment.toml, got none for '${database.datasource}' ` +
            `(${place(database)}); offered: ${offer || 'nothing'}: add '${database.datasource}' to the ` +
            '`datasources` of the RDS resource that holds it',
        ),
      ...servers
        .filter(({ databaseName }) => databaseName === undefined)
        .map(
          (database) =>
            `the name of database '${database.datasource}' (${place(database)}) must be known, got none: ` +
            'without it no drill can connect to it; write `name`, or a `url` that holds it',
        ),
    ],
    warnings: offered.flatMap(({ name, datasources }) => {
      if (!datasources.some((datasource) => known.has(datasource))) {
        return [`${name} covers no database of deployment.toml (it declares ${[...known].join(', ')})`];
      }
      const unknown = datasources.filter((datasource) => !known.has(datasource));
      return unknown.length === 0
        ? []
        : [`${name} names ${unknown.join(', ')}, which deployment.toml does not declare`];
    }),
    datasources: new Map(
      offered.map(({ name, datasources }) => [
        name,
        servers
          .filter(({ datasource }) => datasources.includes(datasource))
          .map(({ datasource, type, databaseName }) => ({ datasource, type, databaseName: databaseName ?? '' })),
      ]),
    ),
  };
}

const embeddedProblem = (database: DeclaredLike) =>
  `deployment.toml must keep '${database.datasource}' on a database server, got embedded H2 (${place(database)}): ` +
  'no RDS resource holds it, and AWS Backup cannot see it; move it to RDS';

const place = ({ section, line }: DeclaredLike) => (line === undefined ? section : `${section}, line ${line}`);
