/**
 * An export of a volume that is too large for one invocation, without the volume and without the bucket. Files are made up as
 * they are read, objects are counted and forgotten; the engine is the one that is shipped.
 *
 * Of the shards two are run whole, to see that they are equal; the last turn is run over states of all of them.
 *
 *   npx tsx benchmarks/scale/simulate.ts [tenants] [files of a tenant]
 *   npx tsx benchmarks/scale/simulate.ts 100000 100 one    # one shard alone, for the memory of one invocation
 */
import { createHash } from 'node:crypto';
import {
  beginExport,
  continueExport,
  decodeState,
  encodeState,
  type ExportState,
  finishExport,
  joinStates,
  loadState,
  saveState,
  splitState,
} from '../../lambda/archive';
import { CountingStore } from './counting-store';
import { SyntheticVolume } from './synthetic-volume';

const [tenants = 100_000, filesOfTenant = 100] = process.argv.slice(2, 4).map(Number);
const oneShard = process.argv[4] === 'one';
const SHARDS = 16;
/** What a call of EFS takes, and how many threads of a function wait at the same time. */
const CALL_MS = 1;
const THREADS = 16;
/** Of an invocation's 15 minutes; the rest is for what is under way. */
const TURN_MS = 13 * 60_000;

const volume = new SyntheticVolume({ tenants, filesOfTenant });
const optionsOf = (store: CountingStore) => ({ volume, store, volumeName: 'tenants', mountedAt: 'repository' });
const megabytes = (bytes: number) => Math.round(bytes / 1e6);

interface ShardRun {
  readonly state: ExportState;
  readonly row: Record<string, unknown>;
}

/** One shard, turn by turn, each as long as the calls or the processor would take in a function. */
async function runShard(label: string, store: CountingStore, begun: ExportState): Promise<ShardRun> {
  store.requests = { put: 0, get: 0, list: 0, head: 0 };
  store.bytesPut = 0;
  const callsAtFirst = volume.calls;
  let [turns, peakRss, largestState, modelledMs, cpuMs] = [0, 0, 0, 0, 0];
  let key = await saveState(store, begun);
  let state: ExportState;
  do {
    const [cpuBefore, callsBefore] = [process.cpuUsage(), volume.calls];
    const cpu = () => {
      const { user, system } = process.cpuUsage(cpuBefore);
      return (user + system) / 1000;
    };
    const elapsed = () => Math.max(cpu(), ((volume.calls - callsBefore) * CALL_MS) / THREADS);
    state = await continueExport(optionsOf(store), await loadState(store, key), () => {
      peakRss = Math.max(peakRss, process.memoryUsage.rss() - store.keptBytes);
      return elapsed() > TURN_MS;
    });
    key = await saveState(store, state);
    largestState = Math.max(largestState, store.sizes.get(key)!);
    modelledMs += elapsed();
    cpuMs += cpu();
    turns += 1;
  } while (state.left.length > 0);
  const counts = state.pages.map((page) => page.counts);
  const row = {
    label,
    files: counts.reduce((sum, { files }) => sum + files, 0),
    filesRead: state.filesRead,
    calls: volume.calls - callsAtFirst,
    turns,
    cpuSeconds: Math.round(cpuMs / 100) / 10,
    modelledMinutes: Math.round(modelledMs / 6000) / 10,
    requests: store.requests,
    storedMB: megabytes(store.bytesPut),
    pages: state.pages.length,
    packs: state.packs.length,
    largestStateKB: Math.round(largestState / 1e3),
    peakRssMB: megabytes(peakRss),
  };
  console.log(JSON.stringify(row));
  return { state, row };
}

/** What is left after the least that a first turn can do. */
async function shardsOf(store: CountingStore): Promise<ExportState[]> {
  const options = optionsOf(store);
  const begun = await continueExport(options, await beginExport(options), () => true);
  const bytes = encodeState(begun);
  console.log(JSON.stringify({ label: 'parted', items: begun.left.length, stateKB: Math.round(bytes.length / 1e3) }));
  return splitState(decodeState(bytes), SHARDS);
}

const renamed = (sha256: string, shard: number) => createHash('sha256').update(`${shard} ${sha256}`).digest('hex');

/** The state of another shard that is as large: its objects have other names, and are there. */
function copyOf(store: CountingStore, state: ExportState, shard: number): ExportState {
  const other = (key: string) => key.replace(/[0-9a-f]{64}/, (sha256) => renamed(sha256, shard));
  const stored = <T extends { readonly key: string; readonly bytes: number }>(object: T): T => {
    const copy = { ...object, key: other(object.key) };
    store.sizes.set(copy.key, copy.bytes);
    return copy;
  };
  return {
    ...state,
    pages: state.pages.map((page) => ({
      ...stored(page),
      first: `${String(shard).padStart(2, '0')}/${page.first}`,
      packs: page.packs.map((sha256) => renamed(sha256, shard)),
    })),
    packs: state.packs.map(stored),
  };
}

async function finishAll(label: string, store: CountingStore, shard: ExportState): Promise<void> {
  const keys: string[] = [];
  for (let index = 0; index < SHARDS; index += 1) keys.push(await saveState(store, copyOf(store, shard, index)));
  store.requests = { put: 0, get: 0, list: 0, head: 0 };
  const cpuBefore = process.cpuUsage();
  const states = await Promise.all(keys.map((key) => loadState(store, key)));
  const { manifestKey, counts } = await finishExport(optionsOf(store), joinStates(states));
  const { user, system } = process.cpuUsage(cpuBefore);
  console.log(
    JSON.stringify({
      label,
      files: counts.files,
      cpuSeconds: Math.round((user + system) / 1e5) / 10,
      requests: store.requests,
      manifestKB: Math.round(store.sizes.get(manifestKey.slice(store.prefix.length))! / 1e3),
      rssMB: megabytes(process.memoryUsage.rss() - store.keptBytes),
    }),
  );
}

async function main() {
  const first = new CountingStore();
  const parted = await shardsOf(first);
  const { state } = await runShard('first export, shard 3 of 16', first, parted[2]!);
  if (oneShard) return;
  await runShard('first export, shard 12 of 16', new CountingStore(), parted[11]!);
  await finishAll('first export, last turn', first, state);

  // The point before, as far as this shard goes.
  const second = new CountingStore();
  const { state: before } = await runShard('the parent of what follows', second, (await shardsOf(second))[2]!);
  await finishExport(optionsOf(second), before);
  await runShard('nothing changed, shard 3 of 16', second, (await shardsOf(second))[2]!);
  volume.changed = 100;
  await runShard('1 % changed, shard 3 of 16', second, (await shardsOf(second))[2]!);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
