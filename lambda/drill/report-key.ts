import { drillPrefix, recoveryPrefix } from '../../lib/private/bucket-layout';
import type { DrillReport } from './contract';

/** Where the report is in the site's bucket; recoveries are no part of the history of drills. */
export const reportPrefix = ({
  mode,
  site,
  deployment,
  drillId,
}: Pick<DrillReport, 'mode' | 'site' | 'deployment' | 'drillId'>) =>
  mode === 'drill' ? drillPrefix(deployment, drillId, site) : recoveryPrefix(deployment, drillId);
