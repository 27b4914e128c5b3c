import { Duration } from 'aws-cdk-lib';
import type { ObjectiveSeconds } from '../planning/plan-document';

/** How much may be lost, and for how long the service may be away, after one kind of failure. */
export interface SiteObjectives {
  /** Recovery point objective: how old the newest usable recovery point may be. More than zero. */
  readonly rpo: Duration;
  /** Recovery time objective: how long a recovery may take. More than zero. */
  readonly rto: Duration;
}

/** Objectives for a failure inside the Region (`rpo`, `rto`) and for the loss of the Region (`drSite`). */
export interface RecoveryObjectivesProps extends SiteObjectives {
  /** Objectives after the loss of the primary Region. Never tighter than the ones inside the Region. */
  readonly drSite: SiteObjectives;
}

/**
 * What a recovery has to achieve. Backup frequency and techniques are derived from it.
 *
 * The DR site may not promise more than the Region itself: what survives the loss of the Region survives every smaller
 * failure too, so a tighter objective at the DR site is two numbers swapped, or an in-Region one that is too loose.
 */
export class RecoveryObjectives {
  /**
   * @throws if an objective is not positive, or the DR site's is tighter than the one inside the Region
   */
  public static of(props: RecoveryObjectivesProps): RecoveryObjectives {
    return new RecoveryObjectives(props);
  }

  /** Recovery point objective for a failure inside the Region. */
  public readonly rpo: Duration;
  /** Recovery time objective for a failure inside the Region. */
  public readonly rto: Duration;
  /** Objectives after the loss of the primary Region. */
  public readonly drSite: SiteObjectives;

  private constructor(props: RecoveryObjectivesProps) {
    requirePositive('rpo', props.rpo);
    requirePositive('rto', props.rto);
    requirePositive('drSite.rpo', props.drSite.rpo);
    requirePositive('drSite.rto', props.drSite.rto);
    requireNotTighter('rpo', props.drSite.rpo, props.rpo);
    requireNotTighter('rto', props.drSite.rto, props.rto);
    this.rpo = props.rpo;
    this.rto = props.rto;
    this.drSite = props.drSite;
  }

  /**
   * The same as plain numbers, for the planner and the recovery plan document.
   * @internal
   */
  public _toSeconds(): { readonly inRegion: ObjectiveSeconds; readonly drSite: ObjectiveSeconds } {
    return {
      inRegion: { rpoSeconds: seconds(this.rpo), rtoSeconds: seconds(this.rto) },
      drSite: { rpoSeconds: seconds(this.drSite.rpo), rtoSeconds: seconds(this.drSite.rto) },
    };
  }
}

// A sub-second objective is rounded down: never promise against a looser one than was asked for.
const seconds = (duration: Duration) => Math.floor(duration.toSeconds({ integral: false }));

function requirePositive(name: string, duration: Duration): void {
  if (duration.isUnresolved() || seconds(duration) < 1) {
    const got = duration.isUnresolved() ? 'a token' : duration.toHumanString();
    throw new Error(
      `\`${name}\` must be a duration of at least one second that is known at synth time, got ${got}: ` +
        'schedules are derived from it; write a literal such as Duration.hours(1)',
    );
  }
}

function requireNotTighter(name: string, atDrSite: Duration, inRegion: Duration): void {
  if (seconds(atDrSite) < seconds(inRegion)) {
    throw new Error(
      `\`drSite.${name}\` must be at least \`${name}\` (${inRegion.toHumanString()}), got ${atDrSite.toHumanString()}: ` +
        `what survives the loss of the Region survives a smaller failure too; tighten \`${name}\` or relax \`drSite.${name}\``,
    );
  }
}
