/** The databases that `deployment.toml` declares. */
import { bareName, namesOf } from './datasource-names';
import { isTable, type TomlDocument } from './document';
import { DeploymentTomlError } from './errors';
import { DATABASE_TYPES, type DatabaseType, DEFAULT_PORTS, type JdbcTarget, parseJdbcUrl } from './jdbc-url';
import type { Path } from './positions';
import { isReferenceIn } from './references';

export interface ParsedDatabase {
  readonly section: string;
  readonly datasource: string;
  /** `unknown` where only a running server knows it, by a reference that nothing resolves. */
  readonly type: DatabaseType | 'unknown';
  readonly host?: string;
  /** All of them, where a URL names several; the first is `host`. */
  readonly hosts?: readonly string[];
  readonly port?: number;
  readonly databaseName?: string;
  readonly url?: string;
  readonly line?: number;
  readonly embedded: boolean;
  /** Keys that name this datasource: `session.data_source`. */
  readonly usedBy?: readonly string[];
}

/** Absent, the product runs them as embedded H2 under `repository/database`. */
const ALWAYS_THERE = ['identity_db', 'shared_db'];

/** Keys that make a connection. A table with none of them declares no database: only pool options, say. */
const CONNECTION_KEYS = ['url', 'type', 'hostname', 'port', 'name', 'sid', 'driver', 'username', 'password'];

/** Tables below a datasource that are none. */
const OPTION_TABLES = ['pool_options', 'db_props'];

interface Section {
  readonly path: Path;
  /** As in the file, without brackets: `database.identity_db`, `datasource`. */
  readonly name: string;
  readonly datasource: string;
  /** Whether only its `id`, and no header of its own, names it. */
  readonly hasId: boolean;
}

/** In the order of the file; those that the product runs by default come last. */
export function readDatabases(document: TomlDocument): ParsedDatabase[] {
  const uses = new Map<string, string[]>();
  for (const { key, name } of datasourceUses(document)) {
    uses.set(bareName(name), [...(uses.get(bareName(name)) ?? []), key]);
  }
  const found = sectionsOf(document)
    .flatMap((section) => readSection(document, section))
    .map((database): ParsedDatabase => {
      const usedBy = namesOf(database.datasource).flatMap((name) => uses.get(name) ?? []);
      return usedBy.length === 0 ? database : { ...database, usedBy };
    })
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const missing = ALWAYS_THERE.filter(
    (name) => !found.some(({ section, datasource }) => datasource === name && section.startsWith('database.')),
  );
  return [
    ...found,
    ...missing.map((name) => ({ section: `database.${name}`, datasource: name, type: 'h2' as const, embedded: true })),
  ];
}

function sectionsOf(document: TomlDocument): Section[] {
  const sections = [...databaseSections(document), ...datasourceSections(document)].filter(
    ({ path }) => document.table(path) !== undefined,
  );
  const seen = new Map<string, Section>();
  for (const section of sections) {
    const earlier = seen.get(section.datasource);
    if (earlier) {
      throw new DeploymentTomlError(
        `${document.whereIs(section.path)}: \`[${section.name}]\` must have a name of its own, got ` +
          `'${section.datasource}', which \`[${earlier.name}]\` in line ${document.line(earlier.path)} has: ` +
          'give one of them another `id`',
      );
    }
    seen.set(section.datasource, section);
  }
  return sections;
}

/** `[database.NAME]`, `[database.NAME.config]`, and `[bps_database.config]` of IS 5.9 to 5.11. */
function databaseSections(document: TomlDocument): Section[] {
  const named = Object.keys(document.table(['database']) ?? {}).map((name) => ({ path: ['database', name], name }));
  return [...named, { path: ['bps_database'], name: 'bps_database' }].map(({ path, name }) => {
    const config = [...path, 'config'];
    const isNested = document.table(config) !== undefined && !declaresAny(document, path);
    const declaring = isNested ? config : path;
    return { path: declaring, name: declaring.join('.'), datasource: name, hasId: false };
  });
}

