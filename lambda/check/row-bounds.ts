/** How many rows a table may have at a moment, by how many it had around it. Pure. */

/** One note of a table: so many rows, at some time between the two. */
export interface NotedRows {
  readonly startedAt: string;
  readonly endedAt: string;
  readonly rows: number;
}

export interface RowBounds {
  readonly least: number;
  readonly most: number;
}

/** Older or newer notes say nothing of a moment. */
export const NEAR_SECONDS = 24 * 3600;

/** Tables whose rows come and go by themselves: within an hour half of them may be others. */
const VOLATILE: readonly string[] = [
  'IDN_OAUTH2_ACCESS_TOKEN',
  'IDN_OAUTH2_ACCESS_TOKEN_SCOPE',
  'IDN_AUTH_SESSION_STORE',
  'ODE_JOB',
];
export const isVolatile = (table: string) => VOLATILE.includes(table);

/** What changes between two notes without a trace in either: rows that were added and removed. */
const UNSEEN_SHARE = 0.01;
const UNSEEN_VOLATILE_SHARE = 0.5;
const UNSEEN_ROWS = 10;
/** A table may grow faster than it did between the two notes before. */
const FASTER = 2;
/** Where one note alone is near, nobody knows how fast a table changes. */
const UNKNOWN_SHARE = 0.1;

/**
 * Between two notes: what either says, and what changes unseen. After the last note: what it says, and twice what changed as
 * fast as between it and the one before. With one note alone: a tenth more or less.
 *
 * @param noted in the order of time
 * @returns undefined where no note is near the moment
 */
export function rowBounds(table: string, moment: string, noted: readonly NotedRows[]): RowBounds | undefined {
  const at = Date.parse(moment);
  const near = noted.filter(({ startedAt }) => Math.abs(Date.parse(startedAt) - at) <= NEAR_SECONDS * 1000);
  const [last, before] = near.filter(({ startedAt }) => Date.parse(startedAt) <= at).reverse();
  const after = near.find(({ startedAt }) => Date.parse(startedAt) > at);
  if (last !== undefined && after !== undefined) {
    return around(table, Math.min(last.rows, after.rows), Math.max(last.rows, after.rows), 0);
  }
  if (last !== undefined && before !== undefined) {
    const passed = at - Date.parse(last.startedAt);
    const between = Math.max(1, Date.parse(last.startedAt) - Date.parse(before.startedAt));
    return around(table, last.rows, last.rows, (FASTER * Math.abs(last.rows - before.rows) * passed) / between);
  }
  const only = last ?? after;
  return only && around(table, only.rows, only.rows, only.rows * UNKNOWN_SHARE);
}

function around(table: string, least: number, most: number, changed: number): RowBounds {
  const share = isVolatile(table) ? UNSEEN_VOLATILE_SHARE : UNSEEN_SHARE;
  const unseen = Math.max(UNSEEN_ROWS, most * share) + changed;
  // Few rows must not pass as none: nobody takes all users away and puts them back between two notes.
  const some = least > 0 && !isVolatile(table) ? 1 : 0;
  return { least: Math.max(some, Math.floor(least - unseen)), most: Math.ceil(most + unseen) };
}
