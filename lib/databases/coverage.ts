/**
 * Which declared database is on which protected resource. A name that the user gives decides; where none does, the host of
 * the database is compared with the names of the resources' endpoints. What cannot be decided is a problem, never a guess.
 *
 * Pure: no constructs.
 */
import { bareName, isNameOf, namesOf } from '../deployment/datasource-names';
import { isReferenceIn, isToken, referencesIn } from '../deployment/references';
import type { DatasourceEntry } from '../planning/plan-document';

/** What the decision needs of a database that `deployment.toml` declares. */
export interface DeclaredLike {
  readonly section: string;
  readonly datasource: string;
  readonly type: string;
  readonly host?: string;
  readonly hosts?: readonly string[];
  readonly port?: number;
  readonly databaseName?: string;
  readonly url?: string;
  readonly line?: number;
  readonly embedded: boolean;
}

/** What the decision needs of a protected resource. */
export interface OfferedLike {
  readonly name: string;
  /** Datasources that the user says it holds. */
  readonly datasources: readonly string[];
  /** Names of its endpoints. A token among them equals itself alone. */
  readonly hostnames: readonly string[];
}

export interface Coverage {
  /** Why the declared databases are not all protected; empty: they are. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /**
   * By the resource's name: the datasources that it holds. A database that two datasources name is there twice, since each
   * has tables of its own; it is restored once, with its resource.
   */
  readonly datasources: ReadonlyMap<string, readonly DatasourceEntry[]>;
}

/** Whether the offered resources hold every database that `deployment.toml` declares, and which holds what. */
export function coverage(declared: readonly DeclaredLike[], offered: readonly OfferedLike[]): Coverage {
  const servers = declared.filter(({ type }) => type !== 'h2');
  const matches = matchAll(servers, offered);
  const holdings = new Map(offered.map(({ name }) => [name, [] as DatasourceEntry[]]));
  for (const { database, holders } of matches) {
    const { datasource, type, databaseName = '' } = database;
    for (const { name } of holders) holdings.get(name)?.push({ datasource, type, databaseName });
  }
  const offer = offered.map(described).join(', ') || 'nothing';
  return {
    problems: [
      ...declared.filter(({ type }) => type === 'h2').flatMap(h2Problem),
      ...matches.flatMap(({ problem }) => problem ?? []),
      ...matches
        .filter(({ holders, problem }) => holders.length === 0 && problem === undefined)
        .map(({ database }) => uncoveredProblem(database, offer)),
      ...servers.flatMap(typeProblem),
      ...servers.flatMap(nameProblem),
    ],
    warnings: [
      ...declared.filter(isLocalRegistry).map(localRegistryWarning),
      ...offered.flatMap((resource) => uselessWarnings(resource, servers, holdings.get(resource.name)!.length === 0)),
    ],
    datasources: holdings,
  };
}

interface Match {
  readonly database: DeclaredLike;
  readonly holders: readonly OfferedLike[];
  /** Why it cannot be decided. */
  readonly problem?: string;
}

function matchAll(servers: readonly DeclaredLike[], offered: readonly OfferedLike[]): Match[] {
  const byName = index(offered, ({ datasources }) => datasources.map(bareName));
  const byHost = index(offered, ({ hostnames }) => hostnames.map(normalized));
  const alone = servers.map((database) => match(database, byName, byHost));
  const physical = new Map<string, Match[]>();
  for (const found of alone) {
    const key = physicalKey(found.database);
    if (key !== undefined) physical.set(key, [...(physical.get(key) ?? []), found]);
  }
  return alone.map((found) => withSiblings(found, physical.get(physicalKey(found.database) ?? '') ?? []));
}

function match(
  database: DeclaredLike,
  byName: ReadonlyMap<string, readonly OfferedLike[]>,
  byHost: ReadonlyMap<string, readonly OfferedLike[]>,
): Match {
  const hosts = hostsOf(database);
  const named = unique(namesOf(database.datasource).flatMap((name) => byName.get(name) ?? []));
  const atHosts = hosts.map((host) => ({ host, resources: byHost.get(host) ?? [] }));
  const hosting = unique(atHosts.flatMap(({ resources }) => resources));
  if (named.length > 0) {
    if (hosting.length === 0 || named.some((resource) => hosting.includes(resource)))
      return { database, holders: named };
    return {
      database,
      holders: [],
      problem:
        `\`datasources\` of ${names(named)} must name what it holds, got '${database.datasource}' (${place(database)}), ` +
        `whose host is an endpoint of ${names(hosting)}: name it there, or nowhere`,
    };
  }
  const ambiguous = atHosts.find(({ resources }) => resources.length > 1);
  if (ambiguous === undefined) return { database, holders: hosting };
  return {
    database,
    holders: [],
    problem:
      `the resource of '${database.datasource}' (${place(database)}) must be one, got ${names(ambiguous.resources)}, which ` +
      `all have the host name: name '${database.datasource}' in the \`datasources\` of the one that holds it`,
  };
}

