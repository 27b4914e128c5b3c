import type { Verdict } from '../../../lambda/drill/contract';
import { ExitStatus } from '../../output';

const STATUSES = {
  PASSED: ExitStatus.ok,
  PASSED_WITH_WARNINGS: ExitStatus.partly,
  FAILED: ExitStatus.no,
} as const satisfies Record<Verdict, number>;

export const verdictStatus = (verdict: Verdict): number => STATUSES[verdict];
