/** The functions as they are deployed: size of the bundle, and time until a fresh Node process has loaded it and answers. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { OURS } from '../contenders/ours';
import { execute } from '../measure/execute';
import type { Measurements } from '../report/rows';

const bundles = join(__dirname, '..', '..', 'dist', 'lambda');

interface ColdStart {
  readonly nodeItself: number;
  readonly answered: number;
}

export async function measureFunctions(repeats: number, say: (line: string) => void): Promise<Measurements[]> {
  const names = readdirSync(bundles).sort();
  const bundle = (name: string) => join(bundles, name, 'index.js');
  const nodeItself: number[] = [];
  const starts = new Map<string, number[]>(names.map((name) => [name, []]));
  // In turn, so that a busy moment does not fall on one function alone; the first turn warms up the disk.
  for (let turn = 0; turn <= repeats; turn += 1) {
    say(`turn ${turn} of ${repeats}`);
    for (const name of names) {
      const start = await coldStart(bundle(name));
      if (turn === 0) continue;
      nodeItself.push(start.nodeItself);
      starts.get(name)!.push(start.answered);
    }
  }
  const row = (
    part: string,
    contender: string,
    unit: Measurements['unit'],
    values: readonly number[],
  ): Measurements => ({
    operation: 'functions',
    part,
    contender,
    unit,
    values,
  });
  return [
    ...names.map((name) => row(`bundle, ${name}`, OURS, 'bytes', [statSync(bundle(name)).size])),
    row('cold start, nothing', `Node ${process.versions.node}`, 'milliseconds', nodeItself),
    ...names.map((name) => row(`cold start, ${name}`, OURS, 'milliseconds', starts.get(name)!)),
  ];
}

/** No environment: each function refuses, after it was loaded and before it does anything. */
async function coldStart(bundle: string): Promise<ColdStart> {
  const script = join(__dirname, '..', 'functions', 'cold-start.cjs');
  const { stdout } = await execute({ program: process.execPath, arguments: [script, bundle] });
  // A function may log on its standard output; what counts is the last line.
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as ColdStart;
}
