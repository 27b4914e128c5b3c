/** One run of the benchmark: what it needs is set up, each subject is measured, everything is taken down. */
import type { ListrTask, ListrTaskWrapper, DefaultRenderer, SimpleRenderer } from 'listr2';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Contender } from './contenders/contender';
import { ours } from './contenders/ours';
import { rclone, tar } from './contenders/rclone';
import { RESTIC, restic } from './contenders/restic';
import { type Operation, OPERATIONS, TIMED, type Timed } from './operations/names';
import { countRequests } from './operations/requests';
import { runRounds, type Sample, type Stored } from './operations/rounds';
import { type Results, RESULTS_VERSION, type Row } from './report/results';
import { type Measurements, toRows } from './report/rows';
import { endRunning } from './measure/execute';
import type { ObjectServer } from './server/server';
import * as versitygw from './server/versitygw';
import { TREE_SIZES, type TreeSizeName } from './tree/layout';
import { Tree } from './tree/tree';

export interface RunOptions {
  readonly tree: TreeSizeName;
  readonly pairs: number;
  readonly slowPairs: number;
  readonly seed: string;
  readonly operations: ReadonlySet<Operation>;
  /** Names of contenders beside ours and the baseline; absent: all that are there. */
  readonly with?: readonly string[];
  readonly server: 'auto' | 'versitygw' | 'ministack';
  /** Builds nothing. */
  readonly quick: boolean;
  /** Where trees and built programs stay from run to run. */
  readonly cache: string;
}

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

const MEMORY_DISK = '/dev/shm';
/** Room for the server's data, caches and a restored tree, as a multiple of the tree. */
const ROOM = 6;

export class Run {
  readonly #started = new Date();
  readonly #contenders: readonly Contender[];
  readonly #scratch: string;
  readonly #scratchOnMemory: boolean;
  readonly #measurements: Measurements[] = [];
  readonly #leftOut: string[] = [];
  #server: ObjectServer | undefined;
  #tree: Tree | undefined;

  constructor(private readonly options: RunOptions) {
    this.#contenders = this.#chooseContenders();
    const needed = TREE_SIZES[options.tree].bytes * ROOM;
    this.#scratchOnMemory = roomOn(MEMORY_DISK) >= needed;
    this.#scratch = mkdtempSync(join(this.#scratchOnMemory ? MEMORY_DISK : tmpdir(), 'wso2is-recovery-bench-'));
  }

