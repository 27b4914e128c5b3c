import { readFileSync } from 'node:fs';
import type { RestoreDependencies } from '../planning/plan-document';
import { DeploymentTomlError } from './errors';
import { type ParsedDeployment, parseDeployment } from './parse';

/** One database that `deployment.toml` declares, or that the product runs by default because the file does not. */
export interface DeclaredDatabase {
  /** Section that declares it, without brackets: `database.identity_db`, `datasource`. */
  readonly section: string;
  /** Name of the datasource: `identity_db`, or the `id` of a `[[datasource]]`. */
  readonly datasource: string;
  /**
   * `mysql`, `mariadb`, `oracle`, `mssql`, `db2`, `postgre` or `h2`; `unknown` where it is in a reference such as
   * `$env{DB_URL}` that `resolve` does not give.
   */
  readonly type: string;
  /** Host as in the file; a reference such as `$env{DB_HOST}` is kept. @default - not given (embedded) */
  readonly host?: string;
  /** Every host, where a URL names several; the first is `host`. @default - one or none */
  readonly hosts?: string[];
  /** @default - the engine's standard port; none when it is embedded or known only at run time */
  readonly port?: number;
  /** Name of the database on the server; the SID or service of an Oracle database. @default - not given */
  readonly databaseName?: string;
  /** JDBC URL, XML escapes resolved. @default - the file gives none */
  readonly url?: string;
  /** Line of the section in the file, from 1. @default - not in the file: the product's own default */
  readonly line?: number;
  /** An H2 database inside the server, which no RDS resource can be: nothing here backs it up. */
  readonly embedded: boolean;
  /** Keys that name this datasource: `session.data_source`, `authentication.consent.data_source`. @default - none does */
  readonly usedBy?: string[];
}

/** One keystore that a restored server cannot do without. */
export interface DeclaredKeystore {
  /** `primary`, `internal`, `tls`, `truststore`, or another table of `[keystore]`. */
  readonly role: string;
  /** Path relative to `<IS_HOME>`: `repository/resources/security/wso2carbon.jks`. */
  readonly path: string;
  /** Stands in its place where `path` is missing. @default - the file is named in `deployment.toml`, or its type is */
  readonly orPath?: string;
}

/** What `$secret{}` names. The server asks for the keystore's password when it starts, to read any of it. */
export interface DeclaredSecrets {
  /** Every alias that is used, sorted. */
  readonly aliases: string[];
  /** Of them, what `[secrets]` does not hold: an external vault does. */
  readonly elsewhere: string[];
  /** Of them, what `[secrets]` holds without encryption: the cipher tool did not run yet. */
  readonly clearText: string[];
}

/** Where users are, by `[user_store]`. */
export interface DeclaredUserStore {
  /** `database_unique_id`, `read_write_ldap`, `active_directory`, ... */
  readonly type: string;
  /** URL of an LDAP server, which nothing here backs up. @default - users are in a database */
  readonly connectionUrl?: string;
}

/** The cluster that a restored copy must not join, by `[clustering]`. */
export interface DeclaredClustering {
  /** `wka`, `kubernetes`, `aws-ecs`, ... */
  readonly membershipScheme: string;
  /** @default - the product's, `wso2.carbon.domain` */
  readonly domain?: string;
  /** Well-known members, `host:port`. @default - none are written */
  readonly members?: string[];
}

/** The mail server that a restored copy must not send through, by `[output_adapter.email]`. */
export interface DeclaredSmtp {
  readonly host: string;
  /** As in the file. @default - the product's */
  readonly port?: string;
}

/** Options of `DeploymentToml.fromFile` and `fromString`. */
export interface DeploymentTomlOptions {
  /** What messages call the file. @default - the path; `deployment.toml` where a text is given */
  readonly fileName?: string;
  /**
   * Values of what only a running server knows, by `env:NAME` for `$env{NAME}`, `secret:ALIAS` for `$secret{ALIAS}` and
   * `sys:PROPERTY` for `$sys{PROPERTY}`. Give those that name database hosts, types, names or URLs:
   *
   * ```ts
   * DeploymentToml.fromFile('deployment.toml', { resolve: { 'env:DB_HOST': db.dbInstanceEndpointAddress } });
   * ```
   *
   * A value may be a token. Never give passwords: nothing here needs one.
   *
   * @default - references are kept as they are
   */
  readonly resolve?: { [reference: string]: string };
}

