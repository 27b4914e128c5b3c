// The `app` of cdk.json: reads a configuration file and makes its stacks. Use: npx cdk synth|deploy|destroy [-c config=FILE]
import { resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { readConfiguration } from './configuration/configuration';
import { addStacks } from './recovery-app';

try {
  const app = new App();
  const file = resolve(String(app.node.tryGetContext('config') ?? 'recovery.toml'));
  const configuration = readConfiguration(file);
  addStacks(app, { ...configuration, account: configuration.account ?? process.env['CDK_DEFAULT_ACCOUNT'] });
  app.synth();
} catch (error) {
  // What stops a synth is nearly always what the user wrote; the stack trace of this app does not help to correct it.
  console.error(process.env['DEBUG'] ? error : `Error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
