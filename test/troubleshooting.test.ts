// The page of messages is held to the source: a message that was reworded, or is no more, is found.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(__dirname, '..');

/** The sources, with texts that are written in pieces put together. */
const source = globSync('{lib,bin}/**/*.ts', { cwd: root })
  .map((file) => readFileSync(join(root, file), 'utf8').replace(/['"`]\s*\+\s*['"`]/g, ''))
  .join('\n');

const page = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8');
const [warnings, others] = [
  /^## Warnings$[^]*?(?=^## )/m.exec(page)![0],
  page.replace(/^## Warnings$[^]*?(?=^## )/m, ''),
];
/** What stands first in the rows of a table, as code; in double ticks where it has ticks itself. */
const firsts = (text: string) =>
  [...text.matchAll(/^\| (?:`` (.+?) ``|`(.+?)`) \|/gm)].map((match) => (match[1] ?? match[2])!);
const messages = firsts(others);

test('every message of the page is one of the source', () => {
  assert.ok(messages.length >= 15);
  const parts = (message: string) => message.split('…').map((part) => part.trim());
  assert.deepEqual(
    messages.filter((message) => !parts(message).every((part) => source.includes(part))),
    [],
  );
});

test('every warning is on the page, by its id', () => {
  const ids = [...source.matchAll(/['"`]cdk-wso2is-recovery:([\w-]+)(?:['"`]|\$)/g)].map((match) => match[1]!);
  // Those of what endangers recovery are put together: `cdk-wso2is-recovery:${id}`.
  const dangers = [...readFileSync(join(root, 'lib/recovery/dangers.ts'), 'utf8').matchAll(/^ +id: '(\w+)'/gm)];
  assert.deepEqual(
    [...new Set([...ids, ...dangers.map((match) => match[1]!)])].sort(),
    firsts(warnings)
      .map((id) => id.replace('…', ''))
      .sort(),
  );
});

test('a message that is nowhere is found', () => {
  assert.equal(source.includes('must be a message of nobody'), false);
});
