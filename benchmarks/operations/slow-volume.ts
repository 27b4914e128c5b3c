/** A full export of a volume that adds 1 ms to each file operation, as EFS does: only concurrency helps there. */
import { join } from 'node:path';
import type { Contender } from '../contenders/contender';
import type { Measurements } from '../report/rows';
import { mountSlowVolume } from '../slow-volume/mount';
import { fingerprint } from '../tree/compare';
import type { Tree } from '../tree/tree';
import { ArchiveOf, type Place } from './archive-of';

export async function measureSlowVolume(
  place: Place,
  tree: Tree,
  contenders: readonly Contender[],
  cache: string,
  pairs: number,
  say: (line: string) => void,
): Promise<Measurements[]> {
  const seconds = new Map(contenders.map(({ name }): [string, number[]] => [name, []]));
  const cpuSeconds = new Map(contenders.map(({ name }): [string, number[]] => [name, []]));
  const expected = fingerprint(tree.root);
  for (let pair = 1; pair <= pairs; pair += 1) {
    for (const contender of pair % 2 === 1 ? contenders : contenders.toReversed()) {
      say(`pair ${pair} of ${pairs}: ${contender.name}`);
      const archive = new ArchiveOf(place, contender);
      // Mounted anew for each: nobody finds in the kernel's memory what the other has looked up.
      const volume = await mountSlowVolume(cache, tree.root, join(place.scratch, 'slow-volume'));
      try {
        await archive.begin();
        const measured = await archive.export(volume.root);
        seconds.get(contender.name)!.push(measured.seconds);
        cpuSeconds.get(contender.name)!.push(measured.cpuSeconds);
        if (pair === 1) await archive.restore(expected);
      } finally {
        await volume.unmount();
        await archive.end();
      }
    }
  }
  return contenders.map(({ name }) => ({
    operation: 'slow-volume',
    contender: name,
    unit: 'seconds',
    values: seconds.get(name)!,
    cpuSeconds: cpuSeconds.get(name)!,
  }));
}
