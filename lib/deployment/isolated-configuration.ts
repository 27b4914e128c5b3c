/**
 * A `deployment.toml` with which a restored server meets nothing of production: its databases are the restored ones, it is in
 * no cluster, and what it could send to leads nowhere. Pure. The network around the server has to forbid the same: what is
 * configured in the databases (notification senders, connections to identity providers) no file can change.
 *
 * It works by allowing: an address that is neither a restored database nor the server itself is replaced, whoever reads it.
 */
import { stringify } from 'smol-toml';
import { changeAddress, isOutward, isServerAddress, UNREACHABLE } from './addresses';
import { plainUrl, type NewEndpoint, type Target, targetsOf, urlAt } from './configuration-changes';
import { type ParsedDatabase, readDatabases, sectionsOf } from './databases';
import { isTable, TomlDocument } from './document';
import { DeploymentTomlError } from './errors';
import { parseDeployment } from './parse';
import type { Path } from './positions';
import { isReferenceIn, referencesIn } from './references';
import { parseTyped } from './toml';

export interface IsolatedEndpoint extends NewEndpoint {
  /**
   * What the server connects with; a reference such as `$env{NAME}` may stand for each. Absent: what the file has, which a
   * restored database knows.
   */
  readonly credentials?: { readonly username: string; readonly password: string };
}

/** A value that differs from production's; never the value itself, which may hold a password. */
export interface IsolatedValue {
  /** Dotted: `database.identity_db.url`. */
  readonly key: string;
  readonly why: string;
}

export interface IsolatedConfiguration {
  /** The file. Comments and order within a table are not kept. */
  readonly text: string;
  readonly changed: readonly IsolatedValue[];
  /** Keys whose text holds an outward URL that is taken for a name (an issuer, a claim dialect), and so was left. */
  readonly left: readonly string[];
  /** What the server must be given when it starts: `env:DB_PASSWORD`, `secret:ALIAS`, `sys:PROPERTY`; sorted. */
  readonly references: readonly string[];
  /** Where the server listens for HTTPS: 9443 and `[server] offset`. */
  readonly port: number;
}

/**
 * @param fileName stands in messages
 * @throws DeploymentTomlError as `parseDeployment` does, and where the server could not be kept from production or could not
 * start without it: with every reason, without values of the file
 */
export function isolatedConfiguration(
  text: string,
  fileName: string,
  endpoints: readonly IsolatedEndpoint[],
): IsolatedConfiguration {
  parseDeployment(text, fileName);
  const withoutMark = text.replace(/^\uFEFF/, '');
  const isolation = new Isolation(new TomlDocument(withoutMark, fileName, {}), parseTyped(withoutMark), endpoints);
  const { port } = isolation.run();
  if (isolation.problems.length > 0) {
    throw new DeploymentTomlError(`${fileName}: cannot be isolated from production: ${isolation.problems.join('; ')}`);
  }
  return {
    text: stringify(isolation.root, { numbersAsFloat: true }),
    changed: isolation.changed,
    left: isolation.left,
    references: [...isolation.references].sort(),
    port,
  };
}

/** HTTPS of the product, before its offset. */
const HTTPS_PORT = 9443;

/** As the product writes it. */
const OWN_URL = 'https://$ref{server.hostname}:${carbon.management.port}';

type Mutable = Record<string, unknown>;

class Isolation {
  public readonly changed: IsolatedValue[] = [];
  public readonly left: string[] = [];
  public readonly problems: string[] = [];
  public readonly references = new Set<string>();
  /** Tables that are among the problems. */
  private readonly refused: string[] = [];
  private readonly targets: ReadonlyMap<string, Target>;
  private readonly hosts: ReadonlySet<string>;

  public constructor(
    private readonly document: TomlDocument,
    public readonly root: Mutable,
    private readonly endpoints: readonly IsolatedEndpoint[],
  ) {
    this.targets = targetsOf(endpoints);
    this.hosts = new Set(endpoints.map(({ host }) => host));
  }

