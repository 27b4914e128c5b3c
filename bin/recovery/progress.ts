/** What long work tells while it goes on: what is done, a line each, and on a terminal what is under way. On stderr. */
import { showProgress } from '../output';

export class Progress {
  readonly #underWay = new Map<string, string>();

  /** Stays: also in the log of a CI job, which has no terminal. */
  done(line: string): void {
    showProgress('');
    process.stderr.write(`${line}\n`);
    this.#draw();
  }

  /** What a part of the work does now; nothing: it has ended. */
  now(part: string, text?: string): void {
    if (text === undefined) this.#underWay.delete(part);
    else this.#underWay.set(part, text);
    this.#draw();
  }

  #draw(): void {
    const line = [...this.#underWay].map(([part, text]) => `${part}: ${text}`).join(' · ');
    // A line that wraps could not be written over.
    showProgress(line.slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1)));
  }
}
