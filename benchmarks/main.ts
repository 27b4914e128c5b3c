/**
 * `npm run bench`: the archive against the best backup tools, on the same tree and the same S3 server. Exit status: 0 it
 * ran, whatever it found; 2 a contender failed, a restored tree differs, or the input is at fault; 130 interrupted.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { Listr, PRESET_TIMER } from 'listr2';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { OPERATIONS, type Operation } from './operations/names';
import { Run, type RunOptions } from './run';
import { resultsTable } from './report/table';
import { TREE_SIZES, type TreeSizeName } from './tree/layout';

const root = join(__dirname, '..');
const cache = join(root, '.bench');

interface Options {
  readonly tree: TreeSizeName;
  readonly pairs: number;
  readonly slowPairs: number;
  readonly seed: string;
  readonly only?: readonly Operation[];
  readonly with?: readonly string[];
  readonly server: RunOptions['server'];
  readonly quick?: boolean;
  readonly json?: boolean;
  readonly out: string;
}

function parse(): Options {
  return new Command('bench')
    .description(
      'Measures the archive beside restic and others, on a generated Identity Server home and a local S3 server.',
    )
    .addOption(
      new Option('--tree <size>', 'M is what the targets are for').choices(Object.keys(TREE_SIZES)).default('M'),
    )
    .option('--pairs <number>', 'rounds of the timed operations', count, 5)
    .option('--slow-pairs <number>', 'rounds on the volume with 1 ms added to each file operation', count, 1)
    .option('--seed <text>', 'another seed gives another tree', seed, '1')
    .option('--only <names>', `of ${OPERATIONS.join(', ')}; several with commas`, operations)
    .option(
      '--with <names>',
      'contenders beside ours and restic, with commas (default: all that are on the PATH)',
      list,
    )
    .addOption(
      new Option('--server <name>', 'auto: versitygw when it is built or Go is there, else MiniStack')
        .choices(['auto', 'versitygw', 'ministack'])
        .default('auto'),
    )
    .option('--quick', 'a smoke test: tree S, one pair, nothing that takes long')
    .option('--json', 'print the results as JSON instead of the table')
    .addOption(
      new Option('--out <dir>', 'where results.json is written').default(join(root, 'out', 'bench'), 'out/bench'),
    )
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
    .parse()
    .opts<Options>();
}

async function main(): Promise<number> {
  const options = parse();
  const run = new Run({
    ...options,
    ...(options.quick ? { tree: 'S', pairs: 1, slowPairs: 1 } : {}),
    starts: options.quick ? 2 : 10,
    quick: options.quick ?? false,
    operations: new Set(options.only ?? OPERATIONS.filter((name) => !options.quick || name !== 'memory-large')),
    cache,
  });
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
  });
  const live = new Listr(run.tasks(), {
    registerSignalListeners: false,
    silentRendererCondition: options.json === true,
    rendererOptions: { timer: PRESET_TIMER },
    fallbackRendererOptions: { timer: PRESET_TIMER },
  }).run();
  live.catch(() => {});
  try {
    if (typeof (await Promise.race([live, signalled])) === 'string') return 130;
  } finally {
    await run.stop();
  }
  const results = run.results();
  mkdirSync(options.out, { recursive: true });
  const file = join(options.out, 'results.json');
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  if (options.json) console.log(JSON.stringify(results, null, 2));
  else {
    console.log(`\n${resultsTable(results)}\n`);
    for (const line of results.leftOut) console.log(`Left out: ${line}`);
    console.log(`Results: ${relative(process.cwd(), file)}`);
  }
  return 0;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return value;
}

function seed(text: string): string {
  if (!/^[A-Za-z0-9]{1,20}$/.test(text)) throw new InvalidArgumentError('It must be 1 to 20 letters and digits.');
  return text;
}

const list = (text: string): string[] => text.split(',').filter((name) => name !== '');

function operations(text: string): Operation[] {
  return list(text).map((name) => {
    const known = OPERATIONS.find((operation) => operation === name);
    if (!known) throw new InvalidArgumentError(`It must be of ${OPERATIONS.join(', ')}, got ${name}.`);
    return known;
  });
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    console.error(process.env.DEBUG ? error : error instanceof Error ? error.message : error);
    process.exit(2);
  },
);
