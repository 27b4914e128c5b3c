import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { OpsItemCategory, OpsItemSeverity, SnsAction, SsmAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as sns from 'aws-cdk-lib/aws-sns';

/** What is known of an alarm that is to be told. */
export interface AlarmToTell {
  /** The failure topic of the construct that made the alarm. */
  readonly failureTopic: sns.ITopic;
  /** It is worth a message too when the alarm clears. */
  readonly tellsWhenClear: boolean;
  /** That the alarm has no data is worth a message: what puts them does not run. */
  readonly tellsWithoutData: boolean;
}

/** What becomes of an alarm. Each strategy of a construct is applied to every alarm that the construct makes. */
export interface IAlarmStrategy {
  /**
   * Adds actions to an alarm.
   *
   * @param alarm an alarm of the construct
   * @param told when it is worth telling
   */
  applyTo(alarm: cloudwatch.Alarm, told: AlarmToTell): void;
}

/** How an OpsItem is filed. */
export interface OpsItemOptions {
  /**
   * Its severity.
   *
   * @default OpsItemSeverity.HIGH
   */
  readonly severity?: OpsItemSeverity;
  /**
   * Its category.
   *
   * @default OpsItemCategory.RECOVERY
   */
  readonly category?: OpsItemCategory;
}

/** The strategies that come with the package; your own implement `IAlarmStrategy`. */
export class AlarmStrategy {
  /**
   * Messages to the failure topic of the construct: when the alarm goes off and, where that is worth a message, when it
   * clears or has no data. The default.
   */
  public static failureTopic(): IAlarmStrategy {
    return { applyTo: (alarm, told) => toTopic(alarm, told.failureTopic, told) };
  }

  /**
   * Messages to a topic of yours, as `failureTopic` sends them. CloudWatch must be allowed to publish there, and to use its
   * key, if it has one.
   *
   * @param topic in the Region of the construct
   */
  public static topic(topic: sns.ITopic): IAlarmStrategy {
    return { applyTo: (alarm, told) => toTopic(alarm, topic, told) };
  }

  /**
   * An OpsItem of Systems Manager OpsCenter when the alarm goes off. It stays open when the alarm clears: people close it.
   * Beside the topic, give `AlarmStrategy.failureTopic()` too. OpsCenter costs 2.97 USD for 1,000 OpsItems (list price).
   *
   * @param options severity and category
   */
  public static opsItem(options: OpsItemOptions = {}): IAlarmStrategy {
    const { severity = OpsItemSeverity.HIGH, category = OpsItemCategory.RECOVERY } = options;
    return AlarmStrategy.action(new SsmAction(severity, category));
  }

  /**
   * Any action that CloudWatch alarms take (`aws-cdk-lib/aws-cloudwatch-actions`), when the alarm goes off.
   *
   * @param action for example an `SsmIncidentAction`; a `LambdaAction` needs the feature flag
   * `@aws-cdk/aws-cloudwatch-actions:changeLambdaPermissionLogicalIdForLambdaAction`, since there are several alarms
   */
  public static action(action: cloudwatch.IAlarmAction): IAlarmStrategy {
    return { applyTo: (alarm) => alarm.addAlarmAction(action) };
  }

  private constructor() {}
}

function toTopic(alarm: cloudwatch.Alarm, topic: sns.ITopic, { tellsWhenClear, tellsWithoutData }: AlarmToTell): void {
  const action = new SnsAction(topic);
  alarm.addAlarmAction(action);
  if (tellsWhenClear) alarm.addOkAction(action);
  if (tellsWithoutData) alarm.addInsufficientDataAction(action);
}
