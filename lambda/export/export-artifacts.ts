import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { MetricDatum } from '@aws-sdk/client-cloudwatch';
import { type Authenticator, distrust, signManifest } from '../archive/authenticity';
import type { Remark } from '../archive/export/remark';
import type {
  BeginAnswer,
  ContinueAnswer,
  FinishAnswer,
  LookAnswer,
  Looked,
  SealAnswer,
  TurnEvent,
} from '../export-turn/contract';
import type { ExportEvent, ExportResult } from './contract';
import { metricsOf } from './metrics';
import { olderRun, type Run } from './other-run';

export interface ExportSurroundings {
  /** Name of the function that reads the volume. */
  readonly turnFunction: string;
  /** The runs of this export that are under way. */
  readonly runs: () => Promise<readonly Run[]>;
  readonly putMetrics: (data: MetricDatum[]) => Promise<void>;
  /** By it what is taken from is authentic, and the manifest is signed. Absent: it is not. */
  readonly signer?: Signer | undefined;
}

export interface Signer {
  readonly authenticator: Authenticator;
  /** Prefix of the archive of this volume: for no other is anything signed, whatever the turn function asks for. */
  readonly archive: string;
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
 * call leaves for S3 or the volume, so that this function needs no network and no permission there. It signs, since KMS is out
 * of reach of the function in the network; so what can write to the bucket cannot sign, and what signs cannot write.
 *
 * @throws Error when an older run of this export is under way, a turn has failed for good, or nobody can be told of the point
 */
export async function exportArtifacts(
  event: unknown,
  context: DurableContext,
  surroundings: ExportSurroundings,
): Promise<ExportResult> {
  const result = await exportByTurns(event, context, surroundings);
  await context.step('put metrics', () => surroundings.putMetrics(metricsOf(result)));
  return result;
}

async function exportByTurns(
  event: unknown,
  context: DurableContext,
  { turnFunction, runs, signer }: ExportSurroundings,
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

  const looked = signer && (await look(context, turnFunction, signer));
  const begun = await turn<BeginAnswer>(context, turnFunction, 'begin', { action: 'begin', fullRead, ...looked });
  if (!('states' in begun)) return end(context, turnFunction, begun, signer, 1);

  const shards = await context.map('shards', [...begun.states], (branch, state) => goOn(branch, turnFunction, state), {
    maxConcurrency: SHARDS_AT_ONCE,
    itemNamer: (_, index) => `shard ${index + 1}`,
  });
  shards.throwIfError();
  const done = shards.getResults();
  const finished = await turn<FinishAnswer>(context, turnFunction, 'finish', {
    action: 'finish',
    states: done.map(({ state }) => state),
    ...(signer && { sign: true }),
  });
  const turns = 2 + done.reduce((sum, each) => sum + each.turns, 0);
  return end(context, turnFunction, finished, signer, turns);
}

/** Points that are not authentic before no other is looked at: then everything is read and stored anew. */
const MOST_LOOKS = 10;

/** The newest whole point that is authentic: what is taken from another would be signed as if it were ours. */
async function look(
  context: DurableContext,
  turnFunction: string,
  { archive, authenticator }: Signer,
): Promise<Looked> {
  const passedOver: Remark[] = [];
  let before: string | undefined;
  for (let looks = 1; looks <= MOST_LOOKS; looks += 1) {
    const event = { action: 'look' as const, ...(before === undefined ? {} : { before }) };
    const { found, passedOver: incomplete } = await turn<LookAnswer>(context, turnFunction, `look ${looks}`, event);
    passedOver.push(...incomplete);
    if (!found) break;
    const doubt = await context.step(
      `is ${looks} authentic`,
      async () => (await distrust(archive, found, authenticator)) ?? null,
    );
    if (doubt === null) return { parent: found.name, passedOver, sign: true };
    passedOver.push({ path: found.name, reason: `an earlier point is not authentic: ${doubt}` });
    before = found.name;
  }
  return { parent: null, passedOver, sign: true };
}

async function end(
  context: DurableContext,
  turnFunction: string,
  answer: FinishAnswer,
  signer: Signer | undefined,
  turns: number,
): Promise<ExportResult> {
  if ('result' in answer) return { ...answer.result, turns };
  const { unsigned, prepared, headerSha256 } = answer;
  if (!signer) throw new Error('the point waits to be signed, and this function has no key: deploy again');
  const mac = await context.step('sign', () => signManifest(signer.archive, headerSha256, signer.authenticator));
  const { manifestKey, bytes } = await turn<SealAnswer>(context, turnFunction, 'seal', {
    action: 'seal',
    prepared,
    mac,
  });
  return { ...unsigned, manifestKey, bytesStored: unsigned.bytesStored + bytes, turns };
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
