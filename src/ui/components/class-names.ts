/** Joins class names. Does not resolve conflicts between them. */

/** The truthy names, separated by spaces. */
export function classNames(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}
