import * as zlib from 'node:zlib';
import { Command, CommanderError } from 'commander';
import { version } from '../package.json';
import { COMMANDS } from './commands';
import { ExitStatus, printJsonError } from './output';

async function createProgram(wanted: string | undefined): Promise<Command> {
  const program = new Command('wso2is-recovery')
    .description('backup and recovery of WSO2 Identity Server on AWS')
    .version(version)
    .showHelpAfterError('(--help says more)')
    // Sub-commands take this over when they are made.
    .exitOverride();
  // Only what is asked for is loaded; all of them where help, or what is meant, is to be found out.
  const only = COMMANDS.filter(({ name }) => name === wanted);
  for (const { name, needsZstd, load } of only.length > 0 ? only : COMMANDS) {
    if (needsZstd && typeof zlib.zstdCompress !== 'function') refuse(program, name);
    else (await load())(program);
  }
  return program;
}

/** Archives are compressed by Node's own zstd; planning needs nothing of it, so that it runs wherever a synth does. */
function refuse(program: Command, name: string): void {
  const needs = `needs Node >= 22.15 for zstd, this is ${process.version}`;
  program
    .command(name)
    .description(needs)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      throw new Error(`${name} ${needs}: use a newer one`);
    });
}

/** Whoever read the output wants no more of it (`| head`), or it cannot be kept: an error, when it is no pipe's end. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  process.stderr.write(`error: standard output cannot be written: ${error.message}\n`);
  process.exit(ExitStatus.failed);
});

createProgram(process.argv[2])
  .then((program) => program.parseAsync())
  .catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    const isUsage = error instanceof CommanderError;
    // Help is no error.
    if (isUsage && error.exitCode === 0) return;
    // Commander's own status for bad usage is 1, which here means that the answer is no.
    process.exitCode = ExitStatus.failed;
    // Commander has said it.
    if (!isUsage) process.stderr.write(`error: ${message}\n`);
    if (process.argv.includes('--json')) printJsonError(message.replace(/^error: /, ''));
  });
