/** Runs a command to its end, and says how long it took, how much processor it used and how much memory it held. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchMemory } from './memory';

export interface Command {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface Measured {
  /** From the start of the process to its end. */
  readonly seconds: number;
  /** User and system time of the command and of everything that it started and waited for. */
  readonly cpuSeconds: number;
  /** Sum of the peak resident sizes (VmHWM) of the command's processes; 0 where /proc is not there. */
  readonly peakBytes: number;
  readonly stdout: string;
}

/** A contender ended with a failure: what it was, and the end of what it said. */
export class CommandFailed extends Error {}

const SHOWN = 2000;

/**
 * bash's own `time` sees the processor time of children, which Node does not tell. Its three numbers go to a file, so that
 * the command keeps its standard error.
 */
const TIMED = 'TIMEFORMAT="%R %U %S"; exec 3>&2; { time "$@" 2>&3 3>&-; } 2>"$0"';

const running = new Set<ChildProcess>();

/** Ends what is running, with all that it started. */
export async function endRunning(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const ended = once(child, 'close');
      process.kill(-child.pid!, 'SIGKILL');
      await ended;
    }),
  );
}

export async function execute(command: Command): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const times = join(folder, 'times');
  try {
    const child = spawn('bash', ['-c', TIMED, times, command.program, ...command.arguments], {
      cwd: command.cwd,
      // Complete: what the user's shell has set for AWS or restic must not decide here.
      env: { PATH: process.env.PATH, HOME: folder, LANG: 'C.UTF-8', TZ: 'UTC', ...command.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, which can be ended as a whole.
      detached: true,
    });
    running.add(child);
    child.once('close', () => running.delete(child));
    const memory = watchMemory(child.pid!);
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const status = await new Promise<number | string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
    const peakBytes = memory.stop();
    if (status !== 0) {
      const said = (stderr() || stdout()).trim().slice(-SHOWN);
      throw new CommandFailed(`${[command.program, ...command.arguments].join(' ')}: exit status ${status}: ${said}`);
    }
    const [real, user, system] = readFileSync(times, 'utf8').trim().split(' ').map(Number);
    return { seconds: real!, cpuSeconds: user! + system!, peakBytes, stdout: stdout() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return () => text;
}
