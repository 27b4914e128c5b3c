/**
 * What `deployment.toml` must say differently for IS to use databases that are somewhere else: after a recovery. Pure.
 */
import type { ParsedDatabase } from './databases';
import { DEFAULT_PORTS, parseJdbcUrl } from './jdbc-url';
import { isReferenceIn } from './references';

/** One value of `deployment.toml`. */
export interface ConfigurationChange {
  /** `identity_db`, or the `id` of a `[[datasource]]`. */
  readonly datasource: string;
  /** The table that has it, as in the file, without brackets: `database.identity_db`, `datasource`. */
  readonly section: string;
  readonly key: 'hostname' | 'port' | 'url';
  /** Line of the table's header; absent where the file could not be read. */
  readonly line?: number;
  /**
   * As it is now, references as they are written, a password in a URL masked (`***`). Absent where it is not set, or the file
   * could not be read.
   */
  readonly from?: string;
  /** As it must be. What is masked (`***`) stays as it is in the file. */
  readonly to: string;
}

/** Where the database of some datasources is now. */
export interface NewEndpoint {
  readonly datasources: readonly {
    readonly datasource: string;
    readonly type: string;
    readonly databaseName: string;
  }[];
  readonly host: string;
  readonly port: number;
}

/**
 * The changes that lead every datasource to its new endpoint; none for one that is there already.
 *
 * @param declared the databases of the file; absent: the file could not be read, and `hostname` and `port` of the product's own
 * sections stand for what it may say
 */
export function configurationChanges(
  endpoints: readonly NewEndpoint[],
  declared?: readonly ParsedDatabase[],
): readonly ConfigurationChange[] {
  const byDatasource = targetsOf(endpoints);
  if (declared !== undefined) {
    return declared.flatMap((database) => {
      const target = byDatasource.get(database.datasource);
      return target === undefined || database.embedded ? [] : changesOf(database, target);
    });
  }
  return [...byDatasource.values()].flatMap(({ datasource, host, port }) => {
    const section = `database.${datasource}`;
    return [
      { datasource, section, key: 'hostname' as const, to: host },
      { datasource, section, key: 'port' as const, to: String(port) },
    ];
  });
}

/** Where one datasource is now. */
export interface Target {
  readonly datasource: string;
  readonly host: string;
  readonly port: number;
  readonly type: string;
  readonly databaseName: string;
}

export const targetsOf = (endpoints: readonly NewEndpoint[]): ReadonlyMap<string, Target> =>
  new Map(
    endpoints.flatMap(({ datasources, host, port }) =>
      datasources.map((each) => [each.datasource, { ...each, host, port }] as const),
    ),
  );

function changesOf(database: ParsedDatabase, target: Target): ConfigurationChange[] {
  const { datasource, section, line, url, host, port } = database;
  const where = { datasource, section, ...(line === undefined ? {} : { line }) };
  if (url !== undefined) {
    const to = urlAt(url, database, target);
    return to === url ? [] : [{ ...where, key: 'url', from: written(url), to: written(to) }];
  }
  const changes: ConfigurationChange[] = [];
  if (host !== target.host) {
    changes.push({ ...where, key: 'hostname', ...(host === undefined ? {} : { from: host }), to: target.host });
  }
  // Unknown where it is a reference: then it is said, since nobody can tell that it is right.
  if (port !== target.port) {
    changes.push({
      ...where,
      key: 'port',
      ...(port === undefined ? {} : { from: String(port) }),
      to: String(target.port),
    });
  }
  return changes;
}

/** The same URL with its options, at the new endpoint; a plain one where the old one's form cannot be kept. */
export function urlAt(url: string, database: ParsedDatabase, target: Target): string {
  const moved = withHosts(url, database.hosts ?? (database.host === undefined ? [] : [database.host]), target);
  const read = parseJdbcUrl(moved);
  const isThere =
    read !== undefined &&
    read.hosts.length > 0 &&
    read.hosts.every((host) => host === target.host) &&
    Number(read.port ?? DEFAULT_PORTS[read.type]) === target.port &&
    (database.databaseName === undefined || read.databaseName === database.databaseName);
  return isThere ? moved : plainUrl(database, target);
}

/** Every list of the old hosts, each with its instance and port, becomes the new host and port. */
function withHosts(url: string, hosts: readonly string[], { host, port }: Target): string {
  if (hosts.length === 0) return url;
  const anyHost = `(?:${[...hosts]
    .sort((a, b) => b.length - a.length)
    .map(escaped)
    .join('|')})`;
  const named = new RegExp(String.raw`(\(\s*host\s*=\s*)${anyHost}(\s*\)(?:\s*\(\s*port\s*=\s*)?)([^()\s]*)`, 'gi');
  if (named.test(url)) {
    return url.replace(named, (_, before: string, between: string, old: string) =>
      /port/i.test(between) ? `${before}${host}${between}${port}` : `${before}${host}${between}${old}`,
    );
  }
  const one = String.raw`${anyHost}(?:\\+[^:,;/]*)?(?::[^:,;/?@]*|,\d+(?=[;/]|$))?`;
  return url.replace(new RegExp(`(?<![\\w.-])${one}(?:,${one})*(?![\\w.-])`), (whole) =>
    // `@host:port:SID` of Oracle: what follows the port is no part of it.
    whole.includes(',') || /[:\\]/.test(whole) || port !== defaultPortOf(url) ? `${host}:${port}` : host,
  );
}

const defaultPortOf = (url: string) => {
  const type = parseJdbcUrl(url)?.type;
  return type === undefined ? undefined : Number(DEFAULT_PORTS[type]);
};

/** As the product makes it of hostname, port and name. */
export function plainUrl(database: ParsedDatabase, target: Target): string {
  const type = database.type === 'unknown' ? target.type : database.type;
  const declared = database.databaseName;
  const name = declared === undefined || isReferenceIn(declared) ? target.databaseName || declared : declared;
  const server = `${target.host}:${target.port}`;
  switch (type) {
    case 'mssql':
      return `jdbc:sqlserver://${server};databaseName=${name}`;
    case 'oracle':
      return `jdbc:oracle:thin:@${server}/${name}`;
    case 'postgre':
      return `jdbc:postgresql://${server}/${name}`;
    default:
      return `jdbc:${type}://${server}/${name}`;
  }
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** As it stands in the file, of which the product makes XML; without its password. */
const written = (url: string) => withoutPassword(url).replaceAll('&', '&amp;');

const withoutPassword = (url: string) =>
  url
    .replace(/\b(password|pwd)=[^&;]*/gi, '$1=***')
    .replace(/(\/\/[^/@:]*):[^/@]*@/, '$1:***@')
    // Oracle: `thin:user/password@...`
    .replace(/(:thin:[^/@]*)\/[^@]*@/, '$1/***@');
