// The pages that are held to what they say, and what is in them.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(__dirname, '..');

export const documents = [
  'README.md',
  'CHANGELOG.md',
  ...globSync('docs/**/*.md', { cwd: root }),
  'local/README.md',
  'examples/README.md',
];

export const read = (document: string) => readFileSync(join(root, document), 'utf8');

/** The fenced blocks of one language; those within a list too. */
export function snippets(markdown: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm');
  return [...markdown.replace(/^ {3}/gm, '').matchAll(fence)].map((match) => match[1]!);
}
