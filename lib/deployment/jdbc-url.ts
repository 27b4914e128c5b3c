/** What a JDBC URL says, in the forms that IS's seven databases take. References in it are kept as they are. */
import { maskReferences } from './references';

export const DATABASE_TYPES = ['mysql', 'mariadb', 'oracle', 'mssql', 'db2', 'postgre', 'h2'] as const;
export type DatabaseType = (typeof DATABASE_TYPES)[number];

/** The engines' standard ports, where neither `port` nor the URL gives one. H2 is embedded. */
export const DEFAULT_PORTS: Readonly<Record<DatabaseType, string | undefined>> = {
  mysql: '3306',
  mariadb: '3306',
  oracle: '1521',
  mssql: '1433',
  db2: '50000',
  postgre: '5432',
  h2: undefined,
};

export interface JdbcTarget {
  readonly type: DatabaseType;
  /** Several where the driver fails over between them; the writer, or the first tried, is the first. None: embedded. */
  readonly hosts: readonly string[];
  /** Of the first host, as it is written. */
  readonly port?: string;
  /** The server tells the port itself: SQL Server, where an instance is named. */
  readonly isPortDynamic?: boolean;
  readonly databaseName?: string;
}

/** @returns undefined where the URL is of no known database */
export function parseJdbcUrl(url: string): JdbcTarget | undefined {
  const { masked, unmask } = maskReferences(url);
  const form = FORMS.find(({ prefix }) => prefix.test(masked));
  if (!form) return undefined;
  const { hosts, port, databaseName, isPortDynamic } = form.parse(masked.replace(form.prefix, ''));
  return {
    type: form.type,
    hosts: hosts.map(unmask),
    ...(port ? { port: unmask(port) } : {}),
    ...(databaseName ? { databaseName: unmask(databaseName) } : {}),
    ...(isPortDynamic ? { isPortDynamic } : {}),
  };
}

interface Parsed {
  readonly hosts: readonly string[];
  readonly port?: string;
  readonly databaseName?: string;
  readonly isPortDynamic?: boolean;
}

/** `//host:port/name?options`, `//host1,host2:port/name`, `name` on localhost; options of DB2 follow `:`. */
function authority(rest: string): Parsed {
  // Options between the driver's name and the authority: `jdbc:mysql:replication://`.
  const slashes = /^(?:[a-z-]+:)?\/\//.exec(rest);
  if (!slashes) return { hosts: ['localhost'], databaseName: cutOptions(rest) };
  const [servers, ...path] = rest.slice(slashes[0].length).split('/');
  const addresses = addressList(servers.split(/[?;]/)[0]);
  return {
    hosts: addresses.map(({ host }) => host ?? 'localhost'),
    port: addresses[0].port,
    databaseName: cutOptions(path.join('/')),
  };
}

function addressList(servers: string): { host?: string; port?: string }[] {
  // MySQL and MariaDB: `address=(host=a)(port=1),address=(host=b)`.
  const named = [...servers.matchAll(/\(\s*host\s*=\s*([^()\s]+)\s*\)(?:\s*\(\s*port\s*=\s*([^()\s]+)\s*\))?/gi)];
  if (named.length > 0) return named.map(([, host, port]) => ({ host, port }));
  return servers.split(',').map((server) => hostAndPort(server.slice(server.lastIndexOf('@') + 1)));
}

/** `//host\instance:port;databaseName=x`, `//host,port;database=x`, `//;serverName=host;portNumber=1`, jTDS `//host:port/x` */
function sqlServer(rest: string): Parsed {
  const [server, ...properties] = rest.replace(/^\/\//, '').split(';');
  const values = new Map(
    properties.map((property) => {
      const [name, ...value] = property.split('=');
      return [name.trim().toLowerCase(), value.join('=').trim()] as const;
    }),
  );
  const [hostPart, ...path] = server.split('/');
  const [, address, instance, tail] = /^([^\\:,]*)(?:\\+([^:,]*))?(.*)$/.exec(hostPart) ?? [];
  const host = address || values.get('servername') || values.get('server');
  const port = /^[:,](.+)$/.exec(tail ?? '')?.[1] ?? values.get('portnumber') ?? values.get('port');
  return {
    hosts: host ? [host.split('\\')[0]] : [],
    port,
    databaseName: values.get('databasename') ?? values.get('database') ?? path.join('/'),
    isPortDynamic: !port && Boolean(instance || values.get('instancename') || host?.includes('\\')),
  };
}

/** `@host:port:SID`, `@host:port/service`, `@//host:port/service`, `@tcps://...`, `@(DESCRIPTION=...)`, `@alias` */
function oracle(rest: string): Parsed {
  const target = rest.slice(rest.indexOf('@') + 1).trim();
  if (target.startsWith('(')) {
    const values = (key: string) =>
      [...target.matchAll(new RegExp(String.raw`\(\s*${key}\s*=\s*([^()\s]+)\s*\)`, 'gi'))].map(([, value]) => value);
    return {
      hosts: values('HOST'),
      port: values('PORT')[0],
      databaseName: values('SERVICE_NAME')[0] ?? values('SID')[0],
    };
  }
  const [, scheme, host, port, name] =
    /^((?:tcps?:)?\/\/)?([^:/?]+)(?::([^:/?]+))?(?:[:/]([^:/?]+))?/i.exec(target) ?? [];
  // A word alone is an alias of `tnsnames.ora`, which says where it is.
  const isAlias = scheme === undefined && port === undefined && name === undefined;
  return isAlias || host === undefined ? { hosts: [] } : { hosts: host.split(','), port, databaseName: name };
}

/** `./path/NAME;options`, `file:...`, `mem:NAME`, and the server's `tcp://host:port/path/NAME` */
function h2(rest: string): Parsed {
  const [location] = rest.split(';');
  const databaseName = location.split(/[/:]/).at(-1);
  const [, server] = /^(?:tcp|ssl):\/\/([^/]+)/.exec(location) ?? [];
  if (server === undefined) return { hosts: [], databaseName };
  const { host, port = '9092' } = hostAndPort(server);
  return { hosts: host === undefined ? [] : [host], port, databaseName };
}

// Drivers around the driver: AWS's wrapper and Secrets Manager driver, the usual ones that log.
const driver = (name: string) => new RegExp(`^jdbc(?:-secretsmanager)?:(?:(?:aws-wrapper|p6spy|otel):)?${name}:`, 'i');

const FORMS: readonly { prefix: RegExp; type: DatabaseType; parse: (rest: string) => Parsed }[] = [
  { prefix: driver('postgresql'), type: 'postgre', parse: authority },
  { prefix: driver('mysql'), type: 'mysql', parse: authority },
  { prefix: driver('mariadb'), type: 'mariadb', parse: authority },
  { prefix: driver('(?:jtds:)?sqlserver'), type: 'mssql', parse: sqlServer },
  { prefix: driver('oracle:(?:thin|oci)'), type: 'oracle', parse: oracle },
  { prefix: driver('db2'), type: 'db2', parse: authority },
  { prefix: driver('h2'), type: 'h2', parse: h2 },
];

const cutOptions = (name: string) => name.split(/[?;:]/)[0];

function hostAndPort(text: string): { host?: string; port?: string } {
  const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(text.trim()) ?? [];
  return { host: host || undefined, port: port || undefined };
}
