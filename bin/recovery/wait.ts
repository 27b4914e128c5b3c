import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export class TimeUpError extends Error {
  override readonly name = 'TimeUpError';
}

/**
 * Asks again, with growing pauses, until there is an answer.
 *
 * @param deadline milliseconds since 1970
 * @throws TimeUpError; and what `look` throws, where asking again cannot help
 */
export async function until<T>(
  deadline: number,
  look: () => Promise<T | undefined>,
  longestPauseMs = LONGEST_PAUSE_MS,
): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, longestPauseMs)) {
    const answer = await look();
    if (answer !== undefined) return answer;
    if (Date.now() + pause > deadline) throw new TimeUpError('the time was up');
    await sleep(pause);
  }
}
