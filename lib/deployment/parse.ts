/**
 * What `deployment.toml` says about recovery: the databases it declares, the keystores and the encryption key that a
 * restored server cannot do without. Pure, without aws-cdk-lib: the functions, the command and the demo use it too.
 */
import { parse as parseToml, TomlError } from 'smol-toml';
import type { Keystore, RestoreDependencies } from '../planning/plan-document';
import { DATABASE_TYPES, type DatabaseType, DEFAULT_PORTS, parseJdbcUrl } from './jdbc-url';
import { LineIndex } from './lines';
import { findPlaceholder } from './template';

export interface ParsedDatabase {
  readonly section: string;
  readonly datasource: string;
  readonly type: DatabaseType;
  readonly host?: string;
  readonly port?: number;
  readonly databaseName?: string;
  readonly url?: string;
  readonly line?: number;
  readonly embedded: boolean;
}

export interface ParsedDeployment {
  readonly databases: readonly ParsedDatabase[];
  readonly restoreDependencies: RestoreDependencies;
  /** Value of a dotted key as text, `$ref{}` resolved; undefined where it is not set, or is a table. */
  readonly lookup: (path: string) => string | undefined;
}

/** What is wrong with the file: the message says where and what to change. */
export class DeploymentTomlError extends Error {
  public override readonly name = 'DeploymentTomlError';
}

type Table = { readonly [key: string]: unknown };

/**
 * @param fileName stands in messages
 * @throws DeploymentTomlError
 */
export function parseDeployment(text: string, fileName: string): ParsedDeployment {
  const withoutMark = text.replace(/^\uFEFF/, '');
  const placeholder = findPlaceholder(withoutMark);
  if (placeholder) {
    throw new DeploymentTomlError(
      `${fileName}:${placeholder.line}: is a template that is not rendered yet (${placeholder.kind}: ` +
        `\`${placeholder.text}\`): ${placeholder.fix}, and give the result`,
    );
  }
  const root = toml(withoutMark, fileName);
  return new Reader(root, new LineIndex(withoutMark), fileName).read();
}

function toml(text: string, fileName: string): Table {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what] = error.message.split('\n');
    throw new DeploymentTomlError(`${fileName}:${error.line}:${error.column}: ${what}\n\n${error.codeblock}`, {
      cause: error,
    });
  }
}

// Absent, the product runs them as embedded H2 under repository/database.
const ALWAYS_THERE = ['identity_db', 'shared_db'];

// FACTS: the key that the product uses, and everybody knows, where none is set.
const PUBLIC_KEY_PREFIX = '03BAFEB2';

