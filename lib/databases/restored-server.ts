/** What the recovery plan says of the server that is made of a protected resource: its class and its groups. */
import { type CfnElement, Token } from 'aws-cdk-lib';
import { CfnDBCluster, CfnDBInstance } from 'aws-cdk-lib/aws-rds';
import type { IConstruct } from 'constructs';
import { type DatabaseEntry, isDefaultGroup } from '../planning/plan-document';

export type RestoredServer = Pick<
  DatabaseEntry,
  | 'instanceClass'
  | 'drillInstanceClass'
  | 'parameterGroup'
  | 'optionGroup'
  | 'drSiteParameterGroup'
  | 'drSiteOptionGroup'
>;

/** @throws Error where a name is none that RDS has. */
export function restoredServer(
  given: Pick<RestoredServer, 'instanceClass' | 'drillInstanceClass' | 'drSiteParameterGroup' | 'drSiteOptionGroup'>,
  stated: Pick<RestoredServer, 'instanceClass' | 'parameterGroup' | 'optionGroup'>,
): RestoredServer {
  const values: RestoredServer = {
    ...stated,
    instanceClass: requireInstanceClass('instanceClass', given.instanceClass) ?? stated.instanceClass,
    drillInstanceClass: requireInstanceClass('drillInstanceClass', given.drillInstanceClass),
    drSiteParameterGroup: requireGroupName('drSiteParameterGroup', given.drSiteParameterGroup),
    drSiteOptionGroup: requireGroupName('drSiteOptionGroup', given.drSiteOptionGroup),
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as RestoredServer;
}

/** What a resource of this app says of groups of its own; of another nothing is known before it is restored. */
export function statedGroups(
  definition: CfnElement | undefined,
): Pick<RestoredServer, 'parameterGroup' | 'optionGroup'> {
  if (definition instanceof CfnDBInstance) {
    return { parameterGroup: own(definition.dbParameterGroupName), optionGroup: own(definition.optionGroupName) };
  }
  return definition instanceof CfnDBCluster ? { parameterGroup: own(definition.dbClusterParameterGroupName) } : {};
}

const own = (group: string | undefined) => (group !== undefined && isDefaultGroup(group) ? undefined : group);

/** Of the first instance of a cluster of this app; a serverless one needs a capacity that no restored cluster has. */
export function writerClassOf(cluster: IConstruct): string | undefined {
  const stated = cluster.node
    .findAll()
    .find((child): child is CfnDBInstance => child instanceof CfnDBInstance)?.dbInstanceClass;
  return Token.isUnresolved(stated) || stated === 'db.serverless' ? undefined : stated;
}

function requireInstanceClass(
  property: 'instanceClass' | 'drillInstanceClass',
  value: string | undefined,
): string | undefined {
  const usable = value === undefined || Token.isUnresolved(value) || /^db\.[a-z0-9-]+\.[a-z0-9-]+$/.test(value);
  if (usable) return value;
  throw new Error(
    `\`${property}\` must be a provisioned DB instance class, got '${value}': ` +
      'write it as RDS does, db.r8g.large; a restored cluster has no serverless capacity set',
  );
}

/** RDS: 1 to 255 letters, digits and hyphens, a letter first, no hyphen last, no two in a row; its own begin with `default`. */
function requireGroupName(
  property: 'drSiteParameterGroup' | 'drSiteOptionGroup',
  value: string | undefined,
): string | undefined {
  const usable =
    value === undefined ||
    Token.isUnresolved(value) ||
    /^default[.:][a-z0-9][a-z0-9.-]*$/.test(value) ||
    (/^[A-Za-z](-?[A-Za-z0-9])*$/.test(value) && value.length <= 255);
  if (usable) return value;
  throw new Error(
    `\`${property}\` must be the name of a group in the DR Region, got '${value}': ` +
      'write it as `aws rds describe-db-parameter-groups` (or `describe-option-groups`) does, without its ARN',
  );
}
