/** Joins class names. It must not resolve conflicts: components take no class that contradicts theirs. */

/** The truthy ones, with a space between. */
export function classNames(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}