const REFERENCE = /\$(?:env|secret|sys)\{/;

class Reader {
  public constructor(
    private readonly root: Table,
    private readonly lines: LineIndex,
    private readonly fileName: string,
  ) {}

  public read(): ParsedDeployment {
    return {
      databases: this.databases(),
      restoreDependencies: {
        deploymentTomlPath: 'repository/conf/deployment.toml',
        keystores: this.keystores(),
        encryptionKey: this.encryptionKey(),
      },
      lookup: (path) => this.text(path.split('.')),
    };
  }

  private databases(): ParsedDatabase[] {
    const found = [...this.databaseSections(), ...this.datasourceSections()].sort(
      (a, b) => (a.line ?? 0) - (b.line ?? 0),
    );
    const missing = ALWAYS_THERE.filter((name) => !found.some((database) => database.section === `database.${name}`));
    return [
      ...found,
      ...missing.map((name) => ({
        section: `database.${name}`,
        datasource: name,
        type: 'h2' as const,
        embedded: true,
      })),
    ];
  }

  /** `[database.<name>]`, and the older `[bps_database.config]`. */
  private databaseSections(): ParsedDatabase[] {
    const names = Object.keys(tableOr(this.root['database'])).map((name) => ({ path: ['database', name], name }));
    const bps = isTable(tableOr(this.root['bps_database'])['config'])
      ? [{ path: ['bps_database', 'config'], name: 'bps_database' }]
      : [];
    return [...names, ...bps].flatMap(({ path, name }) => this.database(path, path.join('.'), name, false));
  }

  /** `[[datasource]]`, `[datasource.<name>]`, and the latter below the former, where TOML puts it into the last element. */
  private datasourceSections(): ParsedDatabase[] {
    const section = this.root['datasource'];
    const elements = Array.isArray(section)
      ? section.map((table: unknown, index) => ({ path: ['datasource', String(index)], table, name: undefined }))
      : [];
    const parents = Array.isArray(section) ? elements : [{ path: ['datasource'], table: section }];
    const named = parents.flatMap(({ path, table }) =>
      Object.entries(tableOr(table))
        .filter(([name, value]) => name !== 'pool_options' && isTable(value))
        .map(([name]) => ({ path: [...path, name], name })),
    );
    return [
      ...elements.flatMap(({ path }) => this.database(path, 'datasource', undefined, true)),
      ...named.flatMap(({ path, name }) => this.database(path, `datasource.${name}`, name, true)),
    ];
  }

  /** None where the table declares no database: only pool options, say. */
  private database(path: string[], section: string, name: string | undefined, hasId: boolean): ParsedDatabase[] {
    const table = this.at(path);
    if (!isTable(table)) return [];
    const line = this.lines.of(path);
    const where = `${this.fileName}:${line ?? '?'}: \`[${section}]\``;
    const value = (key: string) => this.text([...path, key]);
    const type = value('type');
    const url = value('url')?.replaceAll('&amp;', '&').trim();
    const hostname = value('hostname');
    const datasource = (hasId ? value('id') : undefined) ?? name;
    if (datasource === undefined) {
      throw new DeploymentTomlError(`${where} has no \`id\`: give the datasource a name`);
    }
    if (type === undefined && url === undefined && hostname === undefined) {
      // The product's default is all there is.
      return ALWAYS_THERE.includes(datasource)
        ? [{ section, datasource, type: 'h2', embedded: true, ...(line === undefined ? {} : { line }) }]
        : [];
    }
    const target = url === undefined ? undefined : parseJdbcUrl(url);
    const declared = type === undefined ? undefined : this.knownType(type, where, target?.type);
    if (url !== undefined && target === undefined && !(declared !== undefined && REFERENCE.test(url))) {
      throw new DeploymentTomlError(
        `${where}: \`url\` must be a JDBC URL of ${DATABASE_TYPES.join(', ')}, got '${url}': ` +
          'write a URL such as jdbc:postgresql://host:5432/name',
      );
    }
    const known = declared ?? target?.type;
    if (known === undefined) {
      throw new DeploymentTomlError(
        `${where} has neither \`type\` nor \`url\`: add \`type = "postgre"\` or what it is`,
      );
    }
    const host = target?.host ?? hostname;
    const port = target?.port ?? this.port(value('port'), where) ?? DEFAULT_PORTS[known];
    const isPortKnown = host !== undefined && port !== undefined && !REFERENCE.test(value('port') ?? '');
    const databaseName = target?.databaseName ?? value('name') ?? value('sid');
    return [
      {
        section,
        datasource,
        type: known,
        ...(host === undefined ? {} : { host }),
        ...(isPortKnown ? { port } : {}),
        ...(databaseName === undefined ? {} : { databaseName }),
        ...(url === undefined ? {} : { url }),
        ...(line === undefined ? {} : { line }),
        embedded: (target?.type ?? known) === 'h2',
      },
    ];
  }

  private port(text: string | undefined, where: string): number | undefined {
    if (text === undefined || REFERENCE.test(text)) return undefined;
    const port = Number(text);
    if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
    throw new DeploymentTomlError(
      `${where}: \`port\` must be a whole number from 1 to 65535, got '${text}': write the port`,
    );
  }

  private knownType(type: string, where: string, ofUrl: DatabaseType | undefined): DatabaseType {
    const known = DATABASE_TYPES.find((candidate) => candidate === type);
    if (known) return known;
    if (REFERENCE.test(type) && ofUrl) return ofUrl;
    const hint = HINTS[type.toLowerCase()];
    const change = REFERENCE.test(type)
      ? 'it is known only at run time; write the type itself'
      : hint
        ? `did you mean "${hint}"?`
        : 'use one of those';
    throw new DeploymentTomlError(
      `${where}: \`type\` must be one of ${DATABASE_TYPES.join(', ')}, got '${type}': ${change}`,
    );
  }

  private keystores(): Keystore[] {
    const declared = Object.entries(tableOr(this.root['keystore'])).flatMap(([role, value]) =>
      (Array.isArray(value)
        ? value.map((_, index) => ['keystore', role, String(index)])
        : [['keystore', role]]
      ).flatMap((path) => this.namedKeystore(role, path) ?? []),
    );
    return [
      ...(declared.some(({ role }) => role === 'primary')
        ? []
        : [this.defaultKeystore('primary', ['keystore', 'primary'], 'wso2carbon')]),
      ...declared,
      this.namedKeystore('truststore', ['truststore']) ??
        this.defaultKeystore('truststore', ['truststore'], 'client-truststore'),
    ];
  }

  private namedKeystore(role: string, section: readonly string[]): Keystore | undefined {
    const file = this.text([...section, 'file_name']);
    return file === undefined ? undefined : { role, path: securityPath(file) };
  }

  /**
   * What the product takes where no file is named: JKS, or PKCS#12 in newer versions. The file does not tell the version,
   * so either may be meant unless the type is written.
   */
  private defaultKeystore(role: string, section: readonly string[], name: string): Keystore {
    const [jks, p12] = [securityPath(`${name}.jks`), securityPath(`${name}.p12`)];
    const type = this.text([...section, 'type'])?.toUpperCase();
    if (type === 'JKS') return { role, path: jks };
    return type === 'PKCS12' ? { role, path: p12 } : { role, path: p12, orPath: jks };
  }

  private encryptionKey(): RestoreDependencies['encryptionKey'] {
    const key = this.text(['encryption', 'key'])?.trim();
    if (key === undefined || key === '') return 'absent';
    if (REFERENCE.test(key)) return 'reference';
    return key.toUpperCase().startsWith(PUBLIC_KEY_PREFIX) ? 'public-default' : 'literal';
  }

  /** A value as text with `$ref{}` resolved. */
  private text(path: readonly string[], seen: readonly string[] = []): string | undefined {
    const value = this.at(path);
    if (value === undefined || value === null || typeof value === 'object') return undefined;
    return String(value).replace(/\$ref\{([^}]*)\}/g, (reference: string, name: string) => {
      const target = name.trim();
      const line = this.lines.of(path) ?? '?';
      if (seen.includes(target)) {
        throw new DeploymentTomlError(
          `${this.fileName}:${line}: \`${path.join('.')}\` refers to itself through ${[...seen, target].join(' -> ')}: ` +
            'write one of them out',
        );
      }
      // What the file does not set may be one of the product's defaults: kept as it is.
      return this.text(target.split('.'), [...seen, target]) ?? reference;
    });
  }

  private at(path: readonly string[]): unknown {
    return path.reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null ? (value as Table)[key] : undefined),
      this.root,
    );
  }
}

const HINTS: Readonly<Record<string, DatabaseType>> = {
  postgresql: 'postgre',
  postgres: 'postgre',
  pgsql: 'postgre',
  sqlserver: 'mssql',
  'ms-sql': 'mssql',
  mssqlserver: 'mssql',
  maria: 'mariadb',
  mysql8: 'mysql',
  oracledb: 'oracle',
};

/** Relative to `<IS_HOME>`; the product looks for a bare name in `repository/resources/security`. */
function securityPath(file: string): string {
  const inHome = file.replace(/^\$\{carbon\.home\}\/|^\.\//, '');
  return inHome !== file || inHome.startsWith('/') || inHome.startsWith('repository/')
    ? inHome
    : `repository/resources/security/${inHome}`;
}

const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

const tableOr = (value: unknown): Table => (isTable(value) ? value : {});
