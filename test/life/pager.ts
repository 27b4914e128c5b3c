/** Who is told: subscribed over HTTP to the topic of a Region that its function of messages publishes to. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ConfirmSubscriptionCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import type { LocalAws } from '../../local/local-aws';
import { eventually } from '../local/stack';
import { functionsOf } from './scheduled';

export interface Message {
  readonly subject: string;
  readonly message: string;
}

/** Generous, since a busy machine is slow. */
const PATIENCE_SECONDS = 60;

export class Pager {
  private readonly messages = new Map<string, Message[]>();
  private readonly confirmed = new Set<string>();
  private aws?: LocalAws;
  private readonly server: Server = createServer((request, response) => {
    void text(request).then((body) => {
      response.end();
      return this.listen(request.url!.slice(1), body);
    });
  });

  public async subscribe(aws: LocalAws, region: string): Promise<void> {
    this.aws = aws;
    if (!this.server.listening) {
      await new Promise<void>((listening) => this.server.listen(0, '127.0.0.1', listening));
    }
    const [FunctionName] = await functionsOf(aws, region, /MessagesFunction/);
    const { Environment } = await new LambdaClient(aws.clientConfig(region)).send(
      new GetFunctionConfigurationCommand({ FunctionName }),
    );
    const { port } = this.server.address() as AddressInfo;
    await new SNSClient(aws.clientConfig(region)).send(
      new SubscribeCommand({
        TopicArn: Environment!.Variables!.TOPIC_ARN,
        Protocol: 'http',
        Endpoint: `http://127.0.0.1:${port}/${region}`,
      }),
    );
    await eventually(
      `the subscription in ${region}`,
      async () => this.confirmed.has(region) || undefined,
      PATIENCE_SECONDS,
    );
  }

  /** Everything that the Region's topic told. */
  public told(region: string): readonly Message[] {
    return this.messages.get(region) ?? [];
  }

  /** Waits until it told something that matches, subject and message by a newline. */
  public hear(region: string, pattern: RegExp): Promise<Message> {
    return eventually(
      `a message ${pattern} in ${region}`,
      async () => this.told(region).find(({ subject, message }) => pattern.test(`${subject}\n${message}`)),
      PATIENCE_SECONDS,
    );
  }

  public stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async listen(region: string, body: string): Promise<void> {
    const { Type, Subject = '', Message = '', TopicArn, Token } = JSON.parse(body) as Record<string, string>;
    if (Type === 'Notification') {
      this.messages.set(region, [...this.told(region), { subject: Subject, message: Message }]);
    } else {
      await new SNSClient(this.aws!.clientConfig(region)).send(new ConfirmSubscriptionCommand({ TopicArn, Token }));
      this.confirmed.add(region);
    }
  }
}
