import { codeOf, messageOf } from '../errors';

export interface Remark {
  readonly path: string;
  readonly reason: string;
}

/** What is said of single files, by raw path. */
export interface Remarks {
  /** Not exported on purpose. */
  readonly excluded: Remark[];
  /** Could not be read, or never held still. */
  readonly problems: Remark[];
  readonly warnings: Remark[];
}

export const noRemarks = (): Remarks => ({ excluded: [], problems: [], warnings: [] });

export function addFailure({ problems, warnings }: Remarks, path: string, error: unknown): void {
  if (codeOf(error) === 'ENOENT') warnings.push({ path, reason: 'vanished during the export' });
  else problems.push({ path, reason: messageOf(error) });
}
