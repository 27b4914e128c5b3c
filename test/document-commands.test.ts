/**
 * Every shell command of the documents, and of the runbook that is generated, exists with the options that it is given: those of this
 * package by their own parsers, `aws` by botocore's models, `cdk` by its help, npm scripts by package.json.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { Command } from 'commander';
import { COMMANDS } from '../bin/commands';
import { runbook } from '../lib/runbook/runbook';
import { pythonEnvironment } from '../local/venv';
import { documents, read, root, snippets } from './documents';
import { PLAN } from './lambda/drill/fake-site';

interface Script {
  readonly where: string;
  readonly script: string;
  /** Whether nothing may be missing: so in a block, not within a sentence. */
  readonly complete: boolean;
}

interface Parsed {
  readonly words: readonly string[];
  readonly wrong: string | null;
}

const texts = [
  ...documents.map((document) => [document, read(document)] as const),
  ['the generated runbook', runbook(PLAN, 'replica')] as const,
];

const scripts: readonly Script[] = texts.flatMap(([where, text]) => [
  ...snippets(text, 'sh').map((script) => ({ where, script, complete: true })),
  ...snippets(text, 'yaml').map((manifest) => ({ where, script: commandOf(manifest), complete: true })),
  // A sentence names some in full and some by their beginning.
  ...[...text.matchAll(/`((?:aws|npx|npm run|wso2is-recovery) [^`\n]+)`/g)].map((match) => ({
    where,
    script: match[1]!,
    complete: false,
  })),
]);

/** The command of a container: its `command` and `args`, which are lists of one line. */
function commandOf(manifest: string): string {
  const words = [...manifest.matchAll(/^ *(?:command|args): \[(.+)\]$/gm)].flatMap((match) => match[1]!.split(', '));
  assert.ok(words.length > 0, `no command in ${manifest}`);
  return words.join(' ');
}

/** Commands with a mistake each, and what is said of it. */
const MISTAKES = [
  ['aws efs create-acces-point --file-system-id F', 'efs has no operation create-acces-point'],
  ['aws efz describe-file-systems', 'no service efz'],
  ['aws efs create-access-point --file-system F', 'efs create-access-point has no option --file-system'],
  ['aws efs create-access-point --root-directory Path=/', 'efs create-access-point needs --file-system-id'],
  ['make all', 'is checked by nothing: say here how it is'],
  ['npm run demos', 'no script demos'],
  ['npx cdk deplo --all', 'no command deplo'],
  ['npx cdk deploy --al', 'no option --al'],
  ['npx wso2is-recovery drills', 'no command drills'],
  ['npx wso2is-recovery drill --regio eu-west-1', "error: unknown option '--regio'\n(Did you mean --region?)"],
  [
    commandOf('command: [npx, --package, cdk-wso2is-recovery, wso2is-recovery, drill]\nargs: [--regio, X]'),
    "error: unknown option '--regio'\n(Did you mean --region?)",
  ],
  ['npx wso2is-recovery plan --rpo 1h', "error: required option '--deployment <file>' not specified"],
  ['npx tsx benchmarks/none.ts', 'no file benchmarks/none.ts'],
  ['cp bin/sample/none.toml .', 'no file bin/sample/none.toml'],
] as const;

let parsed: readonly (readonly Parsed[])[] = [];
let mistaken: readonly (readonly Parsed[])[] = [];
before(async () => {
  const all = await parse([...scripts, ...MISTAKES.map(([script]) => ({ script, complete: true }))]);
  parsed = all.slice(0, scripts.length);
  mistaken = all.slice(scripts.length);
});

async function parse(inputs: readonly Pick<Script, 'script' | 'complete'>[]): Promise<Parsed[][]> {
  const python = await pythonEnvironment(() => {});
  const { status, stdout, stderr } = spawnSync(python, [join(__dirname, 'aws_commands.py')], {
    input: JSON.stringify(inputs),
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Parsed[][];
}

const { scripts: npmScripts } = JSON.parse(read('package.json')) as { readonly scripts: Record<string, string> };

const cdkHelp = spawnSync(join(root, 'node_modules/.bin/cdk'), ['--help'], {
  encoding: 'utf8',
  cwd: join(root, 'docs'),
}).stdout;
const cdkCommands = [...cdkHelp.matchAll(/^ {2}cdk ([a-z-]+)/gm)].map((match) => match[1]!);
const cdkOptions = [...cdkHelp.matchAll(/--([a-z-]+)/g)].map((match) => match[1]!);
/** Options of single commands of `cdk`, which its help does not list. */
const CDK_COMMAND_OPTIONS = ['all'];

/** What is done to examples/python and examples/java by test/packages. */
const OF_PACKAGES = ['python3', '.venv/bin/pip', 'mvn'];

/** What is wrong with a command, or nothing. */
async function wrong({ words, wrong: ofAws }: Parsed, complete: boolean): Promise<string | undefined> {
  const [program, first, ...rest] = words;
  switch (program) {
    case 'aws':
      return ofAws ?? undefined;
    case 'npm':
      if (first === 'run') return rest[0]! in npmScripts ? undefined : `no script ${rest[0]}`;
      return ['ci', 'cit', 'i', 'pack'].includes(first!) ? undefined : `no command ${first} that is known here`;
    case 'npx': {
      const called = words.slice(1).filter((word) => word !== '--yes' && word !== '--no');
      return wrong({ words: called[0] === '--package' ? called.slice(2) : called, wrong: null }, complete);
    }
    case 'cdk': {
      if (first === undefined) return undefined;
      if (!cdkCommands.includes(first)) return `no command ${first}`;
      const option = rest
        .map((word) => /^--([a-z-]+)/.exec(word)?.[1])
        .find((name) => name && !cdkOptions.includes(name));
      return option && !CDK_COMMAND_OPTIONS.includes(option) ? `no option --${option}` : undefined;
    }
    case 'wso2is-recovery':
      return first === '--help' ? undefined : wrongOfOurs(first!, rest, complete);
    case 'tsx':
      return missingFile([first!]);
    case 'cp':
      return missingFile([first!, ...rest].filter((word) => !word.startsWith('-')).slice(0, -1));
    default:
      return OF_PACKAGES.includes(program!) ? undefined : 'is checked by nothing: say here how it is';
  }
}

function missingFile(files: readonly string[]): string | undefined {
  const missing = files.find((file) => !existsSync(join(root, file)));
  return missing === undefined ? undefined : `no file ${missing}`;
}

async function wrongOfOurs(name: string, args: readonly string[], complete: boolean): Promise<string | undefined> {
  const entry = COMMANDS.find((each) => each.name === name);
  if (!entry) return `no command ${name}`;
  const program = new Command();
  (await entry.load())(program);
  const command = program.commands[0]!;
  if (!complete) {
    const options = command.options.map(({ long }) => long);
    return args.filter((word) => word.startsWith('--')).find((word) => !options.includes(word.split('=')[0]!));
  }
  let called = false;
  command.exitOverride().configureOutput({ writeErr: () => {} });
  command.action(() => void (called = true));
  // What stands for a name of the reader: its value is checked like that of any other.
  const given = args.map((word) => (word === 'DR_REGION' ? 'eu-west-1' : word));
  const error = await program.parseAsync([name, ...given], { from: 'user' }).then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  return error?.message ?? (called ? undefined : 'is not called');
}

describe('shell commands', () => {
  for (const [where] of texts)
    test(where, async () => {
      const found: string[] = [];
      for (const [index, script] of scripts.entries()) {
        if (script.where !== where) continue;
        for (const command of parsed[index]!) {
          // The script of that page is run by test/lambda/archive/recipe.test.ts.
          if (where === 'docs/archive-format.md' && command.words[0] !== 'aws') continue;
          const reason = await wrong(command, script.complete);
          if (reason !== undefined) found.push(`${command.words.join(' ')}: ${reason}`);
        }
      }
      assert.deepEqual(found, []);
    });

  test('are found: README.md and the runbook show ours, migration and runbook those of the AWS CLI', () => {
    const count = (where: string, program: string) =>
      scripts
        .flatMap((script, index) => (script.where === where ? parsed[index]! : []))
        .filter(({ words }) => words.includes(program) && words.indexOf(program) <= 3).length;
    assert.ok(count('README.md', 'wso2is-recovery') >= 7);
    assert.ok(count('the generated runbook', 'wso2is-recovery') >= 5);
    assert.ok(count('the generated runbook', 'aws') >= 3);
    assert.ok(count('docs/migration.md', 'aws') >= 2);
    assert.ok(
      scripts.some(({ where, script }) => where === 'docs/runbook.md' && script.startsWith('npx --yes --package ')),
    );
  });

  for (const [index, [script, expected]] of MISTAKES.entries())
    test(`what is wrong is found: ${script}`, async () => {
      const [command] = mistaken[index]!;
      assert.equal(await wrong(command!, true), expected);
    });
});