  public run(): { readonly port: number } {
    const port = this.httpsPort();
    const ownName = this.document.text(['server', 'hostname'])?.trim();
    this.remove(['clustering'], 'the server must join no cluster');
    this.moveDatabases();
    this.refuseUserStoresElsewhere();
    this.silenceMail();
    this.silencePublishers();
    this.set(['server', 'hostname'], 'localhost', 'the server calls itself by it');
    this.set(['server', 'internal_hostname'], 'localhost', 'the server calls itself by it');
    if (this.document.text(['server', 'base_path']) !== undefined) {
      this.set(['server', 'base_path'], OWN_URL, 'the server calls itself by it');
    }
    this.sweep(this.root, [], ownName);
    return { port };
  }

  private httpsPort(): number {
    const offset = this.document.text(['server', 'offset'])?.trim() ?? '0';
    if (/^\d{1,5}$/.test(offset) && HTTPS_PORT + Number(offset) <= 65_535) return HTTPS_PORT + Number(offset);
    this.problems.push('[server] offset is no number, so nobody knows where the server listens: write it out');
    return HTTPS_PORT;
  }

  private moveDatabases(): void {
    const declared = new Map(readDatabases(this.document).map((database) => [database.datasource, database]));
    for (const { path, datasource, name } of sectionsOf(this.document)) {
      const database = declared.get(datasource);
      if (database === undefined || database.section !== name || database.embedded) continue;
      const target = this.targets.get(datasource);
      if (target === undefined) {
        this.refused.push(path.join('.'));
        this.problems.push(`[${name}] ${datasource} has no restored database: protect it, or take it out of the file`);
      } else this.moveDatabase(path, database, target);
    }
  }

  private moveDatabase(path: Path, database: ParsedDatabase, target: Target): void {
    const table = this.tableAt(path);
    const why = 'the restored database';
    if (table['url'] === undefined) {
      this.set([...path, 'hostname'], target.host, why);
      this.set([...path, 'port'], String(target.port), why);
    } else {
      const url = movedUrl(database, target);
      if (/^jdbc-secretsmanager:/i.test(url)) {
        this.problems.push(
          `[${database.section}] ${database.datasource} takes its credentials from Secrets Manager, which the server cannot ` +
            'reach: use the plain driver with a user and a password',
        );
      }
      this.set([...path, 'url'], url.replaceAll('&', '&amp;'), why);
      // The product uses the URL; what is beside it must still name nothing of production.
      if (table['hostname'] !== undefined) this.set([...path, 'hostname'], target.host, why);
      if (table['port'] !== undefined) this.set([...path, 'port'], String(target.port), why);
    }
    this.resolve([...path, 'type'], target.type);
    for (const key of ['name', 'sid']) this.resolve([...path, key], target.databaseName);
    const { credentials } = this.endpoints.find(({ host, port }) => host === target.host && port === target.port) ?? {};
    if (credentials !== undefined) {
      this.set([...path, 'username'], credentials.username, 'credentials of the restored database');
      this.set([...path, 'password'], credentials.password, 'credentials of the restored database');
    }
  }

  /** What only production's environment knows, and the plan knows too. */
  private resolve(path: Path, value: string): void {
    const written = this.document.text(path);
    if (value !== '' && written !== undefined && isReferenceIn(written)) {
      this.set(path, value, 'the environment of production names it');
    }
  }

  /** Without its users the server does not start, and with them it would meet production. */
  private refuseUserStoresElsewhere(): void {
    for (const path of [['user_store'], ['user_store', 'properties']]) {
      for (const [key, value] of Object.entries(this.document.table(path) ?? {})) {
        const text = typeof value === 'string' ? (this.document.text([...path, key]) ?? '') : '';
        const isUrl = /^(connection_?url|url)$/i.test(key) || /^(ldaps?|jdbc):/i.test(text.trim());
        if (!isUrl || !this.leadsOut(key, text)) continue;
        this.refused.push([...path, key].join('.'));
        this.problems.push(
          `${[...path, key].join('.')}: users are in a directory or database that is not restored, and the server does not ` +
            'start without it',
        );
      }
    }
  }

