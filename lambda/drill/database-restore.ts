import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { DatabaseEntry } from '../../lib/planning/plan-document';
import type { ChosenPoint } from './choose-recovery-set';
import type { Journal } from './steps';
import type { Surroundings } from './surroundings';

/** The restore of one database, whichever way it takes. */
export interface DatabaseRestore {
  readonly context: DurableContext;
  readonly journal: Journal;
  readonly surroundings: Surroundings;
  readonly entry: DatabaseEntry;
  /** Of what it makes. */
  readonly identifier: string;
  readonly point: ChosenPoint;
  /**
   * Gets the id of AWS Backup's restore job, where there is one, as soon as it is known: clean-up needs it whatever happens
   * after.
   */
  readonly onStarted: (restoreJobId: string) => void;
}
