/**
 * What `deployment.toml` says about recovery: the databases it declares, and what a restored server cannot do without.
 * Pure, without aws-cdk-lib: the functions, the command and the demo use it too.
 */
import type { RestoreDependencies } from '../planning/plan-document';
import { type ParsedDatabase, readDatabases } from './databases';
import { TomlDocument } from './document';
import { DeploymentTomlError } from './errors';
import type { Resolution } from './references';
import { type KeystoreSection, readKeystores, readRestoreDependencies } from './restore-dependencies';
import { findPlaceholder } from './template';
import { templateError } from './toml';
import { warningsOf } from './warnings';

export { DeploymentTomlError } from './errors';
export type { ParsedDatabase } from './databases';
export type { KeystoreSection } from './restore-dependencies';

export interface ParsedDeployment {
  readonly databases: readonly ParsedDatabase[];
  readonly restoreDependencies: RestoreDependencies;
  /** The keystores of `restoreDependencies`, each with the section that holds its password and alias. */
  readonly keystores: readonly KeystoreSection[];
  /** What is not wrong, and still worth a look; each with its place in the file. */
  readonly warnings: readonly string[];
  /** Value of a dotted key as text, `$ref{}` resolved; undefined where it is not set, or is a table. */
  readonly lookup: (path: string) => string | undefined;
}

export interface ParseOptions {
  /** Values of `$env{}`, `$secret{}` and `$sys{}` by `env:NAME`, `secret:ALIAS`, `sys:PROPERTY`. */
  readonly resolve?: Resolution;
}

/**
 * @param fileName stands in messages
 * @throws DeploymentTomlError
 */
export function parseDeployment(text: string, fileName: string, { resolve = {} }: ParseOptions = {}): ParsedDeployment {
  if (text.includes('\0')) {
    throw new DeploymentTomlError(`${fileName}: is not UTF-8 text: save deployment.toml in that encoding`);
  }
  const withoutMark = text.replace(/^\uFEFF/, '');
  const placeholder = findPlaceholder(withoutMark);
  if (placeholder) throw templateError(`${fileName}:${placeholder.line}:${placeholder.column}`, placeholder);
  const document = new TomlDocument(withoutMark, fileName, resolve);
  const databases = readDatabases(document);
  const restoreDependencies = readRestoreDependencies(document);
  return {
    databases,
    restoreDependencies,
    keystores: readKeystores(document),
    warnings: warningsOf(document, databases, restoreDependencies),
    lookup: (path) => document.text(path.split('.')),
  };
}
