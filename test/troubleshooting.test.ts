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

const messages = [...readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8').matchAll(/^\| `(.+?)` \|/gm)].map(
  (match) => match[1]!,
);

test('every message of the page is one of the source', () => {
  assert.ok(messages.length >= 15);
  const parts = (message: string) => message.split('…').map((part) => part.trim());
  assert.deepEqual(
    messages.filter((message) => !parts(message).every((part) => source.includes(part))),
    [],
  );
});

test('a message that is nowhere is found', () => {
  assert.equal(source.includes('must be a message of nobody'), false);
});
