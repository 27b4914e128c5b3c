/** How long planning takes, and what the construct adds to the synth of a stack; each time in a fresh process. */
import { build } from 'esbuild';
import { join } from 'node:path';
import { OURS } from '../contenders/ours';
import { execute } from '../measure/execute';
import type { Measurements } from '../report/rows';

const root = join(__dirname, '..', '..');
const DEPLOYMENT = join(root, 'bin', 'sample', 'deployment.toml');

interface Timed {
  /** Milliseconds in a process that did nothing before, modules of the CDK that are loaded on the way included. */
  readonly cold: number;
  /** The same once more in the same process. */
  readonly warm: number;
}

export async function measurePlanning(
  cache: string,
  pairs: number,
  say: (line: string) => void,
): Promise<Measurements[]> {
  const outfile = join(cache, 'planning', 'subject.js');
  await build({
    entryPoints: [join(__dirname, '..', 'planning', 'subject.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    logLevel: 'warning',
    external: ['aws-cdk-lib', 'aws-cdk-lib/*', 'constructs'],
  });
  const run = async (subject: 'plan' | 'without' | 'with'): Promise<Timed> => {
    const { stdout } = await execute({ program: process.execPath, arguments: [outfile, subject, DEPLOYMENT] });
    return JSON.parse(stdout) as Timed;
  };
  await run('with');
  const [planned, without, added]: [Timed[], Timed[], Timed[]] = [[], [], []];
  for (let pair = 1; pair <= pairs; pair += 1) {
    say(`pair ${pair} of ${pairs}`);
    planned.push(await run('plan'));
    const before = await run('without');
    const after = await run('with');
    without.push(before);
    added.push({ cold: after.cold - before.cold, warm: after.warm - before.warm });
  }
  const row = (part: string, values: readonly number[]): Measurements => ({
    operation: 'planning',
    part,
    contender: OURS,
    unit: 'milliseconds',
    values,
  });
  return [
    row(
      'plan()',
      planned.map(({ cold }) => cold),
    ),
    row(
      'synth without it',
      without.map(({ cold }) => cold),
    ),
    row(
      'added to a synth',
      added.map(({ cold }) => cold),
    ),
    row(
      'added to a synth, once more',
      added.map(({ warm }) => warm),
    ),
  ];
}
