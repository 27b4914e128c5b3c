import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { RemoveEvent, RemoveResult } from '../restore/contract';
import { stopBoot } from './boot';
import { deleteUnlessGone, type MadeDatabase, wordsFor } from './clean-up-database';
import type { StepReport } from './contract';
import { describeError, Journal } from './steps';
import type { Surroundings } from './surroundings';

const DELETE_TIMEOUT_SECONDS = 2 * 3600;

export interface CleanUpResult {
  /** In words, with names: what a person must remove by hand. */
  readonly leftBehind: readonly string[];
  readonly steps: readonly StepReport[];
}

/** Removes all that the drill made. Never throws: what cannot be removed is named. */
export async function cleanUp(
  context: DurableContext,
  surroundings: Surroundings,
  databases: readonly MadeDatabase[],
  volumesTouched: boolean,
): Promise<CleanUpResult> {
  const items: Item[] = [
    ...databases.map((database) => ({ name: database.component, database })),
    ...(volumesTouched ? [{ name: 'restored files' }] : []),
  ];
  // First: it works with the rest.
  const stopped = await stopBoot(context, surroundings);
  if (items.length === 0) return stopped;
  const results = await context.map(
    'clean up',
    items,
    async (child, { name, database }) => {
      const journal = new Journal(surroundings.aws.clock, database?.component);
      try {
        if (database === undefined) await removeFiles(child, journal, surroundings);
        else await removeDatabase(child, journal, surroundings, database);
        return { leftBehind: null, steps: journal.steps };
      } catch (error) {
        const what =
          database === undefined
            ? `folder ${surroundings.drillId} on the restore volume`
            : `${wordsFor(database)} (${name})`;
        return { leftBehind: `${what}: ${describeError(error)}`, steps: journal.steps };
      }
    },
    { itemNamer: ({ name }) => `clean up ${name}` },
  );
  return {
    leftBehind: [
      ...stopped.leftBehind,
      ...results.all.flatMap(({ result, error, index }) =>
        result === undefined
          ? [`${items[index]?.name}: ${describeError(error)}`]
          : result.leftBehind === null
            ? []
            : [result.leftBehind],
      ),
    ],
    steps: [...stopped.steps, ...results.getResults().flatMap(({ steps }) => steps)],
  };
}

interface Item {
  readonly name: string;
  readonly database?: MadeDatabase;
}

async function removeFiles(context: DurableContext, journal: Journal, { settings, drillId }: Surroundings) {
  await journal.invoke<RemoveEvent, RemoveResult>(context, 'remove restored files', settings.restoreFunction, {
    action: 'remove',
    target: drillId,
  });
}

async function removeDatabase(
  context: DurableContext,
  journal: Journal,
  surroundings: Surroundings,
  made: MadeDatabase,
) {
  await journal.wait(context, `delete ${made.component}`, DELETE_TIMEOUT_SECONDS, () =>
    deleteUnlessGone(surroundings, made),
  );
}
