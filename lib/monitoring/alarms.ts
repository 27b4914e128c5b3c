import { Stack, Token } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { AlarmStrategy, type AlarmToTell, type IAlarmStrategy } from './alarm-strategy';

/** What is the same for all our alarms is said once, below. */
export interface AlarmOptions extends Omit<cloudwatch.CreateAlarmOptions, 'alarmName' | 'actionsEnabled'> {
  /** Default: it is told when it goes off, and no more. */
  readonly told?: Partial<Omit<AlarmToTell, 'failureTopic'>>;
}

const ALARMS = Symbol('cdk-wso2is-recovery.Alarms');

/** Every alarm that a public construct and what is in it make: how each is told, and that all are on the dashboard. */
export class Alarms {
  /** Has the alarms in a construct told. */
  public static tell(
    construct: Construct,
    topic: sns.ITopic,
    strategies: readonly IAlarmStrategy[] = [AlarmStrategy.failureTopic()],
  ): Alarms {
    const alarms = new Alarms(topic, strategies);
    Object.defineProperty(construct, ALARMS, { value: alarms });
    return alarms;
  }

  /** Makes an alarm, told as the construct around it says. */
  public static make(scope: Construct, id: string, metric: cloudwatch.Metric, options: AlarmOptions): cloudwatch.Alarm {
    const around = scope.node.scopes.toReversed().find((each) => ALARMS in each);
    if (around === undefined) throw new Error(`nothing around ${scope.node.path} says how its alarms are told`);
    return (around as unknown as Record<typeof ALARMS, Alarms>)[ALARMS].make(scope, id, metric, options);
  }

  /** In the order in which they were made; more may come. */
  public readonly made: cloudwatch.Alarm[] = [];

  private constructor(
    private readonly topic: sns.ITopic,
    private readonly strategies: readonly IAlarmStrategy[],
  ) {}

  private make(
    scope: Construct,
    id: string,
    metric: cloudwatch.Metric,
    { told, ...options }: AlarmOptions,
  ): cloudwatch.Alarm {
    const alarm = metric.createAlarm(scope, id, { ...options, alarmName: nameOf(scope, id) });
    for (const strategy of this.strategies) {
      strategy.applyTo(alarm, { tellsWhenClear: false, tellsWithoutData: false, ...told, failureTopic: this.topic });
    }
    this.made.push(alarm);
    return alarm;
  }
}

/**
 * What an on-call person reads in the message and on the dashboard: the stack, which is unique in its Region, and the path
 * in it. A nested stack has no name yet, and leaves it to CloudFormation.
 */
function nameOf(scope: Construct, id: string): string | undefined {
  const stack = Stack.of(scope);
  if (Token.isUnresolved(stack.stackName)) return undefined;
  const ids = scope.node.scopes.slice(stack.node.scopes.length).map(({ node }) => node.id);
  return [stack.stackName, ...ids, id].join('/').slice(0, MAX_ALARM_NAME_LENGTH);
}

/** CloudWatch API, `PutMetricAlarm`. */
const MAX_ALARM_NAME_LENGTH = 255;
