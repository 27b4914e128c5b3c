#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { registerExport } from './commands/export';
import { registerList } from './commands/list';
import { registerPlan } from './commands/plan';
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
  for (const register of [registerPlan, registerExport, registerList, registerVerify, registerRestore])
    register(program);
  return program;
}

createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    const isUsage = error instanceof CommanderError;
    // Help is no error.
    if (isUsage && error.exitCode === 0) return;
    process.exitCode = BAD_USAGE;
    if (!isUsage) process.stderr.write(`error: ${message}\n`);
    // A program that asked for JSON gets some, whatever happened.
    if (process.argv.includes('--json')) {
      const json = { formatVersion: 1, error: message.replace(/^error: /, '') };
      process.stdout.write(`${JSON.stringify(json, undefined, 2)}\n`);
    }
  });
