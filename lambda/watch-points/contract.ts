/**
 * Event contract of the watch of recovery points, one function in each Region, which a rule calls every one to five minutes
 * for each deployment: it measures how old the newest state is that each component can be restored to there, and puts it as
 * the metric `RecoveryPointAge`. It asks nothing of the other Region.
 *
 * Environment: `SITE`, `BUCKET` (artifact bucket, or its replica), `VAULT_NAME`;
 * where manifests are signed, `MAC_KEYS` and `ACCEPT_UNSIGNED` (`../shared/kms-authenticator.ts`).
 */
import type { Newest } from '../recovery-points/newest';

export interface WatchPointsEvent {
  readonly deployment: string;
}

export interface WatchPointsResult {
  readonly components: readonly (ComponentAge | ComponentUnseen)[];
}

export interface ComponentAge {
  readonly component: string;
  /** Of the newest state that can be restored; where there is none, since the first recovery plan was published. */
  readonly ageSeconds: number;
  /** Absent: nothing can be restored. */
  readonly newest?: Newest;
}

export interface ComponentUnseen {
  readonly component: string;
  /** Why its points could not be seen: no metric is put for it. */
  readonly unseen: string;
}
