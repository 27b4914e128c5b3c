/** How many S3 requests a full export makes: a run of its own, through a proxy that counts. */
import type { Contender } from '../contenders/contender';
import type { Measurements } from '../report/rows';
import { type Counts, startCountingProxy } from '../server/counting-proxy';
import type { Tree } from '../tree/tree';
import { ArchiveOf, type Place } from './archive-of';

export async function countRequests(place: Place, tree: Tree, contender: Contender): Promise<Measurements> {
  const proxy = await startCountingProxy(place.server.endpoint);
  const archive = new ArchiveOf(place, contender, proxy.endpoint);
  try {
    await archive.begin();
    const before = total(proxy.counts());
    await archive.export(tree.root);
    const requests = total(proxy.counts()) - before;
    return { operation: 'requests', contender: contender.name, unit: 'requests', values: [requests] };
  } finally {
    await archive.end();
    await proxy.stop();
  }
}

const total = ({ requests }: Counts) => Object.values(requests).reduce((sum, count) => sum + count, 0);
