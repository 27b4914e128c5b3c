/**
 * The timed operations, round after round: each operation of a round is done by all contenders one right after the other,
 * in turning order, so that what slows the machine slows all of them.
 */
import type { Contender } from '../contenders/contender';
import type { Measured } from '../measure/execute';
import { type Fingerprint, fingerprint } from '../tree/compare';
import type { Tree } from '../tree/tree';
import { ArchiveOf, type Place } from './archive-of';
import type { Timed } from './names';

export interface Sample extends Omit<Measured, 'stdout'> {
  readonly contender: string;
  readonly operation: Timed;
}

export interface Rounds extends Place {
  readonly tree: Tree;
  readonly contenders: readonly Contender[];
  readonly operations: ReadonlySet<Timed>;
  readonly rounds: number;
  readonly say: (line: string) => void;
}

export interface RoundsOutcome {
  /** In the order of the rounds. */
  readonly samples: readonly Sample[];
  /** Bytes of all objects of a contender's archive after its first full export. */
  readonly stored: Readonly<Record<string, number>>;
}

export async function runRounds(run: Rounds): Promise<RoundsOutcome> {
  const { tree, operations, contenders } = run;
  const samples: Sample[] = [];
  const stored: Record<string, number> = {};
  const archives = new Map(contenders.map((contender) => [contender, new ArchiveOf(run, contender)]));
  /** What each contender exported last: what its restore has to bring. */
  const exported = new Map<Contender, Fingerprint>();
  let round = 1;

  const each = async (
    operation: Timed,
    some: readonly Contender[],
    work: (archive: ArchiveOf, contender: Contender) => Promise<Measured | undefined>,
  ): Promise<void> => {
    for (const contender of some) {
      run.say(`round ${round} of ${run.rounds}: ${operation}, ${contender.name}`);
      const measured = await work(archives.get(contender)!, contender);
      if (measured && operations.has(operation)) samples.push({ contender: contender.name, operation, ...measured });
    }
  };
  const exportAll = async (operation: Timed, some: readonly Contender[]): Promise<void> => {
    // Reads the whole tree, which warms it up for whoever is first.
    const expected = fingerprint(tree.root);
    await each(operation, some, async (archive, contender) => {
      const measured = await archive.export(tree.root);
      exported.set(contender, expected);
      return measured;
    });
  };

  try {
    for (; round <= run.rounds; round += 1) {
      const taking = contenders.filter(({ slow }) => !slow || round === 1);
      const inTurn = round % 2 === 1 ? taking : taking.toReversed();
      const incremental = inTurn.filter((contender) => contender.incremental);

      if (round === 1 || operations.has('full')) {
        tree.reset();
        for (const contender of inTurn) await archives.get(contender)!.begin();
        await exportAll('full', inTurn);
      }
      if (round === 1) {
        for (const contender of inTurn) stored[contender.name] = await archives.get(contender)!.storedBytes();
      }
      if (operations.has('unchanged')) await exportAll('unchanged', incremental);
      if (operations.has('changed')) {
        tree.mutate();
        await exportAll('changed', incremental);
      }
      // Whatever is measured, what was exported has to come back.
      if (round === 1 || operations.has('restore')) {
        await each('restore', inTurn, (archive, contender) => archive.restore(exported.get(contender)!));
      }
      if (operations.has('verify')) await each('verify', inTurn, (archive) => archive.verify());
    }
    return { samples, stored };
  } finally {
    tree.reset();
    for (const archive of archives.values()) await archive.end();
  }
}
