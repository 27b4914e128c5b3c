import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { requireEnvironment } from '../shared/environment';
import { messagesOf } from './messages';

const sns = new SNSClient({});

export async function handler(event: unknown): Promise<{ readonly told: number }> {
  const { TOPIC_ARN } = requireEnvironment(['TOPIC_ARN']);
  const messages = messagesOf(event);
  for (const { subject, message } of messages) {
    await sns.send(new PublishCommand({ TopicArn: TOPIC_ARN, Subject: subject, Message: message }));
  }
  return { told: messages.length };
}
