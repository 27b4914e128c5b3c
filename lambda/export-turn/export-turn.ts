import {
  continueExport,
  exportOrBegin,
  finishExport,
  makePoint,
  prepareExport,
  sealExport,
  type ExportOptions,
  type ExportOutcome,
  type ExportProgress,
  type PreparedExport,
} from '../archive/export/export-volume';
import { findParent } from '../archive/export/parent';
import { loadState, saveState } from '../archive/export/saved-state';
import { joinStates, splitState } from '../archive/export/state';
import { NOT_EXPORTED } from '../../lib/private/log-messages';
import { MANIFEST_PREFIX } from '../archive/manifest';
import { readSigned } from '../archive/points';
import type { ExportResult } from '../export/contract';
import type { Logger } from '../shared/log';
import type { BeginAnswer, ContinueAnswer, FinishAnswer, LookAnswer, SealAnswer, TurnEvent } from './contract';

export interface TurnOptions extends Omit<ExportOptions, 'fullRead' | 'onProgress' | 'authenticator'> {
  readonly deployment: string;
  readonly log: Logger;
  /** Milliseconds that are left of this invocation. */
  readonly remainingMs: () => number;
  /** How long a turn goes on beginning with something new, in milliseconds. Default: see contract.ts. */
  readonly turnMs?: number;
  /** Entries after which a turn begins with nothing new. Default: a million. */
  readonly maxEntries?: number;
}

/** A volume that takes longer is better read by several at once. */
const FIRST_TURN_MS = 5 * 60_000;
/** For what is under way when the time is up: a file of 10 GB, its upload, and the pages. */
const RESERVE_MS = 2 * 60_000;
/** So that memory has a bound whatever the speed: see docs/scale.md. */
const MAX_ENTRIES = 1_000_000;
/** More than read at the same time, since some are done sooner. */
const SHARDS = 16;

/** One turn of an export: begins, goes on, or ends. */
export async function exportTurn(
  event: unknown,
  given: TurnOptions,
): Promise<LookAnswer | BeginAnswer | ContinueAnswer | FinishAnswer | SealAnswer> {
  const { store, log, remainingMs, turnMs = Infinity, maxEntries = MAX_ENTRIES } = given;
  let entries = 0;
  const options = { ...given, onProgress: ({ entriesDone }: ExportProgress) => void (entries = entriesDone) };
  const turn = parse(event);
  const endsAt = Date.now() + turnMs;
  const isTimeUp = () => Date.now() >= endsAt || remainingMs() < RESERVE_MS || entries >= maxEntries;
  switch (turn.action) {
    case 'look':
      return look(options, turn.before);
    case 'begin': {
      const firstEndsAt = Date.now() + FIRST_TURN_MS;
      const { fullRead, sign, parent, passedOver } = turn;
      const begun = await exportOrBegin<Ended>(
        { ...options, fullRead, ...(sign && { parent, passedOver }) },
        () => Date.now() >= firstEndsAt || isTimeUp(),
        sign ? prepareExport : makePoint,
      );
      if ('outcome' in begun) return answerOf(begun.outcome, options);
      const states = await Promise.all(splitState(begun.state, SHARDS).map((shard) => saveState(store, shard)));
      log.info('begun', { shards: states.length, filesRead: begun.state.filesRead });
      return { states };
    }
    case 'continue': {
      const state = await continueExport(options, await loadState(store, turn.state), isTimeUp);
      const done = state.left.length === 0;
      log.info('went on', { done, filesRead: state.filesRead, pages: state.pages.length });
      return { state: await saveState(store, state), done };
    }
    case 'finish': {
      const states = await Promise.all(turn.states.map((state) => loadState(store, state)));
      const ended = await finishExport<Ended>(options, joinStates(states), turn.sign ? prepareExport : makePoint);
      return answerOf(ended, options);
    }
    case 'seal': {
      const sealed = await sealExport(store, turn.prepared, turn.mac);
      log.info('signed', { manifestKey: sealed.manifestKey, key: turn.mac.key });
      return sealed;
    }
  }
}

type Ended = ExportOutcome | PreparedExport;

function answerOf(ended: Ended, options: TurnOptions): FinishAnswer {
  if ('manifestKey' in ended) return { result: { manifestKey: ended.manifestKey, ...resultOf(ended, options) } };
  const { prepared, headerSha256, outcome } = ended;
  return { unsigned: resultOf(outcome, options), prepared, headerSha256 };
}

async function look({ store }: TurnOptions, before: string | undefined): Promise<LookAnswer> {
  const { parent, warnings } = await findParent(store, before === undefined ? {} : { before });
  const passedOver = warnings.slice(0, REMARKS_TOLD);
  if (!parent) return { passedOver };
  const { headerSha256, mac } = await readSigned(store, store.prefix + MANIFEST_PREFIX + parent.name);
  return { passedOver, found: { name: parent.name, headerSha256, ...(mac && { mac }) } };
}

/** An answer, and a checkpoint, has a largest size. */
const PROBLEMS_TOLD = 20;
const REMARKS_TOLD = 20;

function resultOf(
  outcome: Omit<ExportOutcome, 'manifestKey'>,
  { deployment, volumeName, log }: TurnOptions,
): Omit<ExportResult, 'turns' | 'manifestKey'> {
  for (const { path, reason } of outcome.problems) log.error(NOT_EXPORTED, { path, reason });
  for (const { path, reason } of outcome.warnings) log.warn('exported with a warning', { path, reason });
  const result = {
    deployment,
    volume: volumeName,
    startedAt: outcome.startedAt,
    endedAt: outcome.endedAt,
    files: outcome.counts.files,
    bytes: outcome.counts.bytes,
    filesRead: outcome.filesRead,
    bytesStored: outcome.bytesStored,
    problemCount: outcome.problems.length,
    ...changedOf(outcome),
    suspicious: outcome.suspicious ?? [],
  };
  for (const reason of outcome.suspicious ?? []) log.error('suspicious', { reason });
  log.info('exported', { ...result, warnings: outcome.warnings.length });
  return { ...result, problems: outcome.problems.slice(0, PROBLEMS_TOLD) };
}

const changedOf = ({ changes }: Pick<ExportOutcome, 'changes'>) =>
  changes === undefined ? {} : { changed: changes.added + changes.changed + changes.removed };

const ACTIONS: readonly unknown[] = ['look', 'begin', 'continue', 'finish', 'seal'];

function parse(event: unknown): TurnEvent {
  const action = typeof event === 'object' && event !== null && 'action' in event ? event.action : undefined;
  if (ACTIONS.includes(action)) return event as TurnEvent;
  throw new Error(
    `\`action\` must be look, begin, continue, finish or seal, got ${JSON.stringify(action)}: invoke the export function, which calls this one`,
  );
}
