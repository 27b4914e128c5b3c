import type { IConstruct } from 'constructs';
import { Token } from 'aws-cdk-lib';
import { invalid } from './errors';

// Names become a part of S3 keys, physical names and metric dimensions.
const NAME = /^[a-z0-9][a-z0-9-]*$/;

/** Checks a name that is written into keys and physical names; a token cannot be one, since it has no characters yet. */
export function requireName(scope: IConstruct, prop: string, name: string, maxLength: number, remedy?: string): void {
  if (Token.isUnresolved(name) || !NAME.test(name) || name.length > maxLength) {
    const got = Token.isUnresolved(name) ? 'a token' : `'${name}'`;
    throw invalid(
      scope,
      `\`${prop}\` must be 1 to ${maxLength} lower-case letters, digits and hyphens that do not begin with a hyphen, ` +
        `got ${got}: it becomes a part of S3 keys and physical names${remedy === undefined ? '' : `; ${remedy}`}`,
    );
  }
}

/** The nearest allowed name to a construct id: `Database` becomes `database`, `My_Db` becomes `my-db`. */
export const nameFromId = (id: string) =>
  id
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
