/** The process of the local AWS and everything below it: started, watched, and ended whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** What PostgreSQL servers and functions get to end by themselves. */
const GRACE_MS = 8000;
const LINES_KEPT = 40;

export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

export async function startServer(
  python: string,
  env: Readonly<Record<string, string>>,
  log: (line: string) => void,
): Promise<ServerProcess> {
  const child = spawn(python, ['-m', 'server'], {
    cwd: __dirname,
    env,
    // A group of its own: it can be ended as a whole, and Ctrl-C reaches it through us, in order.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const lastLines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    lastLines.push(line);
    if (lastLines.length > LINES_KEPT) lastLines.shift();
    log(line);
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`the local AWS did not start (exit status ${code}):\n${lastLines.join('\n')}`)),
    );
    createInterface({ input: child.stdout }).once('line', (line) =>
      resolve((JSON.parse(line) as { port: number }).port),
    );
  });
  child.stdout.resume();
  // It must not keep our process alive: at our end its standard input ends, and it stops.
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as unknown as { unref(): void }).unref();

  return { pid: child.pid!, port, stop: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    // Keeps us alive until it has ended, which `unref` above gave up.
    const deadline = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(deadline);
  }
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // Nobody is left in its group.
  }
}
