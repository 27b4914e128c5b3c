/** What all commands share: how an outcome is printed and becomes an exit status, and progress. */

/** Exit status: fine, the answer is no, bad input or failure, a usable point without some files. */
export const ExitStatus = { ok: 0, no: 1, failed: 2, partly: 3 } as const;

export interface Rendered {
  readonly text: string;
  readonly status: number;
}

/**
 * Runs a command: prints its result, and sets the exit status.
 *
 * @throws what the work throws; `printError` is the one place that says it
 */
export async function run<T>(
  { json = false }: { readonly json?: boolean },
  work: () => T | Promise<T>,
  render: (result: T) => Rendered | Promise<Rendered>,
): Promise<void> {
  try {
    const result = await work();
    const { text, status } = await render(result);
    clearProgress();
    process.stdout.write(json ? `${JSON.stringify(result, undefined, 2)}\n` : `${text}\n`);
    process.exitCode = status;
  } catch (error) {
    clearProgress();
    throw error;
  }
}

/** What every command prints with `--json` where it fails, beside the text on stderr. */
export interface JsonError {
  readonly formatVersion: 1;
  /** The text on stderr, without `error: `. */
  readonly error: string;
}

/** A program that asked for JSON gets some, whatever happened. */
export function printJsonError(message: string): void {
  const error: JsonError = { formatVersion: 1, error: message };
  process.stdout.write(`${JSON.stringify(error, undefined, 2)}\n`);
}

/** One line that is written over, on a terminal only; what is too long for it is left out, since it would not go away. */
export function showProgress(text: string): void {
  const { isTTY, columns = 80 } = process.stderr;
  if (isTTY) process.stderr.write(`\r\x1b[2K${text.slice(0, Math.max(0, columns - 1))}`);
}

export function clearProgress(): void {
  showProgress('');
}

export interface Amount {
  readonly done: number;
  /** Undefined where nobody knows yet. */
  readonly total?: number | undefined;
}

const REDRAW_MS = 100;

/** Shows how far a command is: how many of what, how many bytes, how fast, how long it will take. */
export function progressOf(what: string, now: () => number = () => performance.now()) {
  const started = now();
  let drawn = -Infinity;
  return (items: Amount, bytes: Amount): void => {
    const time = now();
    if (!process.stderr.isTTY || time - drawn < REDRAW_MS) return;
    drawn = time;
    showProgress(progressText(what, items, bytes, (time - started) / 1000));
  };
}

/** @param seconds since it began */
export function progressText(what: string, items: Amount, bytes: Amount, seconds: number): string {
  const of = items.total === undefined ? '' : ` of ${count(items.total)}`;
  const rate = seconds > 0 ? `, ${formatBytes(Math.round(bytes.done / seconds))}/s` : '';
  const base = bytes.total === undefined ? items : bytes;
  const part = base.total ? base.done / base.total : 0;
  const left = part > 0 && part < 1 ? `, ${formatSeconds((seconds / part) * (1 - part))} left` : '';
  return `${count(items.done)}${of} ${what}, ${formatBytes(bytes.done)}${rate}${left}`;
}

/** With a comma before each three digits: loading the tables of a locale for it takes 20 ms. */
const count = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** The first lines, and how many there are besides. */
export function firstLines<T>(items: readonly T[], line: (item: T) => string, what: string, most = 10): string[] {
  const rest = items.length - most;
  return [...items.slice(0, most).map(line), ...(rest > 0 ? [`and ${rest} more ${what}`] : [])];
}
