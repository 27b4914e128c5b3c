/** How long planning takes, what it adds to a synth, and what the constructs add; each time in a fresh process. */
import { build } from 'esbuild';
import { join } from 'node:path';
import { OURS } from '../contenders/ours';
import { execute } from '../measure/execute';
import type { Measurements } from '../report/rows';

const root = join(__dirname, '..', '..');
const DEPLOYMENT = join(root, 'bin', 'sample', 'deployment.toml');

/** The CDK's own check of every template takes far longer than the synth, and grows with the template whoever wrote it. */
const UNVALIDATED = { CDK_VALIDATION: 'false' };

interface Timed {
  /** Milliseconds in a process that did nothing before, modules of the CDK that are loaded on the way included. */
  readonly cold: number;
  /** The same once more in the same process. */
  readonly warm: number;
}

export async function measurePlanning(
  cache: string,
  pairs: number,
  /** Nothing warmed up, and without the CDK's validation, which takes most of the time. */
  quick: boolean,
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
  const run = async (
    subject: 'plan' | 'planning' | 'without' | 'with',
    env: Record<string, string> = {},
  ): Promise<Timed> => {
    const { stdout } = await execute({ program: process.execPath, arguments: [outfile, subject, DEPLOYMENT], env });
    return JSON.parse(stdout) as Timed;
  };
  const added = async (env?: Record<string, string>): Promise<Timed> => {
    const without = await run('without', env);
    const with_ = await run('with', env);
    return { cold: with_.cold - without.cold, warm: with_.warm - without.warm };
  };
  if (!quick) await run('with');
  const [planned, inSynth]: [number[], number[]] = [[], []];
  const [alone, validated]: [Timed[], Timed[]] = [[], []];
  for (let pair = 1; pair <= pairs; pair += 1) {
    say(`pair ${pair} of ${pairs}`);
    planned.push((await run('plan')).cold);
    inSynth.push((await run('planning')).cold);
    alone.push(await added(UNVALIDATED));
    if (!quick) validated.push(await added());
  }
  const row = (part: string, values: readonly number[]): Measurements => ({
    operation: 'planning',
    part,
    contender: OURS,
    unit: 'milliseconds',
    values,
  });
  return [
    row('plan()', planned),
    row('added to a synth by planning', inSynth),
    row(
      'added to a synth by the constructs',
      alone.map(({ cold }) => cold),
    ),
    row(
      'added to a second synth of the process by the constructs',
      alone.map(({ warm }) => warm),
    ),
    ...(quick
      ? []
      : [
          row(
            "added to a synth by the constructs, with the CDK's validation",
            validated.map(({ cold }) => cold),
          ),
        ]),
  ];
}
