/** Types of tool-cache.mjs, for TypeScript files that import it. */
export function toCacheFolder(name: string): string;
export function ensurePython(name: string, packages: readonly string[]): Promise<{ bin: string; packages: string } | { missing: string }>;
export function ensureTool(
  name: string,
  install: (folder: string, signal: AbortSignal) => Promise<void>,
): Promise<{ folder: string } | { missing: string }>;
export function canRun(command: string, args?: readonly string[]): boolean;
export function runQuietly(
  command: string,
  args: readonly string[],
  options?: { cwd?: string; env?: Record<string, string | undefined>; signal?: AbortSignal },
): Promise<string>;
