import { Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { ProtectedDatabase } from '../databases/protected-database';
import { invalid } from '../private/errors';
import { requireName } from '../private/names';
import type { ObjectLockOptions } from '../protection/object-lock';
import type { RecoverySite } from '../site/recovery-site';
import type { Volume } from '../volumes/volume';

/** Longest deployment and component names: a backup plan's name, made of both, has at most 50 characters. */
export const MAX_DEPLOYMENT_NAME_LENGTH = 24;
const MAX_COMPONENT_NAME_LENGTH = 20;

/** @throws where the site is not in another Region. */
export function validateSite(scope: Construct, site: RecoverySite): void {
  const stack = Stack.of(scope);
  if (Token.isUnresolved(stack.region)) {
    throw invalid(
      scope,
      "`env.region` of the stack must be a Region's name, got none: write new Stack(app, ID, { env: { region: ... } }), " +
        'since the DR Region must be another one',
    );
  }
  if (stack.region === site.region) {
    throw invalid(
      scope,
      `\`site\` must be in another Region than what it protects, got ${site.region} for both: ` +
        'put the RecoverySite into a stack with another `env.region`',
    );
  }
}

/** @throws where what is locked could not be replicated. */
export function validateObjectLock(scope: Construct, site: RecoverySite, lock: ObjectLockOptions | undefined): void {
  if (lock === undefined || site._objectLock !== undefined) return;
  throw invalid(
    scope,
    '`objectLock` must come with that of its site, got none there: add `objectLock` to the RecoverySite, ' +
      'since S3 replicates locked objects to buckets with Object Lock only',
  );
}

/** @throws where there is nothing to protect, or two components cannot be told apart. */
export function validateComponents(
  scope: Construct,
  databases: readonly ProtectedDatabase[],
  volumes: readonly Volume[],
): void {
  if (databases.length === 0) {
    throw invalid(scope, '`databases` must hold at least one, got none: IS keeps users and tokens in a database');
  }
  if (volumes.length === 0) {
    throw invalid(scope, '`volumes` must hold at least one, got none: IS keeps keystores and tenants in `repository`');
  }
  const names = [...databases, ...volumes].map(({ name }) => name);
  const remedy = 'give the database or volume a `name` where its id made this one';
  for (const name of names) requireName(scope, 'name', name, MAX_COMPONENT_NAME_LENGTH, remedy);
  const twice = firstRepeated(names);
  if (twice !== undefined) {
    throw invalid(
      scope,
      `\`name\` must be unique among databases and volumes, got '${twice}' twice: give one of them another \`name\``,
    );
  }
  const samePath = firstRepeated(volumes.map(({ mountedAt }) => mountedAt));
  if (samePath !== undefined) {
    throw invalid(scope, `\`mountedAt\` must be unique among volumes, got '${samePath}' twice: a path has one volume`);
  }
}

const firstRepeated = (texts: readonly string[]) => texts.find((text, index) => texts.indexOf(text) !== index);
