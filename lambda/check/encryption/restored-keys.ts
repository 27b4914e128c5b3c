import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { KeystoreSection, ParsedDeployment } from '../../../lib/deployment/parse';
import type { RestoreDependencies } from '../../../lib/planning/plan-document';
import { type Configuration, readConfiguration } from '../configuration';
import { type Keystore, KeystoreError } from '../keystores/keystore';
import { openKeystore } from '../keystores/open-keystore';
import type { RestoredTree } from '../restored-tree';
import { type Keys, type PrivateKey, symmetricKey } from './decrypt';
import { resolveSecret, type SecretValue } from './secret-value';

/** A keystore of `deployment.toml`, and what came of opening it. */
export interface KeystoreAttempt {
  readonly role: string;
  /** The file that is there; the first that may be where none is. */
  readonly path: string;
  /** What the server will ask it for: absent where `deployment.toml` names no alias and the product has no default. */
  readonly alias?: string;
  readonly result:
    | { readonly kind: 'open'; readonly keystore: Keystore }
    | { readonly kind: 'refused'; readonly error: KeystoreError }
    /** Not tried, with the reason. */
    | { readonly kind: 'not-tried'; readonly reason: string };
}

/** `[encryption] key` and the private keys, as far as they can be had. */
export interface RestoredKeyring extends Keys {
  /** Why the symmetric key is not known. */
  readonly symmetricUnknown?: string;
  /** Why keystores are closed; empty where all are open. */
  readonly keystoresClosed: readonly string[];
}

/** What IS takes where `deployment.toml` says nothing (`default.json` of carbon-kernel and product-is). */
const DEFAULT_PASSWORD = 'wso2carbon';
const DEFAULT_ALIAS = 'wso2carbon';
/** Published with the product: whoever has a backup can decrypt it. */
const DEFAULT_SYMMETRIC_KEY = '03BAFEB27A8E871CAD83C5CD4E771DAB';

/** Keystores that take their password and alias from the primary one where they say nothing. */
const LIKE_PRIMARY = ['internal', 'tls'];

/**
 * The keys that a restored deployment could decrypt with. Passwords and keys stay in this object: no finding names one.
 */
export class RestoredKeys {
  private configurationRead?: Promise<Configuration>;
  private attempts?: Promise<readonly KeystoreAttempt[]>;

  constructor(
    private readonly tree: RestoredTree,
    private readonly dependencies: RestoreDependencies,
  ) {}

  configuration(): Promise<Configuration> {
    return (this.configurationRead ??= readConfiguration(this.tree, this.dependencies.deploymentTomlPath));
  }

  /** Of every keystore that the restored `deployment.toml` names; none where it is not among the restored files. */
  keystores(): Promise<readonly KeystoreAttempt[]> {
    return (this.attempts ??= this.openAll());
  }

  async keyring(): Promise<RestoredKeyring> {
    const configuration = await this.configuration();
    if (configuration.kind !== 'parsed') {
      return {
        symmetric: [],
        privateKeys: [],
        symmetricUnknown: `${configuration.path} is not among the restored files`,
        keystoresClosed: [`${configuration.path} is not among the restored files`],
      };
    }
    const attempts = await this.keystores();
    const privateKeys = vaultOf(attempts);
    return {
      ...symmetricKeys(configuration.deployment, privateKeys),
      privateKeys,
      keystoresClosed: attempts.flatMap(({ role, path, result }) =>
        result.kind === 'open' || role === 'truststore'
          ? []
          : [`${path} (${role}) ${result.kind === 'refused' ? result.error.message : result.reason}`],
      ),
    };
  }

  private async openAll(): Promise<readonly KeystoreAttempt[]> {
    const configuration = await this.configuration();
    if (configuration.kind !== 'parsed') return [];
    const { deployment } = configuration;
    const attempts = new Map<KeystoreSection, KeystoreAttempt>();
    // Those first that the cipher tool may have encrypted the other passwords for.
    const inOrder = [...deployment.keystores].sort((a, b) => vaultRank(a.role) - vaultRank(b.role));
    for (const keystore of inOrder) {
      attempts.set(keystore, await this.open(keystore, deployment, vaultOf([...attempts.values()])));
    }
    return deployment.keystores.flatMap((keystore) => attempts.get(keystore) ?? []);
  }

