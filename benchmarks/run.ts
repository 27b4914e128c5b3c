/** One run of the benchmark: what it needs is set up, each subject is measured, everything is taken down. */
import type { DefaultRenderer, ListrTask, ListrTaskWrapper, SimpleRenderer } from 'listr2';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseContenders, type Choice } from './contenders/choose';
import { RESTIC } from './contenders/restic';
import { endRunning } from './measure/execute';
import { machine, roomOn } from './measure/machine';
import type { Place } from './operations/archive-of';
import { measureCommand } from './operations/command';
import { measureFunctions } from './operations/functions';
import { measureMemoryLarge } from './operations/memory-large';
import { type Operation, TIMED, type Timed } from './operations/names';
import { measurePlanning } from './operations/planning';
import { countRequests } from './operations/requests';
import { runRounds } from './operations/rounds';
import { measureSlowVolume } from './operations/slow-volume';
import { type Results, RESULTS_VERSION } from './report/results';
import { fromRounds, type Measurements, toRows } from './report/rows';
import { startMinistack } from './server/ministack';
import type { ObjectServer } from './server/server';
import * as versitygw from './server/versitygw';
import * as slowVolume from './slow-volume/mount';
import { hasGo } from './tools';
import { TREE_SIZES, type TreeSizeName } from './tree/layout';
import { Tree } from './tree/tree';

export interface RunOptions {
  readonly tree: TreeSizeName;
  readonly pairs: number;
  readonly slowPairs: number;
  /** Fresh processes for each cold start. */
  readonly starts: number;
  readonly seed: string;
  readonly operations: ReadonlySet<Operation>;
  /** Names of contenders beside ours and the baseline; absent: all that are there. */
  readonly with?: readonly string[];
  readonly server: 'auto' | 'versitygw' | 'ministack';
  /** Builds nothing and warms nothing up. */
  readonly quick: boolean;
  /** Where trees and built programs stay from run to run. */
  readonly cache: string;
}

type Say = (line: string) => void;

const MEMORY_DISK = '/dev/shm';
/** Room for the server's data, caches and a restored tree, as a multiple of the tree. */
const ROOM = 6;

export class Run {
  readonly #started = new Date();
  readonly #choice: Choice;
  readonly #scratch: string;
  readonly #scratchOnMemory: boolean;
  readonly #measurements: Measurements[] = [];
  readonly #leftOut: string[];
  #server: ObjectServer | undefined;
  #tree: Tree | undefined;

  constructor(private readonly options: RunOptions) {
    this.#choice = chooseContenders(options.with);
    this.#leftOut = [...this.#choice.leftOut];
    this.#scratchOnMemory = roomOn(MEMORY_DISK) >= TREE_SIZES[options.tree].bytes * ROOM;
    this.#scratch = mkdtempSync(join(this.#scratchOnMemory ? MEMORY_DISK : tmpdir(), 'wso2is-recovery-bench-'));
  }

