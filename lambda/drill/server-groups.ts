/**
 * Parameter and option group of a restored database server. Both belong to a Region: in the primary Region production's own are
 * there, at the DR site those that the user made and named. Pure.
 */
import { type DatabaseEntry, isDefaultGroup, type Site } from '../../lib/planning/plan-document';
import { type NotedMetadata, notedValues } from './noted-metadata';

export interface ServerGroups {
  /** Of a cluster: its DB cluster parameter group. Absent: the default of the engine. */
  readonly parameterGroup?: string;
  /** Absent: the default of the engine; clusters have none. */
  readonly optionGroup?: string;
  /** Where production has a group of its own, and what is restored has not. */
  readonly warnings: readonly string[];
}

/** @param noted what AWS Backup knows of the source; nothing where RDS restores by itself */
export function serverGroups(
  entry: Pick<DatabaseEntry, 'kind' | 'parameterGroup' | 'optionGroup' | 'drSiteParameterGroup' | 'drSiteOptionGroup'>,
  site: Site,
  noted: NotedMetadata = {},
): ServerGroups {
  const known = notedValues(noted, ['DBParameterGroupName', 'DBClusterParameterGroupName', 'OptionGroupName']);
  const ofCluster = entry.kind !== 'rds-instance';
  const parameter = choose(
    site,
    { word: 'parameter group', property: 'drSiteParameterGroup' },
    (ofCluster ? known.DBClusterParameterGroupName : known.DBParameterGroupName) ?? entry.parameterGroup,
    entry.drSiteParameterGroup,
  );
  const option = ofCluster
    ? {}
    : choose(
        site,
        { word: 'option group', property: 'drSiteOptionGroup' },
        known.OptionGroupName ?? entry.optionGroup,
        entry.drSiteOptionGroup,
      );
  return {
    ...(parameter.name === undefined ? {} : { parameterGroup: parameter.name }),
    ...(option.name === undefined ? {} : { optionGroup: option.name }),
    warnings: [parameter, option].flatMap(({ warning }) => warning ?? []),
  };
}

function choose(
  site: Site,
  { word, property }: { readonly word: string; readonly property: string },
  production: string | undefined,
  atDrSite: string | undefined,
): { readonly name?: string; readonly warning?: string } {
  const own = production === undefined || isDefaultGroup(production) ? undefined : production;
  if (site === 'in-region') return own === undefined ? {} : { name: own };
  if (atDrSite !== undefined) return { name: atDrSite };
  if (own === undefined) return {};
  return {
    warning:
      `it was restored with the default ${word} of its engine, and production has ${own}: make one with the same values in ` +
      `the DR Region and name it by \`${property}\``,
  };
}
