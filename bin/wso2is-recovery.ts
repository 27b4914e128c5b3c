#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { registerDiff } from './commands/diff';
import { registerExport } from './commands/export';
import { registerList } from './commands/list';
import { registerPlan } from './commands/plan';
import { registerPrune } from './commands/prune';
import { registerRestore } from './commands/restore';
import { registerVerify } from './commands/verify';

/** Bad usage: commander's own status for it is 1, which here means that the answer is no. */
const BAD_USAGE = 2;

function createProgram(): Command {
  const program = new Command('wso2is-recovery')
    .description('backup and recovery of WSO2 Identity Server on AWS')
    .showHelpAfterError('(--help says more)')
    // Sub-commands take this over when they are made.
    .exitOverride();
  const commands = [
    registerPlan,
    registerExport,
    registerList,
    registerDiff,
    registerVerify,
    registerRestore,
    registerPrune,
  ];
  for (const register of commands) register(program);
  return program;
}

createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    if (!(error instanceof CommanderError)) {
      process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = BAD_USAGE;
    } else process.exitCode = error.exitCode === 0 ? 0 : BAD_USAGE;
  });
