import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { describeError } from '../drill/steps';
import type { Leftover } from './leftover';
import { messageOf, newsOf, type ReportSeen, type Told } from './messages';

export interface TellSurroundings extends Told {
  readonly sns: Pick<SNSClient, 'send'>;
  readonly topicArn: string;
  readonly findReport: (drillId: string) => Promise<ReportSeen>;
}

/**
 * Sends a message for each drill of which there is news, and marks what it announced.
 *
 * @returns what went wrong; one message that cannot be sent keeps no other back
 */
export async function tell(leftovers: readonly Leftover[], surroundings: TellSurroundings): Promise<readonly string[]> {
  const { sns, topicArn, findReport } = surroundings;
  const failures: string[] = [];
  for (const news of newsOf(leftovers)) {
    const report: ReportSeen = news.drillId === undefined ? 'none' : await findReport(news.drillId);
    if (typeof report === 'object' && 'unseen' in report) failures.push(`report of ${news.drillId}: ${report.unseen}`);
    try {
      await sns.send(new PublishCommand({ TopicArn: topicArn, ...messageOf(news, report, surroundings) }));
      // Afterwards: told twice is better than never.
      for (const leftover of news.leftovers) if (leftover.fate === 'waiting') await leftover.mark?.();
    } catch (error) {
      failures.push(`message about ${news.drillId ?? 'the restore volume'}: ${describeError(error)}`);
    }
  }
  return failures;
}
