import { Annotations, Stack, Token } from 'aws-cdk-lib';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { Construct } from 'constructs';

/**
 * Partitions for whose Regions AWS announced durable functions in "What's New": `aws` for us-east-2 (2025-12-02), 14 more Regions
 * (2025-12) and 16 more (2026-04-22), which makes 31 of the 35 that it had then; the European Sovereign Cloud (2026-09). The four
 * of `aws` are not told from the rest here.
 */
const ANNOUNCED = ['aws', 'aws-eusc'];

/**
 * Warns where Lambda is not known to have durable functions. The deployment decides, so this stops nothing.
 * @param what drills (DR site, recovery in the Region) or exports (primary Region)
 */
export function warnOfMissingDurableFunctions(scope: Construct, what: 'drills' | 'exports'): void {
  const { region } = Stack.of(scope);
  if (Token.isUnresolved(region)) return;
  const { partition = 'unknown' } = RegionInfo.get(region);
  if (ANNOUNCED.includes(partition)) return;
  Annotations.of(scope).addWarningV2(
    'cdk-wso2is-recovery:durableFunctions',
    `${what} need Lambda durable functions, which AWS has not announced for ${region} (partition ${partition}): CloudFormation ` +
      'will refuse their functions there until they come. Choose a Region that has them, ask AWS, or try ' +
      `\`aws lambda create-function --durable-config\` in ${region}; where it works, silence this with ` +
      "Annotations.of(scope).acknowledgeWarning('cdk-wso2is-recovery:durableFunctions')",
  );
}