/** `[[datasource]]`, `[datasource.NAME]`, and the latter below the former, where TOML puts it into the last element. */
function datasourceSections(document: TomlDocument): Section[] {
  const root = ['datasource'];
  const elements = document.elements(root);
  const parents = elements.length > 0 ? elements : [root];
  return [
    ...elements.map((path) => datasourceSection(document, path, 'datasource', undefined)),
    ...parents.flatMap((parent) =>
      Object.entries(document.table(parent) ?? {})
        .filter(([name, value]) => isTable(value) && !OPTION_TABLES.includes(name))
        .map(([name]) => datasourceSection(document, [...parent, name], `datasource.${name}`, name)),
    ),
  ];
}

function datasourceSection(document: TomlDocument, path: Path, name: string, named: string | undefined): Section {
  const id = document.text([...path, 'id'])?.trim();
  const datasource = id || named;
  if (datasource !== undefined) return { path, name, datasource, hasId: Boolean(id) };
  throw new DeploymentTomlError(
    `${document.whereIs(path)}: \`[${name}]\` has no \`id\`: give the datasource a name, \`id = "..."\``,
  );
}

const declaresAny = (document: TomlDocument, path: Path) =>
  CONNECTION_KEYS.some((key) => document.text([...path, key]) !== undefined);

function readSection(document: TomlDocument, { path, name, datasource, hasId }: Section): ParsedDatabase[] {
  const line = document.line(path);
  const base = { section: name, datasource, ...(line === undefined ? {} : { line }) };
  if (hasId || declaresAny(document, path)) return [{ ...base, ...new Connection(document, path, name).read() }];
  // The product's default is all there is.
  const isDefault = name.startsWith('database.') && ALWAYS_THERE.includes(datasource);
  return isDefault ? [{ ...base, type: 'h2', embedded: true }] : [];
}

/** What one section says about how its database is reached. */
class Connection {
  public constructor(
    private readonly document: TomlDocument,
    private readonly path: Path,
    private readonly section: string,
  ) {}

  public read(): Omit<ParsedDatabase, 'section' | 'datasource' | 'line' | 'usedBy'> {
    const url = this.value('url', true)?.replace(XML_ESCAPE, (_, name: string) => XML_ESCAPES[name]);
    const hostname = this.value('hostname', true);
    const target = url === undefined ? undefined : parseJdbcUrl(url);
    if (url !== undefined && target === undefined && !isReferenceIn(url)) throw this.notJdbc(url);
    if (url === undefined && this.value('type') === undefined) {
      throw this.problem(undefined, 'has neither `type` nor `url`: add `type = "postgre"`, or what it is');
    }
    const declared = this.declaredType();
    // What the product connects to is the URL, whatever `type` says.
    const type = target?.type ?? declared ?? this.typeOfDriver();
    const isServer = url === undefined && hostname !== undefined && type !== 'h2';
    const hosts = target?.hosts ?? (isServer ? [hostname] : []);
    const databaseName = target?.databaseName ?? (url === undefined || target ? this.name(type) : undefined);
    const port = this.port(target, url, type);
    return {
      type: type ?? 'unknown',
      ...(hosts.length === 0 ? {} : { host: hosts[0] }),
      ...(hosts.length < 2 ? {} : { hosts }),
      ...(hosts.length === 0 || port === undefined ? {} : { port }),
      ...(databaseName === undefined ? {} : { databaseName }),
      ...(url === undefined ? {} : { url }),
      embedded: type === 'h2' && hosts.length === 0,
    };
  }

  private value(key: string, isAddress = false): string | undefined {
    return this.document.connection([...this.path, key], isAddress);
  }

  /** The product asks for the `sid` of an Oracle database, and for the `name` of any other. */
  private name(type: DatabaseType | undefined): string | undefined {
    const [first, second] = type === 'oracle' ? ['sid', 'name'] : ['name', 'sid'];
    return this.value(first) ?? this.value(second);
  }