  private async open(
    keystore: KeystoreSection,
    { lookup }: ParsedDeployment,
    vault: readonly PrivateKey[],
  ): Promise<KeystoreAttempt> {
    const { role } = keystore;
    const path = await this.present(keystore);
    const alias = aliasOf(keystore, lookup);
    const attempt = (result: KeystoreAttempt['result']) => ({
      role,
      path,
      ...(alias === undefined ? {} : { alias: alias.toLowerCase() }),
      result,
    });
    if (this.tree.volumeOf(path) === undefined) {
      return attempt({ kind: 'not-tried', reason: 'is on no volume of this deployment' });
    }
    const found = await this.tree.inspect(path);
    if (found.kind !== 'file') return attempt({ kind: 'not-tried', reason: 'is not there: see keystores-present' });
    const setting = (name: string) => settingOf(keystore, name, lookup);
    const password = resolveSecret(setting('password') ?? DEFAULT_PASSWORD, lookup, vault);
    if ('unknown' in password) return attempt({ kind: 'not-tried', reason: `has a password that ${password.unknown}` });
    const keyPassword = optional(setting('key_password'), (text) => resolveSecret(text, lookup, vault));
    if (keyPassword !== undefined && 'unknown' in keyPassword) {
      return attempt({ kind: 'not-tried', reason: `has a key_password that ${keyPassword.unknown}` });
    }
    try {
      const keystore = openKeystore(await readFile(found.absolute), password.value, keyPassword?.value);
      return attempt({ kind: 'open', keystore });
    } catch (error) {
      if (!(error instanceof KeystoreError)) throw error;
      return attempt(
        error.kind === 'unsupported' ? { kind: 'not-tried', reason: error.message } : { kind: 'refused', error },
      );
    }
  }

  /** The other default where the first is not there: `wso2carbon.jks` of earlier versions. */
  private async present({ path, orPath }: KeystoreSection): Promise<string> {
    return orPath !== undefined && (await this.tree.inspect(path)).kind !== 'file' ? orPath : path;
  }
}

/** Whether a setting is there at all decides which default stands in for it. */
function settingOf(
  { role, section }: KeystoreSection,
  name: string,
  lookup: ParsedDeployment['lookup'],
): string | undefined {
  const own = lookup(`${section}.${name}`);
  return own ?? (LIKE_PRIMARY.includes(role) ? lookup(`keystore.primary.${name}`) : undefined);
}

function aliasOf(keystore: KeystoreSection, lookup: ParsedDeployment['lookup']): string | undefined {
  const { role } = keystore;
  if (role === 'truststore') return undefined;
  const alias = settingOf(keystore, 'alias', lookup);
  return alias ?? (role === 'primary' || LIKE_PRIMARY.includes(role) ? DEFAULT_ALIAS : undefined);
}

const vaultRank = (role: string) => (role === 'internal' ? 0 : role === 'primary' ? 1 : 2);

/** Private keys that decrypt: of the internal keystore, where there is one, and of the primary. */
function vaultOf(attempts: readonly KeystoreAttempt[]): readonly PrivateKey[] {
  return attempts
    .filter(({ role }) => vaultRank(role) < 2)
    .sort((a, b) => vaultRank(a.role) - vaultRank(b.role))
    .flatMap(({ result }) => (result.kind === 'open' ? result.keystore.entries : []))
    .flatMap(({ privateKey, certificate }) => {
      const key = privateKey && tryKey(privateKey);
      if (key === undefined) return [];
      return certificate === undefined ? [{ key }] : [{ key, thumbprint: sha1(certificate.raw) }];
    });
}

/** That a key does not come out is for the check of the keystores to say. */
function tryKey(privateKey: () => PrivateKey['key']): PrivateKey['key'] | undefined {
  try {
    return privateKey();
  } catch {
    return undefined;
  }
}

const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex').toUpperCase();

function symmetricKeys(
  { lookup }: ParsedDeployment,
  vault: readonly PrivateKey[],
): Pick<RestoredKeyring, 'symmetric' | 'symmetricUnknown'> {
  const current = lookup('encryption.key')?.trim() || DEFAULT_SYMMETRIC_KEY;
  const known = keyOf(resolveSecret(current, lookup, vault));
  if ('unknown' in known) return { symmetric: [], symmetricUnknown: `[encryption] key ${known.unknown}` };
  const old = optional(lookup('encryption.old_key')?.trim(), (text) => keyOf(resolveSecret(text, lookup, vault)));
  return { symmetric: [known.key, ...(old !== undefined && 'key' in old ? [old.key] : [])] };
}

function keyOf(secret: SecretValue): { readonly key: Buffer } | { readonly unknown: string } {
  if ('unknown' in secret) return secret;
  const key = symmetricKey(secret.value);
  return key === undefined ? { unknown: 'has a length that AES does not know (16, 24 or 32 bytes)' } : { key };
}

const optional = <Value, Result>(value: Value | undefined, use: (value: Value) => Result): Result | undefined =>
  value === undefined || value === '' ? undefined : use(value);
