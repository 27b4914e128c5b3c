/** What a restored server cannot do without, or must not meet, beside its databases. */
import type { Keystore, RestoreDependencies } from '../planning/plan-document';
import type { TomlDocument } from './document';
import type { Path } from './positions';
import { isReferenceIn, referencesIn } from './references';

/**
 * Keys that are published: the product's default (product-is, `default.json`), and that of WSO2's Helm chart and
 * documentation (kubernetes-is, `values.yaml`).
 */
const PUBLIC_KEYS = ['03BAFEB2', '3CC0481B70794667B5BEE7E2BEED2DE4'];

export function readRestoreDependencies(document: TomlDocument): RestoreDependencies {
  return {
    deploymentTomlPath: 'repository/conf/deployment.toml',
    keystores: readKeystores(document).map(withoutSection),
    encryptionKey: encryptionKey(document),
    ...defined({
      encryptsWithKeystore: encryptsWithKeystore(document),
      secrets: secrets(document),
      userStore: userStore(document),
      clustering: clustering(document),
      smtp: smtp(document),
    }),
  };
}

/** A keystore with the section that describes it, dotted: `keystore.primary`, `keystore.custom.0`, `truststore`. */
export interface KeystoreSection extends Keystore {
  readonly section: string;
}

export function readKeystores(document: TomlDocument): KeystoreSection[] {
  const declared = Object.keys(document.table(['keystore']) ?? {}).flatMap((role) => {
    const path = ['keystore', role];
    // `[[keystore.custom]]`
    const sections = [path, ...document.elements(path)];
    return sections.flatMap((section) => namedKeystore(document, role, section) ?? []);
  });
  return [
    ...(declared.some(({ role }) => role === 'primary')
      ? []
      : [defaultKeystore(document, 'primary', ['keystore', 'primary'], 'wso2carbon')]),
    ...declared,
    namedKeystore(document, 'truststore', ['truststore']) ??
      defaultKeystore(document, 'truststore', ['truststore'], 'client-truststore'),
  ];
}

function withoutSection({ role, path, orPath }: KeystoreSection): Keystore {
  return { role, path, ...(orPath === undefined ? {} : { orPath }) };
}

function namedKeystore(document: TomlDocument, role: string, section: Path): KeystoreSection | undefined {
  const file = document.text([...section, 'file_name']);
  return file === undefined ? undefined : { role, path: securityPath(file), section: section.join('.') };
}

/**
 * What the product takes where no file is named: JKS, or PKCS#12 in newer versions. The file does not tell the version,
 * so either may be meant unless the type is written.
 */
function defaultKeystore(document: TomlDocument, role: string, section: Path, name: string): KeystoreSection {
  const [jks, p12] = [securityPath(`${name}.jks`), securityPath(`${name}.p12`)];
  const type = document.text([...section, 'type'])?.toUpperCase();
  const found = { role, section: section.join('.') };
  if (type === 'JKS') return { ...found, path: jks };
  return type === 'PKCS12' ? { ...found, path: p12 } : { ...found, path: p12, orPath: jks };
}

/** Relative to `<IS_HOME>`; the product looks for a bare name in `repository/resources/security`. */
function securityPath(file: string): string {
  const inHome = file.replace(/^\$\{carbon\.home\}\/|^\.\//, '');
  return inHome !== file || inHome.startsWith('/') || inHome.startsWith('repository/')
    ? inHome
    : `repository/resources/security/${inHome}`;
}

function encryptionKey(document: TomlDocument): RestoreDependencies['encryptionKey'] {
  const key = document.text(['encryption', 'key'])?.trim();
  if (key === undefined || key === '') return 'absent';
  if (isReferenceIn(key)) return 'reference';
  return isPublicKey(key) ? 'public-default' : 'literal';
}

/** Whether everybody has this `[encryption] key`. */
export const isPublicKey = (key: string) => PUBLIC_KEYS.some((known) => key.toUpperCase().startsWith(known));

/** True where the file chooses it; IS 5.9 and 5.10 do it by default, which the file does not tell. */
function encryptsWithKeystore(document: TomlDocument): true | undefined {
  const provider = document.text(['encryption', 'internal_crypto_provider']);
  const isKeystore =
    provider === undefined
      ? document.text(['encryption', 'type'])?.trim() === 'asymmetric'
      : provider.includes('KeyStoreBased');
  return isKeystore || undefined;
}

function secrets(document: TomlDocument): RestoreDependencies['secrets'] {
  const aliases = new Set(
    document.leaves
      .flatMap(({ text }) => referencesIn(text))
      .flatMap((reference) => /^secret:(.*)$/s.exec(reference)?.[1] ?? []),
  );
  if (aliases.size === 0) return undefined;
  const isInFile = (alias: string) => Boolean(document.text(['secrets', alias])?.trim());
  return {
    aliases: [...aliases].sort(),
    elsewhere: [...aliases].filter((alias) => !isInFile(alias)).sort(),
    // Values in brackets wait for the cipher tool: `[wso2carbon]`.
    clearText: [...aliases].filter((alias) => /^\s*\[.*\]\s*$/s.test(document.text(['secrets', alias]) ?? '')).sort(),
  };
}

function userStore(document: TomlDocument): RestoreDependencies['userStore'] {
  const type = text(document, ['user_store', 'type']);
  if (type === undefined) return undefined;
  const connectionUrl =
    text(document, ['user_store', 'connection_url']) ??
    text(document, ['user_store', 'ConnectionURL']) ??
    text(document, ['user_store', 'properties', 'ConnectionURL']);
  return { type, ...defined({ connectionUrl }) };
}

/** Without a membership scheme the product does not cluster. */
function clustering(document: TomlDocument): RestoreDependencies['clustering'] {
  const membershipScheme = text(document, ['clustering', 'membership_scheme']);
  if (membershipScheme === undefined) return undefined;
  const members = document.elements(['clustering', 'members']).flatMap((path) => text(document, path) ?? []);
  return {
    membershipScheme,
    ...defined({ domain: text(document, ['clustering', 'domain']) }),
    ...(members.length === 0 ? {} : { members }),
  };
}

function smtp(document: TomlDocument): RestoreDependencies['smtp'] {
  const host = text(document, ['output_adapter', 'email', 'hostname']);
  return host === undefined
    ? undefined
    : { host, ...defined({ port: text(document, ['output_adapter', 'email', 'port']) }) };
}

const text = (document: TomlDocument, path: Path) => document.text(path)?.trim() || undefined;

/** Without what is undefined, so that JSON and equality do not see it. */
const defined = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
