import {
  continueExport,
  exportOrBegin,
  finishExport,
  type ExportOptions,
  type ExportOutcome,
  type ExportProgress,
} from '../archive/export/export-volume';
import { loadState, saveState } from '../archive/export/saved-state';
import { joinStates, splitState } from '../archive/export/state';
import { NOT_EXPORTED } from '../../lib/private/log-messages';
import type { Logger } from '../shared/log';
import type { BeginAnswer, ContinueAnswer, FinishAnswer, TurnEvent } from './contract';

export interface TurnOptions extends Omit<ExportOptions, 'fullRead' | 'onProgress'> {
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
): Promise<BeginAnswer | ContinueAnswer | FinishAnswer> {
  const { store, log, remainingMs, turnMs = Infinity, maxEntries = MAX_ENTRIES } = given;
  let entries = 0;
  const options = { ...given, onProgress: ({ entriesDone }: ExportProgress) => void (entries = entriesDone) };
  const turn = parse(event);
  const endsAt = Date.now() + turnMs;
  const isTimeUp = () => Date.now() >= endsAt || remainingMs() < RESERVE_MS || entries >= maxEntries;
  switch (turn.action) {
    case 'begin': {
      const firstEndsAt = Date.now() + FIRST_TURN_MS;
      const begun = await exportOrBegin(
        { ...options, fullRead: turn.fullRead },
        () => Date.now() >= firstEndsAt || isTimeUp(),
      );
      if ('outcome' in begun) return { result: resultOf(begun.outcome, options) };
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
      return { result: resultOf(await finishExport(options, joinStates(states)), options) };
    }
  }
}

/** An answer, and a checkpoint, has a largest size. */
const PROBLEMS_TOLD = 20;

function resultOf(outcome: ExportOutcome, { deployment, volumeName, log }: TurnOptions): FinishAnswer['result'] {
  for (const { path, reason } of outcome.problems) log.error(NOT_EXPORTED, { path, reason });
  for (const { path, reason } of outcome.warnings) log.warn('exported with a warning', { path, reason });
  const result = {
    deployment,
    volume: volumeName,
    manifestKey: outcome.manifestKey,
    startedAt: outcome.startedAt,
    endedAt: outcome.endedAt,
    files: outcome.counts.files,
    bytes: outcome.counts.bytes,
    filesRead: outcome.filesRead,
    bytesStored: outcome.bytesStored,
    problemCount: outcome.problems.length,
  };
  log.info('exported', { ...result, warnings: outcome.warnings.length });
  return { ...result, problems: outcome.problems.slice(0, PROBLEMS_TOLD) };
}

const ACTIONS: readonly unknown[] = ['begin', 'continue', 'finish'];

function parse(event: unknown): TurnEvent {
  const action = typeof event === 'object' && event !== null && 'action' in event ? event.action : undefined;
  if (ACTIONS.includes(action)) return event as TurnEvent;
  throw new Error(
    `\`action\` must be begin, continue or finish, got ${JSON.stringify(action)}: invoke the export function, which calls this one`,
  );
}
