import { createHash } from 'node:crypto';

/**
 * Id of a drill: `drill-20261124t042500-1a2b3c4d`. Its time lets people sort drills; its end comes from the durable
 * execution's ARN, so that a replay finds what an earlier invocation made, and two drills never share a name.
 */
export function drillIdOf(executionArn: string, startedAt: string): string {
  const time = startedAt.slice(0, 19).replaceAll('-', '').replaceAll(':', '').toLowerCase();
  return `drill-${time}-${createHash('sha256').update(executionArn).digest('hex').slice(0, 8)}`;
}

/** RDS: letters, digits and hyphens, no two hyphens in a row, not more than 63, a letter first and no hyphen last. */
const MAX_IDENTIFIER_LENGTH = 63;

/**
 * Identifier of a restored DB instance. `index` (the place in the plan document) keeps names apart that are the same
 * after what RDS does not allow was taken out.
 */
export function instanceIdentifierOf(drillId: string, index: number, componentName: string): string {
  const readable = componentName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `${drillId}-${index + 1}-${readable}`.slice(0, MAX_IDENTIFIER_LENGTH).replace(/-+$/, '');
}
