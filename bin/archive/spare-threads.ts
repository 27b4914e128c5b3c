import type { SpareThreads } from '../../lambda/archive/crew/crew';

/** Has threads start while whatever else the command needs is loaded: that takes as long as their start, on another core. */
export async function withSpareThreads<T>(work: (spare: SpareThreads) => Promise<T>): Promise<T> {
  const { SpareThreads } = await import('../../lambda/archive/crew/crew');
  const spare = new SpareThreads();
  try {
    return await work(spare);
  } finally {
    await spare.close();
  }
}
