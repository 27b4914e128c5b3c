import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { BeginAnswer, ContinueAnswer, FinishAnswer, TurnEvent } from '../export-turn/contract';
import type { ExportEvent, ExportResult } from './contract';
import { olderRun, type Run } from './other-run';

export interface ExportSurroundings {
  /** Name of the function that reads the volume. */
  readonly turnFunction: string;
  /** The runs of this export that are under way. */
  readonly runs: () => Promise<readonly Run[]>;
}

/** Shards that read at the same time: production reads and writes the same volume. */
const SHARDS_AT_ONCE = 4;
/** Before a second and a third attempt: a share that cannot be mounted at the moment, a function that was throttled. */
const PAUSES_SECONDS = [5, 60];

/**
 * One export. What one invocation can read is done by the first turn. Otherwise what is left is parted into shards, which go
 * on beside each other, turn by turn, and a last turn puts them together: until then there is no point.
 *
 * Nothing but the keys of states passes through here, so that checkpoints stay small whatever the size of the volume; and no
 * call leaves for S3 or the volume, so that this function needs no network and no permission there.
 *
 * @throws Error when an older run of this export is under way, or a turn has failed for good
 */
export async function exportArtifacts(
  event: unknown,
  context: DurableContext,
  { turnFunction, runs }: ExportSurroundings,
): Promise<ExportResult> {
  const { fullRead } = parse(event);
  const own = context.executionContext.durableExecutionArn;
  const older = await context.step('look for an older run', async () => olderRun(await runs(), own) ?? null);
  if (older) {
    throw new Error(
      `an older export of this volume, begun at ${older.startedAt}, still runs (${older.arn}): this one made no point. ` +
        'Exports take longer than their interval: lengthen it, or wait if that one is the first',
    );
  }

  const begun = await turn<BeginAnswer>(context, turnFunction, 'begin', { action: 'begin', fullRead });
  if ('result' in begun) return { ...begun.result, turns: 1 };

  const shards = await context.map('shards', [...begun.states], (branch, state) => goOn(branch, turnFunction, state), {
    maxConcurrency: SHARDS_AT_ONCE,
    itemNamer: (_, index) => `shard ${index + 1}`,
  });
  shards.throwIfError();
  const done = shards.getResults();
  const { result } = await turn<FinishAnswer>(context, turnFunction, 'finish', {
    action: 'finish',
    states: done.map(({ state }) => state),
  });
  return { ...result, turns: 2 + done.reduce((sum, { turns }) => sum + turns, 0) };
}

/** All turns of one shard. */
async function goOn(context: DurableContext, turnFunction: string, begun: string) {
  let state = begun;
  for (let turns = 1; ; turns += 1) {
    const answer = await turn<ContinueAnswer>(context, turnFunction, `turn ${turns}`, { action: 'continue', state });
    state = answer.state;
    if (answer.done) return { state, turns };
  }
}

/** A turn that died is done again from the state that it began with. */
async function turn<Answer>(
  context: DurableContext,
  turnFunction: string,
  name: string,
  event: TurnEvent,
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    const named = attempt === 1 ? name : `${name}, attempt ${attempt}`;
    try {
      return await context.invoke<TurnEvent, Answer>(named, turnFunction, event);
    } catch (error) {
      const seconds = PAUSES_SECONDS[attempt - 1];
      if (seconds === undefined) throw error;
      await context.wait(`pause after ${named}`, { seconds });
    }
  }
}

function parse(event: unknown): ExportEvent {
  if (typeof event !== 'object' || event === null || !('fullRead' in event)) return {};
  if (typeof event.fullRead !== 'boolean') {
    throw new Error(`\`fullRead\` must be true or false, got ${JSON.stringify(event.fullRead)}`);
  }
  return { fullRead: event.fullRead };
}
