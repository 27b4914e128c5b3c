/**
 * The maintenance and the automatic-backup window of an RDS instance. FACTS: a snapshot job of AWS Backup fails from one
 * hour before such a window to its end, unless AWS Backup manages the continuous backup too; Aurora is exempt.
 */
import { START_WINDOW_MINUTES } from './backup-windows';

/** As RDS writes them, in UTC. */
export interface RdsWindows {
  /** `ddd:hh:mm-ddd:hh:mm`, as `sun:03:00-sun:04:00`. Undefined: not known. */
  readonly maintenanceWindow?: string;
  /** `hh:mm-hh:mm`, as `02:00-02:30`. Undefined: not known. */
  readonly backupWindow?: string;
}

/** When a periodic schedule starts, and how long it may stay without a run that can succeed. */
export interface Stagger {
  /** Minutes past midnight of the first run of a day. */
  readonly offsetMinutes: number;
  /** The longest time between two runs that no window can make fail. */
  readonly gapMinutes: number;
  /** Minutes past midnight of a run that no window can make fail on any day; undefined: every run may meet one. */
  readonly safeMinutes?: number;
}

const DAY = 1440;
const WEEK = 7 * DAY;
/** FACTS: from 1 h before the window. */
const BEFORE_MINUTES = 60;
/** RDS takes no shorter window, and makes one of 30 minutes where none is given. */
const SHORTEST_WINDOW_MINUTES = 30;
/** Schedules start at whole multiples of it: what people expect to read. */
const GRID_MINUTES = 5;
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** What is wrong with the windows; nothing is. */
export function windowProblems(component: string, { maintenanceWindow, backupWindow }: RdsWindows): string[] {
  const maintenance = maintenanceWindow === undefined ? undefined : parseMaintenance(maintenanceWindow);
  const backup = backupWindow === undefined ? undefined : parseBackup(backupWindow);
  const problem = (prop: string, form: string, got: string | undefined) =>
    `\`${prop}\` of ${component} must be ${form} in UTC, at least 30 minutes long, got '${got}': copy it from RDS`;
  const wrong = [
    ...(maintenanceWindow !== undefined && maintenance === undefined
      ? [problem('maintenanceWindow', 'ddd:hh:mm-ddd:hh:mm', maintenanceWindow)]
      : []),
    ...(backupWindow !== undefined && backup === undefined
      ? [problem('backupWindow', 'hh:mm-hh:mm', backupWindow)]
      : []),
  ];
  return maintenance && backup && daily(backup).some((window) => overlap(window, maintenance))
    ? [
        `\`backupWindow\` of ${component} must not overlap its maintenance window, which RDS forbids, ` +
          `got '${backupWindow}' and '${maintenanceWindow}': copy both from RDS`,
      ]
    : wrong;
}

/**
 * The offset with which the schedule meets the windows least, the earliest of those. Where a window is not known, both are
 * taken to be as long as known or else 30 minutes, and to lie wherever it hurts most: a daily run may then fail every day.
 */
export function stagger(intervalMinutes: number, windows: RdsWindows): Stagger {
  const maintenance = windows.maintenanceWindow === undefined ? undefined : parseMaintenance(windows.maintenanceWindow);
  const backup = windows.backupWindow === undefined ? undefined : parseBackup(windows.backupWindow);
  if (!maintenance || !backup) {
    const runs = (span: Span | undefined) => Math.ceil((unsafeMinutes + length(span)) / intervalMinutes);
    return {
      offsetMinutes: 0,
      gapMinutes: intervalMinutes * worstGap(DAY / intervalMinutes, runs(backup), runs(maintenance)),
    };
  }
  const unsafe = unsafeMask([maintenance, ...daily(backup)]);
  let best: Stagger | undefined;
  for (let offsetMinutes = 0; offsetMinutes < intervalMinutes; offsetMinutes += GRID_MINUTES) {
    const found = gapAt(offsetMinutes, intervalMinutes, unsafe);
    if (found && (best === undefined || found.gapMinutes < best.gapMinutes)) best = found;
    if (best?.gapMinutes === intervalMinutes) break;
  }
  return best ?? { offsetMinutes: 0, gapMinutes: Infinity };
}

/** For what no window makes fail. */
export const noStagger = (intervalMinutes: number): Stagger => ({
  offsetMinutes: 0,
  gapMinutes: intervalMinutes,
  safeMinutes: 0,
});

