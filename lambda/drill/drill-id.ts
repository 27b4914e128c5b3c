import { createHash } from 'node:crypto';
import type { DrillMode } from './contract';

/**
 * Id of a drill: `drill-20261124t042500-1a2b3c4d`; of a recovery: `recovery-...`. Its time lets people sort drills; its end comes from the durable
 * execution's ARN, so that a replay finds what an earlier invocation made, and two drills never share a name.
 */
export function drillIdOf(mode: DrillMode, executionArn: string, startedAt: string): string {
  const time = startedAt.slice(0, 19).replaceAll('-', '').replaceAll(':', '').toLowerCase();
  const hash = createHash('sha256').update(executionArn).digest('hex').slice(0, 8);
  return `${mode === 'drill' ? 'drill' : 'recovery'}-${time}-${hash}`;
}

/** When the drill with this id began, in milliseconds since 1970; absent where it is no id of a drill. */
export function startOfDrill(drillId: string): number | undefined {
  const [, year, month, day, hour, minute, second] =
    /^drill-(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)-[0-9a-f]{8}$/.exec(drillId) ?? [];
  const start = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(start) ? undefined : start;
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
