/** How one section says that its database is reached. */
import type { TomlDocument } from './document';
import { DeploymentTomlError } from './errors';
import { DATABASE_TYPES, type DatabaseType, DEFAULT_PORTS, type JdbcTarget, parseJdbcUrl } from './jdbc-url';
import type { Path } from './positions';
import { isReferenceIn, isToken } from './references';

export interface ParsedConnection {
  /** `unknown` where only a running server knows it, by a reference that nothing resolves. */
  readonly type: DatabaseType | 'unknown';
  readonly host?: string;
  /** All of them, where a URL names several; the first is `host`. */
  readonly hosts?: readonly string[];
  readonly port?: number;
  readonly databaseName?: string;
  readonly url?: string;
  readonly embedded: boolean;
}

/** Keys that make a connection. A table with none of them declares no database: only pool options, say. */
const CONNECTION_KEYS = ['url', 'type', 'hostname', 'port', 'name', 'sid', 'driver', 'username', 'password'];

export const declaresConnection = (document: TomlDocument, path: Path) =>
  CONNECTION_KEYS.some((key) => document.text([...path, key]) !== undefined);

/** @param section as in the file, without brackets */
export const readConnection = (document: TomlDocument, path: Path, section: string): ParsedConnection =>
  new Reader(document, path, section).read();

class Reader {
  public constructor(
    private readonly document: TomlDocument,
    private readonly path: Path,
    private readonly section: string,
  ) {}

  public read(): ParsedConnection {
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
    const key = target ? 'url' : 'port';
    const written = target ? target.port : this.value('port');
    const text = written ?? (type && DEFAULT_PORTS[type]);
    if (text === undefined || isReferenceIn(text) || isToken(text)) return undefined;
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