  tasks(): ListrTask[] {
    const { operations, tree, seed, cache } = this.options;
    const timed = new Set<Timed>(TIMED.filter((name) => operations.has(name)));
    const rounds = timed.size > 0 || operations.has('stored') || operations.has('memory');
    const wants = (
      title: string,
      enabled: boolean,
      task: (say: (line: string) => void) => Promise<void>,
    ): ListrTask => ({
      title,
      enabled,
      task: (_, wrapper) => task(saying(wrapper)),
    });
    const archive = rounds || operations.has('requests');
    return [
      wants('Start the S3 server', archive, () => this.#startServer()),
      wants(`Generate tree ${tree}`, archive, async (say) => {
        this.#tree = Tree.open(cache, TREE_SIZES[tree], seed, say);
      }),
      wants('Warm up with tree S', archive && !this.options.quick, async (say) => {
        const warm = Tree.open(cache, TREE_SIZES.S, seed);
        await this.#rounds(warm, new Set(timed), 1, say);
      }),
      wants('Time the operations', rounds, async (say) => {
        const { samples, stored } = await this.#rounds(this.#tree!, timed, this.options.pairs, say);
        this.#note(samples, stored);
      }),
      wants('Count the requests', operations.has('requests'), async (say) => {
        for (const contender of this.#contenders.filter(({ slow }) => !slow)) {
          say(contender.name);
          this.#measurements.push(
            await countRequests({ server: this.#server!, tree: this.#tree!, scratch: this.#scratch }, contender),
          );
        }
      }),
    ];
  }

  #rounds(tree: Tree, operations: ReadonlySet<Timed>, rounds: number, say: (line: string) => void) {
    const full = new Set<Timed>([...operations, ...(this.options.operations.has('memory') ? (['full'] as const) : [])]);
    return runRounds({
      server: this.#server!,
      tree,
      contenders: this.#contenders,
      operations: full,
      rounds,
      scratch: this.#scratch,
      say,
    });
  }

  #note(samples: readonly Sample[], stored: Stored): void {
    const { operations } = this.options;
    for (const operation of TIMED) {
      for (const { name } of this.#contenders) {
        const own = samples.filter((sample) => sample.operation === operation && sample.contender === name);
        if (own.length === 0) continue;
        const values = own.map(({ seconds }) => seconds);
        const cpuSeconds = own.map((sample) => sample.cpuSeconds);
        if (operations.has(operation)) {
          this.#measurements.push({ operation, contender: name, unit: 'seconds', values, cpuSeconds });
        }
        if (operation === 'full' && operations.has('memory')) {
          const peaks = own.map(({ peakBytes }) => peakBytes);
          this.#measurements.push({ operation: 'memory', contender: name, unit: 'bytes', values: peaks });
        }
      }
    }
    if (!operations.has('stored')) return;
    for (const [contender, bytes] of Object.entries(stored)) {
      this.#measurements.push({ operation: 'stored', contender, unit: 'bytes', values: [bytes] });
    }
  }

  results(): Results {
    const { files, bytes, tenants, name } = TREE_SIZES[this.options.tree];
    return {
      formatVersion: RESULTS_VERSION,
      startedAt: this.#started.toISOString(),
      seconds: (Date.now() - this.#started.getTime()) / 1000,
      machine: {
        cpu: cpus()[0]?.model ?? 'unknown',
        cpus: cpus().length,
        memoryBytes: totalmem(),
        kernel: release(),
        scratchOnMemory: this.#scratchOnMemory,
      },
      tree: { name, seed: this.options.seed, files, bytes, tenants },
      server: this.#server?.name ?? 'none',
      contenders: Object.fromEntries(this.#contenders.map((contender) => [contender.name, contender.version])),
      baseline: RESTIC,
      rows: inOrder(toRows(this.#measurements, RESTIC, name)),
      leftOut: this.#leftOut,
    };
  }

  async stop(): Promise<void> {
    await endRunning();
    await this.#server?.stop();
    rmSync(this.#scratch, { recursive: true, force: true, maxRetries: 5 });
  }

  async #startServer(): Promise<void> {
    const { cache } = this.options;
    await versitygw.install(cache);
    this.#server = await versitygw.startVersitygw(cache, join(this.#scratch, 'server'));
  }

  #chooseContenders(): Contender[] {
    const baseline = restic();
    if (!baseline)
      this.#leftOut.push('restic, and with it every ratio: it is not on the PATH (Debian: apt-get install restic)');
    const others: Readonly<Record<string, Contender | undefined>> = { tar: tar(), rclone: rclone() };
    const wanted = this.options.with ?? Object.keys(others);
    for (const name of wanted) {
      if (!(name in others)) {
        throw new Error(`\`--with\` must be of ${Object.keys(others).join(', ')}, got ${name}`);
      }
      if (!others[name]) this.#leftOut.push(`${name}: what it needs is not on the PATH`);
    }
    return [ours(), baseline, ...wanted.map((name) => others[name])].filter((one) => one !== undefined);
  }
}

const saying = (task: Task) => (line: string) => {
  task.output = line;
};

function roomOn(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

/** Operation by operation; contenders as they were measured, ours first. */
const inOrder = (rows: readonly Row[]): Row[] =>
  rows.toSorted((a, b) => OPERATIONS.indexOf(a.operation) - OPERATIONS.indexOf(b.operation));
