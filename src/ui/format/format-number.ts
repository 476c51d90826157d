/** Formats counts and sizes for people. Pure. */

const grouped = new Intl.NumberFormat("en");

/** `12408` → `12,408`. */
export function formatCount(value: number): string {
  return grouped.format(value);
}

/** `1 endpoint`, `3 endpoints`. */
export function formatPlural(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

/** Bytes with at most three digits, in powers of 1024: `212 B`, `1.4 KB`, `1 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes;
  for (const unit of ["KB", "MB", "GB"]) {
    value /= 1024;
    if (value < 999.5) return `${value < 9.95 ? value.toFixed(1).replace(".0", "") : Math.round(value)} ${unit}`;
  }
  return `${Math.round(value)} GB`;
}
