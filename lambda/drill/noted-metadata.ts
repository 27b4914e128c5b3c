/** What AWS Backup noted of the source of a recovery point. */
export type NotedMetadata = Readonly<Record<string, string | undefined>>;

/**
 * The values of these keys, under the names given; what is empty is left out. AWS Backup's page on inferred metadata says that
 * case does not matter, and writes the names of Aurora's keys in camel case.
 */
export function notedValues<Key extends string>(
  noted: NotedMetadata,
  keys: readonly Key[],
): Readonly<Partial<Record<Key, string>>> {
  const byName = new Map(Object.entries(noted).map(([key, value]) => [key.toLowerCase(), value]));
  const present = keys.flatMap((key) => {
    const value = byName.get(key.toLowerCase());
    return value === undefined || value === '' || value === 'null' ? [] : [[key, value] as const];
  });
  return Object.fromEntries(present) as Partial<Record<Key, string>>;
}
