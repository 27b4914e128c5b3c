import { Annotations, Stack, Token } from 'aws-cdk-lib';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';

/**
 * Warns where Lambda is not known to have durable functions, which a drill is: until November 2026 AWS announced them for
 * Regions of the partition `aws` only (31 of them in April 2026). The deployment decides, so this stops nothing.
 */
export function warnOfMissingDurableFunctions(scope: Construct): void {
  const { region } = Stack.of(scope);
  if (Token.isUnresolved(region)) return;
  const { partition = 'unknown' } = RegionInfo.get(region);
  if (partition === 'aws') return;
  Annotations.of(scope).addWarningV2(
    'cdk-wso2is-recovery:durableFunctions',
    `drills need Lambda durable functions, which AWS has not announced for ${region} (partition ${partition}): CloudFormation ` +
      'will refuse the drill function there until they come. Ask AWS, or try `aws lambda create-function --durable-config` in ' +
      `${region}; where it works, silence this with Annotations.of(scope).acknowledgeWarning('cdk-wso2is-recovery:durableFunctions')`,
  );
}
