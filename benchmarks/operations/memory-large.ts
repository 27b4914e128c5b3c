/** The peak memory of a full export of tree L: ten times as many files as M has, and no more memory. */
import type { Contender } from '../contenders/contender';
import type { Measurements } from '../report/rows';
import type { Tree } from '../tree/tree';
import { ArchiveOf, type Place } from './archive-of';

export async function measureMemoryLarge(place: Place, contender: Contender, tree: Tree): Promise<Measurements[]> {
  const archive = new ArchiveOf(place, contender);
  try {
    await archive.begin();
    const { peakBytes } = await archive.export(tree.root);
    return [{ operation: 'memory-large', contender: contender.name, unit: 'bytes', values: [peakBytes] }];
  } finally {
    await archive.end();
  }
}
