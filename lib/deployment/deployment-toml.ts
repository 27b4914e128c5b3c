import { readFileSync } from 'node:fs';
import { DeploymentTomlError, type ParsedDeployment, parseDeployment } from './parse';
import type { RestoreDependencies } from '../planning/plan-document';

/** One database that `deployment.toml` declares, or that the product runs by default because the file does not. */
export interface DeclaredDatabase {
  /** Section that declares it, without brackets: `database.identity_db`, `datasource`. */
  readonly section: string;
  /** Name of the datasource: `identity_db`, or the `id` of a `[[datasource]]`. */
  readonly datasource: string;
  /** `mysql`, `mariadb`, `oracle`, `mssql`, `db2`, `postgre` or `h2`. */
  readonly type: string;
  /** Host as in the file; a reference such as `$env{DB_HOST}` is kept. @default - not given (embedded) */
  readonly host?: string;
  /** @default - the engine's standard port; none when it is embedded or known only at run time */
  readonly port?: number;
  /** Name of the database on the server; the SID or service of an Oracle database. @default - not given */
  readonly databaseName?: string;
  /** JDBC URL, XML escapes resolved. @default - the file gives none */
  readonly url?: string;
  /** Line of the section in the file, from 1. @default - not in the file: the product's own default */
  readonly line?: number;
  /** An H2 database, which no RDS resource can be: nothing here backs it up. */
  readonly embedded: boolean;
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

/** Options of `DeploymentToml.fromString`. */
export interface DeploymentTomlOptions {
  /** What messages call the file. @default deployment.toml */
  readonly fileName?: string;
}

/** WSO2 Identity Server's `repository/conf/deployment.toml`, rendered. */
export class DeploymentToml {
  /**
   * @param path of the file
   * @throws if there is no such file, it is not TOML, is a template not rendered yet, or declares an unknown database
   */
  public static fromFile(path: string): DeploymentToml {
    return DeploymentToml.fromString(read(path), { fileName: path });
  }

  /** @throws as `fromFile` does */
  public static fromString(text: string, options: DeploymentTomlOptions = {}): DeploymentToml {
    return new DeploymentToml(parseDeployment(text, options.fileName ?? 'deployment.toml'));
  }

  /** Every database, in the order of the file; those that the product runs by default come last. */
  public readonly databases: DeclaredDatabase[];
  /** The keystores and the truststore. */
  public readonly keystores: DeclaredKeystore[];
  /**
   * How `[encryption] key` is given: `absent` or `public-default` (both mean a key that everybody knows), `literal`, or
   * `reference` (`$secret{}`, `$env{}`, `$sys{}`).
   */
  public readonly encryptionKey: string;
  /** @internal */
  public readonly _restoreDependencies: RestoreDependencies;
  private readonly parsed: ParsedDeployment;

  private constructor(parsed: ParsedDeployment) {
    this.parsed = parsed;
    this.databases = [...parsed.databases];
    this.keystores = [...parsed.restoreDependencies.keystores];
    this.encryptionKey = parsed.restoreDependencies.encryptionKey;
    this._restoreDependencies = parsed.restoreDependencies;
  }

  /**
   * Value of a dotted key as text, `$ref{}` resolved: `lookup('server.hostname')`. Undefined where the file does not set
   * it, or it is a table.
   */
  public lookup(path: string): string | undefined {
    return this.parsed.lookup(path);
  }
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
