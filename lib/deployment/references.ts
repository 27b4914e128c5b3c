/**
 * References in the values of `deployment.toml`. `$ref{}` is resolved inside the file; what only a running server knows
 * stays as it is written: `$env{}`, `$secret{}`, `$sys{}` and Java's own `${system.property}`.
 */

/** `env`, `secret` or `sys`, and the name. */
const RUNTIME = /\$(env|secret|sys)\{([^{}]*)\}/g;

// A CDK token looks like a system property, and is known: CloudFormation resolves it.
const ANY = /\$(?:env|secret|sys|ref)?\{(?!Token\[)[^{}]*\}/g;

/** Values of references, by `env:NAME`, `secret:ALIAS` or `sys:PROPERTY`. */
export type Resolution = Readonly<Record<string, string>>;

export const RESOLUTION_KEY = /^(?:env|secret|sys):\S/;

export const isReferenceIn = (text: string) => text.search(ANY) >= 0;

export const isToken = (text: string) => text.includes('${Token[');

/** What `resolve` names, as it names it: `env:DB_HOST`. */
export const referencesIn = (text: string): string[] =>
  [...text.matchAll(RUNTIME)].map(([, kind, name]) => `${kind}:${name.trim()}`);

export const resolveReferences = (text: string, resolution: Resolution): string =>
  text.replace(RUNTIME, (reference, kind: string, name: string) => {
    const key = `${kind}:${name.trim()}`;
    return Object.hasOwn(resolution, key) ? resolution[key] : reference;
  });

/** References hold characters that mean something in a URL, so they are taken out while one is read. */
export function maskReferences(text: string): { masked: string; unmask: (part: string) => string } {
  const taken: string[] = [];
  const masked = text.replace(ANY, (reference) => `\uE000${taken.push(reference) - 1}\uE001`);
  const unmask = (part: string) =>
    part.replace(/\uE000(\d+)\uE001/g, (whole, index: string) => taken[Number(index)] ?? whole);
  return { masked, unmask };
}