  /** Written where it is absent, too: the product's default is a public server. */
  private silenceMail(): void {
    const email = ['output_adapter', 'email'];
    this.set([...email, 'hostname'], UNREACHABLE, 'the server must mail nobody');
    for (const key of ['username', 'password']) {
      if (this.document.text([...email, key]) !== undefined) {
        this.set([...email, key], 'isolated', 'the mail server of production knows it');
      }
    }
  }

  private silencePublishers(): void {
    const silence = (table: Mutable, path: Path) => {
      for (const [key, value] of Object.entries(table)) {
        if (!isTable(value)) continue;
        const within = [...path, key];
        for (const flag of ['enable', 'enabled']) {
          if (/publisher/i.test(key) && Object.hasOwn(value, flag)) {
            this.set([...within, flag], false, 'the server must publish nothing');
          }
        }
        silence(value as Mutable, within);
      }
    };
    silence(this.root, []);
  }

  /** Every text of the file. */
  private sweep(node: Mutable | unknown[], path: Path, ownName: string | undefined): void {
    for (const [key, value] of Object.entries(node)) {
      const at = [...path, key];
      if (typeof value === 'string') this.sweepText(at, value, ownName);
      else if (Array.isArray(value) || isTable(value)) this.sweep(value as Mutable, at, ownName);
    }
  }

  private sweepText(path: Path, written: string, ownName: string | undefined): void {
    // Of a list the name is its own.
    const key = path.findLast((part) => !/^\d+$/.test(part)) ?? '';
    const replaced = this.wasSet(path) ? undefined : changeAddress(key, written, this.hosts, ownName);
    if (replaced === undefined) {
      if (!this.wasSet(path) && isOutward(written, this.hosts)) this.left.push(path.join('.'));
      for (const reference of referencesIn(written)) this.references.add(reference);
    } else if (/^jdbc/i.test(written.trim())) {
      const isKnown = this.refused.some((table) => `${path.join('.')}.`.startsWith(`${table}.`));
      if (!isKnown) this.problems.push(`${path.join('.')}: is the address of a database that is not restored`);
    } else this.set(path, replaced, 'an address of production');
  }

  private leadsOut(key: string, text: string): boolean {
    return isReferenceIn(text)
      ? changeAddress(key, text, this.hosts) !== undefined
      : !isServerAddress(text, this.hosts);
  }

  private wasSet(path: Path): boolean {
    const dotted = path.join('.');
    return this.changed.some(({ key }) => key === dotted);
  }

  private set(path: Path, value: string | boolean, why: string): void {
    const key = path.at(-1) ?? '';
    const table = this.tableAt(path.slice(0, -1));
    if (table[key] === value) return;
    table[key] = value;
    if (!this.wasSet(path)) this.changed.push({ key: path.join('.'), why });
  }

  private remove(path: readonly [string], why: string): void {
    if (!Object.hasOwn(this.root, path[0])) return;
    Reflect.deleteProperty(this.root, path[0]);
    this.changed.push({ key: path[0], why });
  }

  /** Made where it is not there. */
  private tableAt(path: Path): Mutable {
    return path.reduce<Mutable>((table, key) => {
      if (!Object.hasOwn(table, key)) table[key] = {};
      return table[key] as Mutable;
    }, this.root);
  }
}

/** With its options, unless one of them names a host. */
function movedUrl(database: ParsedDatabase, target: Target): string {
  const { url } = database;
  if (url === undefined || isReferenceIn(url)) return plainUrl(database, target);
  const moved = urlAt(url, database, target);
  const options = moved.slice(moved.indexOf(target.host) + target.host.length);
  return HOST_OPTION.test(options) ? plainUrl(database, target) : moved;
}

/** `failoverPartner=db2.example.com`, `clusterInstanceHostPattern=?.x.rds.amazonaws.com`, `socksProxyHost=...` */
const HOST_OPTION = /[?&;][^=&;]*(?:host|server|proxy|partner|address|endpoint)[^=&;]*=\W*[\w-]+(?:\.[\w-]+)+/i;