  /** Undefined where it is known only at run time. */
  private port(target: JdbcTarget | undefined, url: string | undefined, type: DatabaseType | undefined) {
    if (target?.isPortDynamic || (url !== undefined && !target)) return undefined;
    const key = target?.port === undefined ? 'port' : 'url';
    const text = target?.port ?? this.value('port') ?? (type && DEFAULT_PORTS[type]);
    if (text === undefined || isReferenceIn(text)) return undefined;
    const port = Number(text);
    if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
    const what = key === 'port' ? '`port`' : 'the port in `url`';
    throw this.problem(key, `${what} must be a whole number from 1 to 65535, got '${text}': write the port`);
  }

  /** `undefined` where the section says none, or only a running server knows. */
  private declaredType(): DatabaseType | undefined {
    const type = this.value('type');
    if (type === undefined || isReferenceIn(type)) return undefined;
    const known = DATABASE_TYPES.find((candidate) => candidate === type);
    if (known) return known;
    const meant = Object.hasOwn(MEANT, type.toLowerCase()) ? MEANT[type.toLowerCase()] : undefined;
    throw this.problem(
      'type',
      `\`type\` must be one of ${DATABASE_TYPES.join(', ')}, got '${type}': ` +
        (meant ? `did you mean "${meant}"?` : 'use one of those'),
    );
  }

  /** Where `url` is a reference the driver tells what it will be. */
  private typeOfDriver(): DatabaseType | undefined {
    const driver = this.value('driver');
    return driver === undefined ? undefined : DRIVERS.find(([pattern]) => pattern.test(driver))?.[1];
  }

  private notJdbc(url: string): DeploymentTomlError {
    return this.problem(
      'url',
      `\`url\` must be a JDBC URL of ${DATABASE_TYPES.join(', ')}, got '${withoutPassword(url)}': ` +
        'write a URL such as jdbc:postgresql://host:5432/name',
    );
  }

  private problem(key: string | undefined, what: string): DeploymentTomlError {
    const where =
      key === undefined ? this.document.whereIs(this.path) : this.document.whereIsValue([...this.path, key]);
    return new DeploymentTomlError(`${where}: \`[${this.section}]\`${key === undefined ? ' ' : ': '}${what}`);
  }
}

/** The product makes XML of the values, so a `&` in a URL is written `&amp;`. */
const XML_ESCAPE = /&(amp|lt|gt|quot|apos);/g;
const XML_ESCAPES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const DRIVERS: readonly (readonly [RegExp, DatabaseType])[] = [
  [/postgresql/i, 'postgre'],
  [/mariadb/i, 'mariadb'],
  [/mysql/i, 'mysql'],
  [/sqlserver|jtds/i, 'mssql'],
  [/oracle/i, 'oracle'],
  [/\bdb2\b/i, 'db2'],
  [/\bh2\b/i, 'h2'],
];

const MEANT: Readonly<Record<string, DatabaseType>> = {
  postgresql: 'postgre',
  postgres: 'postgre',
  pgsql: 'postgre',
  sqlserver: 'mssql',
  'ms-sql': 'mssql',
  mssqlserver: 'mssql',
  maria: 'mariadb',
  mysql8: 'mysql',
  oracledb: 'oracle',
  ...Object.fromEntries(DATABASE_TYPES.map((type) => [type, type])),
};

const withoutPassword = (url: string) =>
  url.replace(/\b(password|pwd)=[^&;]*/gi, '$1=***').replace(/\/\/[^/@]*@/, '//***@');

/** `data_source = "jdbc/X"`, whoever writes it: the session and consent stores, the user realm, an accelerator. */
const USES = /(?:^|_)data_?source(?:_name)?$/i;

/** Keys that name a datasource, and what they name. */
export function datasourceUses(document: TomlDocument): { key: string; path: Path; name: string }[] {
  return document.leaves
    .filter(({ path }) => path.length > 1 && USES.test((path.at(-1) === 'name' ? path.at(-2) : path.at(-1)) ?? ''))
    .map(({ path }) => ({ key: path.join('.'), path, name: document.text(path) ?? '' }));
}
