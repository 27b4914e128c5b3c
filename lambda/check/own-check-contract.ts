/**
 * Contract of a check of the user's own: a Lambda function of theirs, in any language, that the drill calls after the
 * built-in checks, while what was restored still runs. It reads credentials itself, from the secrets that the event names.
 *
 * It must answer within its own time-out (at most Lambda's 15 minutes). One that throws, times out or answers anything else
 * than this counts as FAILED.
 */
import type { RestoredDatabase } from './contract';

export interface OwnCheckEvent {
  readonly drillId: string;
  readonly deployment: string;
  /** Where the restored databases are, each with the ARN of the secret that has its credentials. */
  readonly databases: readonly RestoredDatabase[];
}

export interface OwnCheckAnswer {
  readonly status: 'PASSED' | 'WARNING' | 'FAILED';
  /** One sentence for the report; not empty. No secrets: it is kept. */
  readonly reason: string;
  /** Default: nothing. What was compared, for the report. */
  readonly compared?: Readonly<Record<string, string | number>>;
}
