/** What a drill measured at the DR site, out of its `report.json`. */
import { PlanInputError } from './errors';
import { ALL_TOGETHER, type MeasuredRecovery } from './plan-types';

/** @throws PlanInputError if the text is no report of a drill that restored something */
export function measuredRecoveries(text: string): MeasuredRecovery[] {
  let report: unknown;
  try {
    report = JSON.parse(text);
  } catch (error) {
    throw new PlanInputError(`It must be the report.json of a drill: ${(error as Error).message}.`, { cause: error });
  }
  const { formatVersion, mode, site, drillId, measuredRtoSeconds, components } = (report ?? {}) as Record<
    string,
    unknown
  >;
  if (formatVersion !== 1 || typeof drillId !== 'string' || !Array.isArray(components)) {
    throw new PlanInputError('It must be the report.json of a drill, format version 1.');
  }
  if (mode === 'recover' || site === 'in-region') {
    throw new PlanInputError('It must be of a drill at the DR site: the plan counts with what that one needs.');
  }
  const times = [{ component: ALL_TOGETHER, measuredRtoSeconds }, ...(components as unknown[])];
  const found = times.flatMap((measurement) => {
    const { component, measuredRtoSeconds: rtoSeconds } = (measurement ?? {}) as Record<string, unknown>;
    return typeof component === 'string' && typeof rtoSeconds === 'number' && rtoSeconds >= 0
      ? [{ component, rtoSeconds, drill: drillId }]
      : [];
  });
  if (found.length === 0) {
    throw new PlanInputError('It must be of a drill that restored something: this one measured no time.');
  }
  return found;
}
