import type { SpareThreads } from '../../lambda/archive/crew/crew';

/**
 * Has threads start while whatever else the command needs is loaded: that takes as long as their start, on another core.
 *
 * @param isWorthIt false where little is read: none are started then
 */
export async function withSpareThreads<T>(
  isWorthIt: boolean,
  work: (spare: SpareThreads | undefined) => Promise<T>,
): Promise<T> {
  if (!isWorthIt) return work(undefined);
  const { SpareThreads } = await import('../../lambda/archive/crew/crew');
  const spare = new SpareThreads();
  try {
    return await work(spare);
  } finally {
    await spare.close();
  }
}