  tasks(): ListrTask[] {
    const { operations, tree, seed, cache, pairs, slowPairs, starts, quick } = this.options;
    const timed = new Set(TIMED.filter((name) => operations.has(name)));
    const rounds = timed.size > 0 || operations.has('stored') || operations.has('memory');
    const onTree = rounds || operations.has('requests') || operations.has('slow-volume');
    const fast = this.#choice.contenders.filter(({ slow }) => !slow);
    const [us] = fast;
    const two = fast.slice(0, 2);
    return [
      task('Start the S3 server', onTree || operations.has('memory-large'), (say) => this.#startServer(say)),
      task(`Generate tree ${tree}`, onTree, (say) => {
        this.#tree = Tree.open(cache, TREE_SIZES[tree], seed, say);
      }),
      task('Warm up with tree S', rounds && !quick, async (say) => {
        await this.#rounds(Tree.open(cache, TREE_SIZES.S, seed), timed, 1, say);
      }),
      task('Time the operations', rounds, async (say) => {
        const outcome = await this.#rounds(this.#tree!, timed, pairs, say);
        this.#measurements.push(...fromRounds(outcome, operations));
      }),
      task('Count the requests', operations.has('requests'), async (say) => {
        for (const contender of fast) {
          say(contender.name);
          this.#measurements.push(await countRequests(this.#place, this.#tree!, contender));
        }
      }),
      task('Export from a slow volume', operations.has('slow-volume') && this.#canSlow(), async (say) => {
        await slowVolume.build(cache);
        this.#measurements.push(...(await measureSlowVolume(this.#place, this.#tree!, two, cache, slowPairs, say)));
      }),
      task('Export tree L', operations.has('memory-large'), async (say) => {
        const large = Tree.open(cache, TREE_SIZES.L, seed, say);
        say('export');
        this.#measurements.push(...(await measureMemoryLarge(this.#place, us!, large)));
      }),
      task('Start the functions', operations.has('functions'), async (say) => {
        this.#measurements.push(...(await measureFunctions(starts, say)));
      }),
      task('Start the command', operations.has('command'), async (say) => {
        this.#measurements.push(...(await measureCommand(starts, say)));
      }),
      task('Plan and synthesize', operations.has('planning'), async (say) => {
        this.#measurements.push(...(await measurePlanning(cache, pairs, quick, say)));
      }),
    ];
  }

  results(): Results {
    const { files, bytes, tenants, name } = TREE_SIZES[this.options.tree];
    const { contenders } = this.#choice;
    return {
      formatVersion: RESULTS_VERSION,
      startedAt: this.#started.toISOString(),
      seconds: (Date.now() - this.#started.getTime()) / 1000,
      machine: { ...machine(), scratchOnMemory: this.#scratchOnMemory },
      tree: { name, seed: this.options.seed, files, bytes, tenants },
      server: this.#server?.name ?? 'none',
      contenders: Object.fromEntries(contenders.map((contender) => [contender.name, contender.version])),
      baseline: RESTIC,
      rows: toRows(this.#measurements, RESTIC, name),
      leftOut: this.#leftOut,
    };
  }

  /** Ends everything, wherever the run is. */
  async stop(): Promise<void> {
    await endRunning();
    await slowVolume.unmountAll();
    await this.#server?.stop();
    rmSync(this.#scratch, { recursive: true, force: true, maxRetries: 5 });
  }

  get #place(): Place {
    return { server: this.#server!, scratch: this.#scratch };
  }

  #rounds(tree: Tree, timed: ReadonlySet<Timed>, rounds: number, say: Say) {
    // The memory of full exports is looked at while they are timed.
    const operations = this.options.operations.has('memory') ? new Set<Timed>([...timed, 'full']) : timed;
    return runRounds({ ...this.#place, tree, contenders: this.#choice.contenders, operations, rounds, say });
  }

  async #startServer(say: Say): Promise<void> {
    const { cache, server, quick } = this.options;
    const dataDir = join(this.#scratch, 'server');
    const there = versitygw.isInstalled(cache);
    if (server === 'versitygw' || (server === 'auto' && (there || (!quick && hasGo())))) {
      if (!there) say('building versitygw, which takes some minutes the first time');
      await versitygw.install(cache);
      this.#server = await versitygw.startVersitygw(cache, dataDir);
    } else this.#server = await startMinistack(dataDir, say);
  }

  #canSlow(): boolean {
    const { cache, quick } = this.options;
    const built = slowVolume.isBuilt(cache);
    const why =
      slowVolume.obstacle() ??
      (built || !quick ? undefined : 'a quick run builds nothing: run it once without --quick') ??
      (built || hasGo() ? undefined : 'Go is not on the PATH, and builds the volume');
    if (why !== undefined) this.#leftOut.push(`the slow volume: ${why}`);
    return why === undefined;
  }
}

const task = (title: string, enabled: boolean, work: (say: Say) => Promise<void> | void): ListrTask => ({
  title,
  enabled,
  task: (_, wrapper: ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>) =>
    work((line) => {
      wrapper.output = line;
    }),
});
