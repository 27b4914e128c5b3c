import { parse, TomlError } from 'smol-toml';
import { DeploymentTomlError } from './errors';
import { unquotedPlaceholder } from './template';

export type Table = { readonly [key: string]: unknown };

/** @throws DeploymentTomlError with line, column, excerpt and, where the cause is a usual one, what to write instead */
export function parseToml(text: string, fileName: string): Table {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof RangeError) {
      throw new DeploymentTomlError(`${fileName}: is nested too deeply: it is no deployment.toml`, { cause: error });
    }
    if (!(error instanceof TomlError)) throw error;
    const { line, column, codeblock } = error;
    const where = `${fileName}:${line}:${column}`;
    const source = text.split(/\r?\n/)[line - 1] ?? '';
    const placeholder = unquotedPlaceholder(source);
    if (placeholder) {
      throw templateError(`${fileName}:${line}:${source.indexOf(placeholder.text) + 1}`, placeholder);
    }
    const [what] = error.message.split('\n');
    throw new DeploymentTomlError(`${where}: ${what}${hint(what, source)}\n\n${withoutSecrets(codeblock)}`);
  }
}

/** Of a text that `parseToml` took: its own copy, in which whole numbers and fractions stay what they are. */
export const parseTyped = (text: string): Record<string, unknown> => parse(text, { integersAsBigInt: true });

export const templateError = (where: string, { kind, text, fix }: { kind: string; text: string; fix: string }) =>
  new DeploymentTomlError(
    `${where}: is a template that is not rendered yet (${kind}: \`${shortened(text)}\`): ${fix}, and give the result`,
  );

const shortened = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** The usual causes in a `deployment.toml`. */
function hint(what: string, source: string): string {
  const quotes = source.replace(/\\./g, '').split('"').length - 1;
  if (/redefin|already|duplicate/i.test(what)) return ': the same table or key stands twice; keep one';
  if (/=\s*"/.test(source) && quotes % 2 === 1 && !source.includes('"""')) {
    return ': a string in "…" must end in its line; write """…""" around one of several lines';
  }
  if (/escape/i.test(what)) return ": write '…' around a text with backslashes, or \\\\ for each";
  if (/[\u201c\u201d\u2018\u2019]/.test(source)) return ': write straight quotes, " or \'';
  if (/=\s*[A-Za-z_$/][^"']*$/.test(source)) return ': write the text in quotes';
  return '';
}

/** Messages end up in logs of builds. */
const withoutSecrets = (excerpt: string) =>
  excerpt.replace(/((?:password|passwd|secret|key|hash|token|pwd)[\w"']*\s*=\s*).*$/gim, '$1***');
