import { createInterface } from 'node:readline/promises';

/** Where nobody can be asked, it must be said beforehand. */
export class NotConfirmedError extends Error {
  override readonly name = 'NotConfirmedError';
}

/** @throws NotConfirmedError unless somebody says yes, by the option or on the terminal */
export async function confirm(question: string, yes: boolean, option = '--yes'): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new NotConfirmedError(
      `${question} Nobody can be asked here: say \`${option}\`, or \`--dry-run\` to see what it would do`,
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new NotConfirmedError('not confirmed: nothing was changed');
  } finally {
    terminal.close();
  }
}
