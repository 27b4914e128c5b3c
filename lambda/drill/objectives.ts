import type { ObjectiveSeconds, RecoveryPlanDocument, Site } from '../../lib/planning/plan-document';

/** From when the loss is counted. A moment that is still to come has no data yet. */
export const disasterAt = (startedAt: string, at: string | undefined): string =>
  at !== undefined && Date.parse(at) < Date.parse(startedAt) ? at : startedAt;

export const objectivesOf = ({ objectives }: RecoveryPlanDocument, site: Site): ObjectiveSeconds =>
  site === 'dr-site' ? objectives.drSite : objectives.inRegion;
