/** How many S3 requests a full export makes: a run of its own, through a proxy that counts. */
import type { Contender } from '../contenders/contender';
import { execute } from '../measure/execute';
import type { Measurements } from '../report/rows';
import { startCountingProxy } from '../server/counting-proxy';
import type { ObjectServer } from '../server/server';
import type { Tree } from '../tree/tree';
import { ArchiveOf } from './rounds';

export async function countRequests(
  run: { readonly server: ObjectServer; readonly tree: Tree; readonly scratch: string },
  contender: Contender,
): Promise<Measurements> {
  const proxy = await startCountingProxy(run.server.endpoint);
  const archive = new ArchiveOf(run, contender, proxy.endpoint);
  try {
    await archive.begin();
    const before = total(proxy.counts().requests);
    await execute(contender.export(run.tree.root, archive.archive));
    const requests = total(proxy.counts().requests) - before;
    return { operation: 'requests', contender: contender.name, unit: 'requests', values: [requests] };
  } finally {
    await archive.end();
    await proxy.stop();
  }
}

const total = (requests: Readonly<Record<string, number>>) => Object.values(requests).reduce((sum, n) => sum + n, 0);
