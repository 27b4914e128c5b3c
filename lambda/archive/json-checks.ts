/** What a reader asks of JSON that somebody else may have written. */
import type { ArchiveDamagedError } from './errors';

export type Damaged = (problem: string, cause?: unknown) => ArchiveDamagedError;

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
export const isText = (value: unknown): value is string => typeof value === 'string';
export const isSha256 = (value: unknown): value is string => isText(value) && /^[0-9a-f]{64}$/.test(value);
export const isNs = (value: unknown): value is string => isText(value) && /^-?\d{1,20}$/.test(value);
export const isTime = (value: unknown): value is string => isText(value) && !Number.isNaN(Date.parse(value));
export const isOwnership = (value: Record<string, unknown>): boolean =>
  isCount(value['mode']) &&
  value['mode'] <= 0o7777 &&
  isCount(value['uid']) &&
  isCount(value['gid']) &&
  isNs(value['mtimeNs']);
export const isRemarks = (value: unknown): boolean =>
  Array.isArray(value) && value.every((item) => isRecord(item) && isText(item['path']) && isText(item['reason']));

export function parseLine(line: Buffer, damaged: Damaged): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    if (isRecord(value)) return value;
  } catch {
    // Said below.
  }
  throw damaged(`a line of the manifest is not a JSON object: ${line.toString('utf8', 0, 60).trim()}`);
}
