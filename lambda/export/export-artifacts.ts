import { exportVolume, type ExportOptions } from '../archive/export/export-volume';
import type { Logger } from '../shared/log';
import type { ExportEvent, ExportResult } from './contract';

/** Exports the volume of one deployment; `fullRead` out of the event, everything else is ignored. */
export async function exportArtifacts(
  event: unknown,
  options: Omit<ExportOptions, 'fullRead'> & { readonly deployment: string; readonly log: Logger },
): Promise<ExportResult> {
  const { deployment, log, ...rest } = options;
  const outcome = await exportVolume({ ...rest, fullRead: parse(event).fullRead });
  for (const { path, reason } of outcome.problems) log.error('not exported', { path, reason });
  for (const { path, reason } of outcome.warnings) log.warn('exported with a warning', { path, reason });
  const result: ExportResult = {
    deployment,
    volume: options.volumeName,
    manifestKey: outcome.manifestKey,
    startedAt: outcome.startedAt,
    endedAt: outcome.endedAt,
    files: outcome.counts.files,
    bytes: outcome.counts.bytes,
    filesRead: outcome.filesRead,
    bytesStored: outcome.bytesStored,
    problems: outcome.problems,
  };
  log.info('exported', { ...result, problems: outcome.problems.length, warnings: outcome.warnings.length });
  return result;
}

function parse(event: unknown): ExportEvent {
  if (typeof event !== 'object' || event === null || !('fullRead' in event)) return {};
  if (typeof event.fullRead !== 'boolean') {
    throw new Error(`\`fullRead\` must be true or false, got ${JSON.stringify(event.fullRead)}`);
  }
  return { fullRead: event.fullRead };
}