/** Whether the windows are both known, so that a schedule can keep away from them. */
export const areKnown = ({ maintenanceWindow, backupWindow }: RdsWindows) =>
  maintenanceWindow !== undefined && backupWindow !== undefined;

/** A run is unsafe from here before a window, since it may start as late as its start window allows. */
const unsafeMinutes = BEFORE_MINUTES + START_WINDOW_MINUTES;

/** Minutes of the week, Sunday 00:00 first; `to` may lie beyond the end of the week, `from` before its beginning. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** One byte a minute of the week: 1 where a run that starts then may fail. */
function unsafeMask(windows: readonly Span[]): Uint8Array {
  const mask = new Uint8Array(WEEK);
  for (const { from, to } of windows) {
    for (let minute = from - unsafeMinutes; minute < to; minute++) mask[(minute + WEEK) % WEEK] = 1;
  }
  return mask;
}

/** Undefined: no run of this schedule is safe. */
function gapAt(offset: number, interval: number, unsafe: Uint8Array): Stagger | undefined {
  let [first, last, gapMinutes]: [number | undefined, number, number] = [undefined, 0, 0];
  for (let start = offset; start < WEEK; start += interval) {
    if (unsafe[start] === 1) continue;
    if (first === undefined) first = start;
    else gapMinutes = Math.max(gapMinutes, start - last);
    last = start;
  }
  if (first === undefined) return undefined;
  let safeMinutes: number | undefined;
  for (let start = offset; start < DAY && safeMinutes === undefined; start += interval) {
    if (DAYS.every((_, day) => unsafe[start + day * DAY] === 0)) safeMinutes = start;
  }
  return {
    offsetMinutes: offset,
    gapMinutes: Math.max(gapMinutes, first + WEEK - last),
    ...(safeMinutes === undefined ? {} : { safeMinutes }),
  };
}

/**
 * The most runs from one that succeeds to the next, where the backup window takes some in a row every day, and the
 * maintenance window some in a row once a week, wherever that is worst.
 */
function worstGap(runsPerDay: number, takenDaily: number, takenWeekly: number): number {
  if (takenDaily >= runsPerDay) return Infinity;
  const runsPerWeek = 7 * runsPerDay;
  let worst = 0;
  // From every run of a day on; which day it is makes no difference.
  for (let from = 0; from < runsPerDay; from++) {
    const isTaken = (run: number) =>
      run % runsPerDay < takenDaily || (run - from + runsPerWeek) % runsPerWeek < takenWeekly;
    let row = 0;
    // Twice around, so that a row over the end of the week is seen whole.
    for (let run = 0; run < 2 * runsPerWeek; run++) {
      row = isTaken(run % runsPerWeek) ? row + 1 : 0;
      worst = Math.max(worst, row);
    }
  }
  return worst + 1;
}

const daily = ({ from, to }: Span): Span[] => DAYS.map((_, day) => ({ from: from + day * DAY, to: to + day * DAY }));

const length = (span: Span | undefined) => (span === undefined ? SHORTEST_WINDOW_MINUTES : span.to - span.from);

const overlap = (a: Span, b: Span) => [-WEEK, 0, WEEK].some((shift) => a.from + shift < b.to && b.from < a.to + shift);

function parseMaintenance(text: string): Span | undefined {
  const found = /^([a-z]{3}):(\d\d):(\d\d)-([a-z]{3}):(\d\d):(\d\d)$/.exec(text.toLowerCase());
  if (!found) return undefined;
  const from = at(found[1], found[2], found[3]);
  const to = at(found[4], found[5], found[6]);
  return span(from, to, WEEK);
}

function parseBackup(text: string): Span | undefined {
  const found = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(text);
  return found ? span(at('sun', found[1], found[2]), at('sun', found[3], found[4]), DAY) : undefined;
}

function at(day: string, hours: string, minutes: string): number | undefined {
  const index = DAYS.indexOf(day);
  return index < 0 || Number(hours) > 23 || Number(minutes) > 59
    ? undefined
    : index * DAY + Number(hours) * 60 + Number(minutes);
}

function span(from: number | undefined, to: number | undefined, round: number): Span | undefined {
  if (from === undefined || to === undefined) return undefined;
  const end = to > from ? to : to + round;
  return end - from < SHORTEST_WINDOW_MINUTES ? undefined : { from, to: end };
}
