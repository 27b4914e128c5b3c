/** Everything that goes into the page passes through here, whatever it is made of. */
export function escape(text: string | number): string {
  return String(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** `42 s`, `6 min 5 s`, `3 h 20 min`, `2 d 4 h`: the two largest units, which is as exact as people compare. */
export function duration(seconds: number): string {
  return seconds < 10 && !Number.isInteger(seconds) ? `${seconds.toFixed(1)} s` : inUnits(Math.round(seconds), 2);
}

/** As {@link duration}, to the second, and rounded up: so that what is too long reads longer than what it is compared with. */
export const exactDuration = (seconds: number): string =>
  Number.isFinite(seconds) ? inUnits(Math.ceil(seconds), 4) : `${seconds} s`;

function inUnits(whole: number, most: number): string {
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor((whole % 86_400) / 3600), 'h'],
    [Math.floor((whole % 3600) / 60), 'min'],
    [whole % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + most)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** `2026-11-24 04:25:00 UTC`. */
export function instant(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/** `tenantsInDatabase` reads better as `tenants in database`; what is not such a name stays as it is. */
export function inWords(name: string): string {
  return /^[a-z]+([A-Z][a-z]+)*$/.test(name) ? name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`) : name;
}
