/**
 * Whether a server may be running on the files that are to be replaced. It would go on with what it has in memory, write
 * half of it back, and read the other half anew.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface ServerCheck {
  /** Something shows that it runs, a sentence each. */
  readonly signs: readonly string[];
  /** What was looked at, and shows that it does not run; empty: nothing could be looked at. */
  readonly seen: readonly string[];
  /** The process runs on this machine: no assurance helps against that. */
  readonly runsHere: boolean;
}

/** A server writes to its logs more often: the cleaners of sessions and tokens log too. */
const LOG_STILL_MS = 2 * 60_000;

/**
 * @param directory where the volume is mounted on this machine
 * @param mountedAt where the volume belongs, relative to `<IS_HOME>`; empty: `<IS_HOME>` itself
 * @param isHome of a server on this machine; default: what holds the directory, where the end of its path is `mountedAt`
 */
export function checkServer(directory: string, mountedAt: string, isHome?: string, now = Date.now()): ServerCheck {
  const home = isHome ?? homeOf(directory, mountedAt);
  const signs: string[] = [];
  const seen: string[] = [];
  let runsHere = false;

  const pidFile = home && join(home, 'wso2carbon.pid');
  const pid = pidFile === undefined ? undefined : readPid(pidFile);
  if (pid === undefined) {
    if (home !== undefined && isDirectory(join(home, 'bin'))) seen.push(`${home} has no wso2carbon.pid`);
  } else if (isRunning(pid)) {
    runsHere = true;
    signs.push(`${pidFile} names process ${pid}, which runs on this machine`);
  } else if (mountedAt === '') {
    // The whole server directory is shared: the process may be another machine's.
    signs.push(`${pidFile} names process ${pid}, which is none of this machine, and may be of another one`);
  } else {
    seen.push(`${pidFile} names process ${pid}, which does not run`);
  }

  for (const logs of logFolders(directory, mountedAt, home)) {
    const newest = newestLog(logs);
    if (newest === undefined) continue;
    const age = Math.round((now - newest.ms) / 1000);
    if (now - newest.ms < LOG_STILL_MS) signs.push(`${newest.path} was written ${age} s ago`);
    else seen.push(`${newest.path} was last written ${age} s ago`);
  }
  return { signs, seen, runsHere };
}

function homeOf(directory: string, mountedAt: string): string | undefined {
  if (mountedAt === '') return directory;
  return directory.endsWith(`/${mountedAt}`) ? directory.slice(0, -mountedAt.length - 1) || '/' : undefined;
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** On the volume itself, where it holds them; and of the server on this machine. */
function logFolders(directory: string, mountedAt: string, home: string | undefined): string[] {
  const onVolume = mountedAt === '' ? join(directory, 'repository/logs') : join(directory, 'logs');
  const ofServer = home === undefined ? [] : [join(home, 'repository/logs')];
  return [...new Set([...(mountedAt === '' || mountedAt === 'repository' ? [onVolume] : []), ...ofServer])];
}

function newestLog(folder: string): { readonly path: string; readonly ms: number } | undefined {
  try {
    const files = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.log'))
      .map(({ name }) => ({ path: join(folder, name), ms: statSync(join(folder, name)).mtimeMs }));
    return files.sort((a, b) => b.ms - a.ms)[0];
  } catch {
    return undefined;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