/** One physical database under several datasources is on one resource, whichever of them is named. */
function withSiblings(found: Match, siblings: readonly Match[]): Match {
  const others = siblings.filter((sibling) => sibling !== found && sibling.holders.length > 0);
  if (found.problem !== undefined || others.length === 0) return found;
  if (found.holders.length === 0) return { ...found, holders: others[0].holders };
  // Said once, by the first of the two.
  const later = siblings.slice(siblings.indexOf(found) + 1);
  const elsewhere = later.find(
    ({ holders }) => holders.length > 0 && !holders.some((holder) => found.holders.includes(holder)),
  );
  return elsewhere === undefined
    ? found
    : {
        ...found,
        problem:
          `'${found.database.datasource}' (${place(found.database)}) and '${elsewhere.database.datasource}' are the same ` +
          `database and must be on one resource, got ${names(found.holders)} and ${names(elsewhere.holders)}: ` +
          'name both in the `datasources` of the one that holds it',
      };
}

/** Same server, same database. Of hosts known only at run time the reference is compared: it has one value. */
function physicalKey({ host, port, databaseName }: DeclaredLike): string | undefined {
  return host === undefined || databaseName === undefined
    ? undefined
    : JSON.stringify([normalized(host), port, databaseName]);
}

const hostsOf = ({ host, hosts }: DeclaredLike) => (hosts ?? (host === undefined ? [] : [host])).map(normalized);

/** Host names know no upper case, and may be written with the root's dot. */
const normalized = (host: string) => host.trim().toLowerCase().replace(/\.$/, '');

const unique = <T>(values: readonly T[]) => [...new Set(values)];

const names = (resources: readonly OfferedLike[]) => resources.map(({ name }) => name).join(' and ');

function index(
  offered: readonly OfferedLike[],
  keysOf: (resource: OfferedLike) => readonly string[],
): Map<string, OfferedLike[]> {
  const found = new Map<string, OfferedLike[]>();
  for (const resource of offered) {
    for (const key of unique(keysOf(resource))) found.set(key, [...(found.get(key) ?? []), resource]);
  }
  return found;
}

const h2Problem = (database: DeclaredLike) =>
  isLocalRegistry(database)
    ? []
    : [
        `deployment.toml must keep '${database.datasource}' on a database server, got ` +
          `${database.embedded ? 'embedded H2' : 'an H2 server'} (${place(database)}): ` +
          'no RDS resource holds it, and AWS Backup cannot see it; move it to RDS',
      ];

/** Each node has its own, and the product recommends H2 for it. */
const isLocalRegistry = ({ datasource, embedded }: DeclaredLike) => datasource === 'registry_db' && embedded;

const localRegistryWarning = (database: DeclaredLike) =>
  `'${database.datasource}' (${place(database)}) is the local registry of each node, an embedded H2: it is not backed up`;

const uncoveredProblem = (database: DeclaredLike, offer: string) =>
  `\`databases\` must cover every database of deployment.toml, got none for '${database.datasource}' ` +
  `(${place(database)}); offered: ${offer}: add '${database.datasource}' to the ` +
  '`datasources` of the RDS resource that holds it' +
  (database.host === undefined ? '' : ', or its host to the `hostnames`');

const typeProblem = (database: DeclaredLike) =>
  database.type === 'unknown'
    ? [
        `the type of database '${database.datasource}' (${place(database)}) must be known, got ` +
          `${database.url ?? 'a reference'}: without it no drill can connect to it; ${resolveHint(database.url)}`,
      ]
    : [];

function nameProblem(database: DeclaredLike): string[] {
  const { databaseName, datasource, type } = database;
  // Whoever resolves the type resolves the name.
  if (type === 'unknown' || (databaseName !== undefined && !isReferenceIn(databaseName))) return [];
  const change = databaseName === undefined ? 'write `name`, or a `url` that holds it' : resolveHint(databaseName);
  return [
    `the name of database '${datasource}' (${place(database)}) must be known, got ${databaseName ?? 'none'}: ` +
      `without it no drill can connect to it; ${change}`,
  ];
}

function resolveHint(text: string | undefined): string {
  const [reference = 'env:NAME'] = referencesIn(text ?? '');
  return `give \`resolve: { '${reference}': ... }\` to DeploymentToml`;
}

function uselessWarnings(
  { name, datasources }: OfferedLike,
  servers: readonly DeclaredLike[],
  isUseless: boolean,
): string[] {
  if (isUseless) {
    const known = servers.map(({ datasource }) => datasource).join(', ') || 'none on a server';
    return [`${name} covers no database of deployment.toml (it declares ${known})`];
  }
  const unknown = datasources.filter((given) => !servers.some(({ datasource }) => isNameOf(datasource, given)));
  return unknown.length === 0 ? [] : [`${name} names ${unknown.join(', ')}, which deployment.toml does not declare`];
}

/** `database (identity_db, db.example.com)`; an endpoint that is a token has no name yet. */
function described({ name, datasources, hostnames }: OfferedLike): string {
  const known = [...datasources, ...hostnames.filter((hostname) => !isToken(hostname))];
  return `${name} (${known.join(', ') || 'no `datasources`, and a host name that is known only when it is deployed'})`;
}

function place({ section, line, host }: DeclaredLike): string {
  const parts = [
    section,
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(host === undefined ? [] : [`on ${host}`]),
  ];
  return parts.join(', ');
}
