/** Rows that an earlier drill found and this one does not. Pure. */
import type { CheckOutcome } from '../../check/contract';
import { byIdentity } from './changes';
import type { CountedRows } from './history';

/**
 * Tables whose rows only an administrator takes away. Sessions, tokens and codes come and go by themselves, and the registry
 * with versions, so a loss of theirs says nothing.
 */
const LASTING = [
  'UM_TENANT',
  'UM_DOMAIN',
  'UM_USER',
  'UM_USER_ATTRIBUTE',
  'UM_ROLE',
  'UM_USER_ROLE',
  'UM_HYBRID_ROLE',
  'IDN_OAUTH_CONSUMER_APPS',
  'IDN_CLAIM',
  'SP_APP',
  'SP_INBOUND_AUTH',
  'IDP',
  'IDP_AUTHENTICATOR',
];

/** What an administrator may well delete between two drills; beyond it a person should look. */
const USUAL_SHARE = 0.1;
const USUAL_ROWS = 10;

export function rowLosses(past: CountedRows, checks: readonly CheckOutcome[]): readonly string[] {
  const before = byIdentity(past.checks);
  const after = byIdentity(checks.filter(({ check }) => check === 'tables-present'));
  return [...after].flatMap(([identity, { component, compared }]) =>
    LASTING.flatMap((table) => {
      const was = before.get(identity)?.compared[`rows ${table}`];
      const is = compared[`rows ${table}`];
      if (typeof was !== 'number' || typeof is !== 'number') return [];
      const lost = was - is;
      const usual = is > 0 && lost <= Math.max(USUAL_ROWS, was * USUAL_SHARE);
      if (lost <= 0 || usual) return [];
      return [
        `${component}: ${table} of ${compared['datasource']} holds ${is} rows, ${lost} less than in the drill of ` +
          `${past.startedAt.slice(0, 10)}: find out whether somebody deleted them; if nobody did, restore an older point`,
      ];
    }),
  );
}
