// The app of cdk.json, with a copy of Identity Server that drills boot: what the configuration file has no keys for.
import { App, Duration, SecretValue, type Stack } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { readConfiguration } from '../../bin/configuration/configuration';
import { addStacks } from '../../bin/recovery-app';
import type { RecoverySite } from '../../lib';

const app = new App();
addStacks(app, readConfiguration(String(app.node.getContext('config'))));
const stack = app.node.findChild('RecoverySite') as Stack & { readonly recoverySite: RecoverySite };
stack.recoverySite.addBoot({
  image: ecs.ContainerImage.fromRegistry('identity-server'),
  tokenClient: new secretsmanager.Secret(stack, 'TokenClient', {
    secretObjectValue: {
      clientId: SecretValue.unsafePlainText('drill-client'),
      clientSecret: SecretValue.unsafePlainText('secret-of-the-client'),
    },
  }),
  timeout: Duration.minutes(1),
});
app.synth();
