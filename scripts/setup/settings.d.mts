/** Types of settings.mjs, for TypeScript files that import it. */
export function isSetting(name: string): boolean;
export function withoutSettings(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined>;
