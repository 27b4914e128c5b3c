/**
 * The named environment variables.
 *
 * @throws Error that names every one that is missing or empty
 */
export function requireEnvironment<const Name extends string>(
  names: readonly Name[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<Name, string> {
  const missing = names.filter((name) => !environment[name]);
  if (missing.length > 0) {
    throw new Error(`the environment must set ${missing.join(', ')}: the function was not deployed by this library`);
  }
  return Object.fromEntries(names.map((name) => [name, environment[name]!])) as Record<Name, string>;
}
