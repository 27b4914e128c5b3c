/** What a JDBC URL says, in the forms that IS's seven databases take. */

export const DATABASE_TYPES = ['mysql', 'mariadb', 'oracle', 'mssql', 'db2', 'postgre', 'h2'] as const;
export type DatabaseType = (typeof DATABASE_TYPES)[number];

/** The engines' standard ports, where neither `port` nor the URL gives one. H2 is embedded. */
export const DEFAULT_PORTS: Readonly<Record<DatabaseType, number | undefined>> = {
  mysql: 3306,
  mariadb: 3306,
  oracle: 1521,
  mssql: 1433,
  db2: 50000,
  postgre: 5432,
  h2: undefined,
};

export interface JdbcTarget {
  readonly type: DatabaseType;
  readonly host?: string;
  readonly port?: number;
  readonly databaseName?: string;
}

/** @returns undefined where the URL is of no known database */
export function parseJdbcUrl(url: string): JdbcTarget | undefined {
  const match = FORMS.find(({ prefix }) => prefix.test(url));
  return match?.parse(url.replace(match.prefix, ''), match.type);
}

type Parse = (rest: string, type: DatabaseType) => JdbcTarget;

// Options between the name and the authority: `jdbc:mysql:replication://`, `jdbc:aws-wrapper:postgresql://`.
const authority: Parse = (rest, type) => {
  const slashes = /^(?:[a-z-]+:)?\/\//.exec(rest);
  // `jdbc:postgresql:name` is a database on localhost.
  if (!slashes) return { type, host: 'localhost', ...named(cutOptions(rest)) };
  const [hosts, ...path] = rest.slice(slashes[0].length).split('/');
  // Of several hosts the first is the writer.
  return { type, ...hostAndPort(hosts.split(/[,?;]/)[0]), ...named(cutOptions(path.join('/'))) };
};

/** `//host\instance:port;databaseName=x` or `//host,port;...` or `//;serverName=host;...` */
const sqlServer: Parse = (rest, type) => {
  const [server, ...properties] = rest.replace(/^\/\//, '').split(';');
  const values = new Map(
    properties
      .filter((property) => property.includes('='))
      .map((property) => {
        const at = property.indexOf('=');
        return [property.slice(0, at).trim().toLowerCase(), property.slice(at + 1).trim()] as const;
      }),
  );
  const [hostPart, ...path] = server.split('/');
  const { host, port } = hostAndPort(hostPart.replace(/\\+[^:,]*/, '').replace(',', ':'));
  const portProperty = values.get('portnumber') ?? values.get('port');
  return compact({
    type,
    host: host ?? values.get('servername') ?? values.get('server'),
    port: port ?? (portProperty === undefined ? undefined : Number(portProperty)),
    databaseName: values.get('databasename') ?? values.get('database') ?? (path.join('/') || undefined),
  });
};

/** `@host:port:SID`, `@host:port/service`, `@//host:port/service`, `@tcps://...`, `@(DESCRIPTION=...)` */
const oracle: Parse = (rest, type) => {
  const target = rest.slice(rest.indexOf('@') + 1).trim();
  if (target.startsWith('(')) {
    const value = (key: string) => new RegExp(String.raw`\(\s*${key}\s*=\s*([^()\s]+)\s*\)`, 'i').exec(target)?.[1];
    const port = value('PORT');
    return compact({
      type,
      host: value('HOST'),
      port: port === undefined ? undefined : Number(port),
      databaseName: value('SERVICE_NAME') ?? value('SID'),
    });
  }
  const easy = /^(?:(?:tcps?:)?\/\/)?([^:/?]+)(?::(\d+))?(?:[:/]([^:/?]+))?/i.exec(target);
  if (!easy) return { type };
  return compact({
    type,
    host: easy[1],
    port: easy[2] === undefined ? undefined : Number(easy[2]),
    databaseName: easy[3],
  });
};

const h2: Parse = (rest, type) => ({ type, ...named(rest.split(';')[0].split('/').at(-1) ?? '') });

const FORMS: readonly { prefix: RegExp; type: DatabaseType; parse: Parse }[] = [
  { prefix: /^jdbc:(?:aws-wrapper:)?postgresql:/i, type: 'postgre', parse: authority },
  { prefix: /^jdbc:(?:aws-wrapper:)?mysql:/i, type: 'mysql', parse: authority },
  { prefix: /^jdbc:(?:aws-wrapper:)?mariadb:/i, type: 'mariadb', parse: authority },
  { prefix: /^jdbc:(?:jtds:)?sqlserver:/i, type: 'mssql', parse: sqlServer },
  { prefix: /^jdbc:oracle:(?:thin|oci):/i, type: 'oracle', parse: oracle },
  { prefix: /^jdbc:db2:/i, type: 'db2', parse: authority },
  { prefix: /^jdbc:h2:/i, type: 'h2', parse: h2 },
];

// Options follow the name after `?`, `;` (DB2 also `:`).
const cutOptions = (name: string) => name.split(/[?;:]/)[0];

const named = (databaseName: string) => (databaseName === '' ? {} : { databaseName });

function hostAndPort(text: string): { host?: string; port?: number } {
  const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?/.exec(text) ?? [];
  return compact({ host: host || undefined, port: port === undefined ? undefined : Number(port) });
}

const compact = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
