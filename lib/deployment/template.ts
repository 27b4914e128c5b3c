/** Recognises a template that was not rendered yet: it may even be TOML, and would name databases that do not exist. */
import { maskReferences } from './references';

export interface TemplatePlaceholder {
  readonly kind: string;
  readonly text: string;
  readonly fix: string;
}

interface Kind {
  readonly kind: string;
  readonly pattern: RegExp;
  readonly fix: string;
}

const ENVSUBST = { kind: 'envsubst', fix: 'render it first (`envsubst`)' };
const PLACEHOLDER = { kind: 'placeholder', fix: 'replace it first (`sed`)' };

/** What stands in no rendered file, wherever it is. */
const ANYWHERE: readonly Kind[] = [
  { kind: 'Helm or Jinja', pattern: /\{\{.*?(?:\}\}|$)/m, fix: 'render it first (`helm template`, Ansible)' },
  {
    kind: 'Jinja',
    pattern: /\{%[-+]?\s*(?:if|elif|else|for|end\w+|set|include|block|macro|raw|import|from|with)\b/,
    fix: 'render it first (Ansible)',
  },
  { kind: 'ERB or EPP', pattern: /<%(?:[=\-#|]|\s|$).*?(?:%>|$)/m, fix: 'render it first (`puppet apply`, `erb`)' },
  // The product's own `$env{X}` has the brace after a word; its system properties, `${carbon.home}`, have a dot.
  { ...ENVSUBST, pattern: /\$\{[A-Z_][A-Z0-9_]*(?::?[-=?+][^{}\n]*)?\}/ },
  { ...PLACEHOLDER, pattern: /(?<!\w)__[A-Z][A-Z0-9_]*__(?!\w)|@@[A-Z][A-Z0-9_]*@@/ },
];

/** What a user name or a pattern elsewhere may well hold, but no connection. */
const IN_CONNECTION: readonly Kind[] = [
  { ...ENVSUBST, pattern: /\$\(?[A-Za-z_]\w*\)?(?![\w{])/ },
  { ...PLACEHOLDER, pattern: /\{[A-Za-z_][\w.-]*\}|<[^<>]+>|(?<![^\s/])@[A-Za-z_][\w.]*@/ },
];

// `DB_IDENTITY_URL` for a URL, `DB_HOST` for a host: no such name is in the DNS, where an underscore cannot be.
const CAPITALS = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;

// `defaultAutoCommit={auto_commit}`, `port = <port>`, `port = $PORT`, `port = @port@`: what TOML has no value for.
const UNQUOTED = /=\s*(\{[A-Za-z_][\w.-]*\}|<[^<>"'=]+>|\$\{?[\w.]+\}?|@[\w.]+@)\s*(?:#.*)?$/;

/** The first placeholder outside of comments, with its place, both numbers from 1. */
export function findPlaceholder(
  text: string,
): (TemplatePlaceholder & { readonly line: number; readonly column: number }) | undefined {
  return ANYWHERE.some(({ pattern }) => pattern.test(text)) ? locate(text) : undefined;
}

function locate(text: string): ReturnType<typeof findPlaceholder> {
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const found = firstOf(ANYWHERE, line);
    if (found && found.at < commentIn(line)) return { ...found, line: index + 1, column: found.at + 1 };
  }
  return undefined;
}

/** A placeholder in what a connection is made of; `isAddress` where it is a URL or a host. */
export function placeholderIn(value: string, isAddress: boolean): TemplatePlaceholder | undefined {
  // A password may hold anything, and is not shown.
  const connection = value.replace(/\b(password|pwd)=[^&;]*/gi, '$1=');
  // `${db_host}`: the product's own system properties have a dot.
  const shell = /\$\{[A-Za-z_]\w*(?::?[-=?+][^{}]*)?\}/.exec(connection);
  if (shell) return { ...ENVSUBST, text: shell[0] };
  const known = maskReferences(connection).masked.replace(/\$\{Token\[[^{}]*\}/g, '');
  if (isAddress && CAPITALS.test(known)) return { ...PLACEHOLDER, text: known };
  return firstOf(IN_CONNECTION, known);
}

/** A placeholder that stands where TOML wants a value: the cause of an error in that line. */
export function unquotedPlaceholder(line: string): TemplatePlaceholder | undefined {
  const text = UNQUOTED.exec(line)?.[1];
  return text === undefined ? undefined : { ...PLACEHOLDER, text };
}

function firstOf(kinds: readonly Kind[], text: string): (TemplatePlaceholder & { readonly at: number }) | undefined {
  for (const { kind, pattern, fix } of kinds) {
    const match = pattern.exec(text);
    if (match) return { kind, fix, text: match[0], at: match.index };
  }
  return undefined;
}

/** Where the line's comment begins; its length where it has none. Inside of multi-line strings this is a guess. */
function commentIn(line: string): number {
  let quote: string | undefined;
  for (let at = 0; at < line.length; at++) {
    const character = line[at];
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else if (character === '\\' && quote === '"') at++;
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '#') return at;
  }
  return line.length;
}
