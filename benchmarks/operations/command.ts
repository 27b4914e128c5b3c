/** How long the command takes to say something: a fresh process, from its start to its end. */
import { join } from 'node:path';
import { OUR_COMMAND, OURS } from '../contenders/ours';
import { type Command, execute } from '../measure/execute';
import type { Measurements } from '../report/rows';

const DEPLOYMENT = join(__dirname, '..', '..', 'bin', 'sample', 'deployment.toml');

export async function measureCommand(repeats: number, say: (line: string) => void): Promise<Measurements[]> {
  const node = (...args: string[]): Command => ({ program: process.execPath, arguments: args });
  const subjects = [
    { part: 'nothing', contender: `Node ${process.versions.node}`, command: node('--eval', '0') },
    { part: '--help', contender: OURS, command: node(OUR_COMMAND, '--help') },
    {
      part: 'plan',
      contender: OURS,
      command: node(
        OUR_COMMAND,
        'plan',
        '--deployment',
        DEPLOYMENT,
        ...'--rpo 1h --rto 4h --dr-rpo 6h --dr-rto 8h'.split(' '),
      ),
    },
  ];
  const values = subjects.map((): number[] => []);
  for (let turn = 0; turn <= repeats; turn += 1) {
    say(`turn ${turn} of ${repeats}`);
    for (const [index, { command }] of subjects.entries()) {
      const { seconds } = await execute(command);
      if (turn > 0) values[index]!.push(seconds * 1000);
    }
  }
  return subjects.map(({ part, contender }, index) => ({
    operation: 'command',
    part,
    contender,
    unit: 'milliseconds',
    values: values[index]!,
  }));
}
