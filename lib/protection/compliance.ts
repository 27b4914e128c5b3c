import type { IConstruct } from 'constructs';
import { invalid } from '../private/errors';

/**
 * The explicit wish for compliance mode, which cannot be taken back: until the retention ends nobody can delete what is
 * locked, not the account's root user and not AWS, and it is paid for until then.
 */
export interface ComplianceAcknowledgement {
  /**
   * Must be, word for word, `nobody can delete it before its retention ends, and I pay for it until then`.
   */
  readonly acknowledgement: string;
}

const WORDS = 'nobody can delete it before its retention ends, and I pay for it until then';

/** @throws where compliance mode is asked for without the words that say what it means. */
export function requireAcknowledgement(
  scope: IConstruct,
  prop: string,
  compliance: ComplianceAcknowledgement | undefined,
): void {
  if (compliance === undefined || compliance.acknowledgement === WORDS) return;
  throw invalid(
    scope,
    `\`${prop}.acknowledgement\` must be '${WORDS}', got '${compliance.acknowledgement}': ` +
      'compliance mode is irreversible, so write these words or leave `compliance` out (governance mode)',
  );
}