/** WSO2 Identity Server's `repository/conf/deployment.toml`, rendered. IS 5.9 to 7.3. */
export class DeploymentToml {
  /**
   * @param path of the file
   * @throws with line, column and what to change, if there is no such file, it is not TOML, is a template not rendered
   * yet, declares a database that cannot be understood, or `resolve` names a reference that it does not have
   */
  public static fromFile(path: string, options: DeploymentTomlOptions = {}): DeploymentToml {
    return DeploymentToml.fromString(read(path), { fileName: path, ...options });
  }

  /** @throws as `fromFile` does */
  public static fromString(text: string, options: DeploymentTomlOptions = {}): DeploymentToml {
    const { fileName = 'deployment.toml', resolve } = options;
    return new DeploymentToml(parseDeployment(text, fileName, { resolve }));
  }

  /** Every database, in the order of the file; those that the product runs by default come last. */
  public readonly databases: DeclaredDatabase[];
  /** The keystores and the truststore. */
  public readonly keystores: DeclaredKeystore[];
  /**
   * How `[encryption] key` is given: `absent` or `public-default` (both mean a key that everybody knows: the product's, or
   * that of WSO2's Helm chart), `literal`, or `reference` (`$secret{}`, `$env{}`, `$sys{}`).
   */
  public readonly encryptionKey: string;
  /**
   * Whether the file chooses to encrypt with the internal keystore, so that `[encryption] key` is not used. IS 5.9 and 5.10
   * do so by default, which the file does not tell.
   */
  public readonly encryptsWithKeystore: boolean;
  /** Undefined where no value is a `$secret{}`. */
  public readonly secrets?: DeclaredSecrets;
  /** Undefined where the file does not say. */
  public readonly userStore?: DeclaredUserStore;
  /** Undefined where the server is no member of a cluster. */
  public readonly clustering?: DeclaredClustering;
  /** Undefined where the file names no mail server. */
  public readonly smtp?: DeclaredSmtp;
  /** What is not wrong in the file, and still worth a look; each with its place. */
  public readonly warnings: string[];
  /** @internal */
  public readonly _restoreDependencies: RestoreDependencies;
  private readonly parsed: ParsedDeployment;

  private constructor(parsed: ParsedDeployment) {
    const { databases, warnings, restoreDependencies } = parsed;
    const { keystores, encryptionKey, secrets, userStore, clustering, smtp } = restoreDependencies;
    this.parsed = parsed;
    this.databases = databases.map(mutable);
    this.keystores = [...keystores];
    this.encryptionKey = encryptionKey;
    this.encryptsWithKeystore = restoreDependencies.encryptsWithKeystore ?? false;
    this.secrets = secrets && mutable(secrets);
    this.userStore = userStore;
    this.clustering = clustering && mutable(clustering);
    this.smtp = smtp;
    this.warnings = [...warnings];
    this._restoreDependencies = restoreDependencies;
  }

  /**
   * Value of a dotted key as text, `$ref{}` and what `resolve` gives resolved: `lookup('server.hostname')`. Undefined where
   * the file does not set it, or it is a table.
   */
  public lookup(path: string): string | undefined {
    return this.parsed.lookup(path);
  }
}

type Mutable<T> = { readonly [K in keyof T]: T[K] extends readonly string[] | undefined ? string[] & T[K] : T[K] };

/** jsii has no read-only lists: what is handed out is a copy. */
function mutable<T extends object>(value: T): Mutable<T> {
  const copied = Object.entries(value).map(([key, item]) => [key, Array.isArray(item) ? [...item] : item]);
  return Object.fromEntries(copied) as Mutable<T>;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const cause = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new DeploymentTomlError(`${path}: ${cause}: give the path of repository/conf/deployment.toml`, {
      cause: error,
    });
  }
}
