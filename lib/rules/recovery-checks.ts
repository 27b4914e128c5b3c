import { CfnResource, Stack } from 'aws-cdk-lib';
// Not from 'cdk-nag' itself, whose index loads every rule of its own packs, at each synth.
import { NagPack, type NagPackProps } from 'cdk-nag/lib/nag-pack';
import { NagMessageLevel, NagRuleCompliance } from 'cdk-nag/lib/nag-rules';
import type { IConstruct } from 'constructs';
import { type Rule, RULES, type TemplateResource } from './findings';

/**
 * A cdk-nag pack for what recovery rests on, in this library's stacks and in your own: vaults that can be emptied, keys shared
 * with what they protect, copies and replicas that share the fate of their source, roles that write and delete.
 *
 * `Validations.of(app).addPlugins(new RecoveryChecks(app))`; a finding with a reason is acknowledged by
 * `Validations.of(scope).acknowledge({ id, reason })`. The rules are `WSO2ISRecovery-VaultDeniesDeletion`,
 * `-VaultKeyOfItsOwn`, `-CopyInAnotherAccount`, `-BucketObjectLock`, `-ReplicationWatched`,
 * `-ReplicationWithoutDeleteMarkers`, `-WriterDoesNotDelete` and `-DeletesOnlyWhatIsTagged`. A resource is compared with the
 * others of its app; what is imported cannot be seen.
 */
export class RecoveryChecks extends NagPack {
  /** Name of the pack in reports. */
  public readonly name = 'WSO2ISRecovery';

  public constructor(scope?: IConstruct, props?: NagPackProps) {
    super(scope, props);
    this.packName = this.name;
  }

  protected checkResource(node: CfnResource): void {
    for (const rule of RULES) this.check(node, rule);
  }

  private check(node: CfnResource, { name, info, explanation, severity, holds }: Rule): void {
    this.applyRule({
      ruleSuffixOverride: name,
      info,
      explanation,
      level: severity === 'error' ? NagMessageLevel.ERROR : NagMessageLevel.WARN,
      node,
      rule: () => {
        const held = holds(templateResource(node), () => resourcesOf(node));
        if (held === undefined) return NagRuleCompliance.NOT_APPLICABLE;
        return held ? NagRuleCompliance.COMPLIANT : NagRuleCompliance.NON_COMPLIANT;
      },
    });
  }
}

const resourcesOf = (node: CfnResource): TemplateResource[] =>
  node.node.root.node.findAll().filter(CfnResource.isCfnResource).map(templateResource);

/** As CloudFormation gets it, overrides included. */
function templateResource(node: CfnResource): TemplateResource {
  const stack = Stack.of(node);
  const template = stack.resolve(node._toCloudFormation()) as {
    Resources: Record<string, { Properties?: Record<string, unknown> }>;
  };
  const [resource] = Object.values(template.Resources);
  return { type: node.cfnResourceType, properties: resource?.Properties ?? {}, account: stack.resolve(stack.account) };
}
