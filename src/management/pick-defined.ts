/** For patches: what is absent stays as it is. */

/** `value` without the properties that are undefined. */
export function pickDefined<Value extends object>(value: Value): { [Key in keyof Value]?: Exclude<Value[Key], undefined> } {
  const defined = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(defined) as { [Key in keyof Value]?: Exclude<Value[Key], undefined> };
}
