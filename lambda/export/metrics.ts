import type { MetricDatum } from '@aws-sdk/client-cloudwatch';
import { EXPORT_METRICS } from '../../lib/private/metrics';
import type { ExportResult } from './contract';

/** What an export that made its point tells CloudWatch. Pure. */
export function metricsOf(result: Omit<ExportResult, 'turns'>): MetricDatum[] {
  const { deployment, volume, startedAt, endedAt, files, bytes, changed, problemCount, suspicious } = result;
  const values: readonly (readonly [string, number | undefined, 'Seconds' | 'Bytes' | 'Count'])[] = [
    [EXPORT_METRICS.duration, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000, 'Seconds'],
    [EXPORT_METRICS.files, files, 'Count'],
    [EXPORT_METRICS.bytes, bytes, 'Bytes'],
    [EXPORT_METRICS.changed, changed, 'Count'],
    [EXPORT_METRICS.skipped, problemCount, 'Count'],
    [EXPORT_METRICS.suspicious, suspicious.length > 0 ? 1 : 0, 'Count'],
  ];
  return values.flatMap(([MetricName, Value, Unit]) =>
    Value === undefined
      ? []
      : [
          {
            MetricName,
            Value,
            Unit,
            Timestamp: new Date(endedAt),
            Dimensions: [
              { Name: 'Deployment', Value: deployment },
              { Name: 'Component', Value: volume },
            ],
          },
        ],
  );
}
