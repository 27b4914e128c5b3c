/** Work that cleans up behind itself when a signal ends it. */
import { clearProgress } from './output';

class Interrupted extends Error {
  constructor(readonly by: NodeJS.Signals) {
    super(`interrupted by ${by}`);
  }
}

const INTERRUPTIONS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Work that cleans up behind itself when it is interrupted by Ctrl-C or SIGTERM, after which the process ends by that signal. A
 * second one ends it at once.
 */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = (by: NodeJS.Signals) => {
    for (const name of INTERRUPTIONS) process.off(name, onSignal);
    controller.abort(new Interrupted(by));
  };
  for (const name of INTERRUPTIONS) process.on(name, onSignal);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    clearProgress();
    process.stderr.write(`error: ${error.message}; what it had written is removed\n`);
    process.kill(process.pid, error.by);
    // Until the signal is there.
    return await new Promise<never>(() => {});
  } finally {
    for (const name of INTERRUPTIONS) process.off(name, onSignal);
  }
}
