/** Recognises a template that was not rendered yet: it may even be TOML, and would name databases that do not exist. */

export interface TemplatePlaceholder {
  readonly kind: string;
  readonly line: number;
  readonly text: string;
  readonly fix: string;
}

const KINDS: readonly { kind: string; pattern: RegExp; fix: string }[] = [
  { kind: 'Helm or Jinja', pattern: /\{\{.*?(?:\}\}|$)|\{%.*?%\}/, fix: 'render it first (`helm template`, Ansible)' },
  { kind: 'ERB or EPP', pattern: /<%.*?(?:%>|$)/, fix: 'render it first (`puppet apply`, `erb`)' },
  // The product's own `$env{X}` has the brace after a word, its system properties `${carbon.home}` have a dot.
  { kind: 'envsubst', pattern: /\$\{[A-Za-z_][A-Za-z0-9_]*(?::?[-=?+][^}]*)?\}/, fix: 'render it first (`envsubst`)' },
  { kind: 'placeholder', pattern: /__[A-Z][A-Z0-9_]*__|@@[A-Z][A-Z0-9_]*@@/, fix: 'replace it first (`sed`)' },
];

/** The first placeholder outside of comments. */
export function findPlaceholder(text: string): TemplatePlaceholder | undefined {
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    if (raw.trimStart().startsWith('#')) continue;
    for (const { kind, pattern, fix } of KINDS) {
      const match = pattern.exec(raw);
      if (match) return { kind, line: index + 1, text: match[0], fix };
    }
  }
  return undefined;
}
