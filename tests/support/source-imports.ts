/** Reads the import statements of TypeScript sources, without a compiler. For the architecture test only. */
import path from "node:path";

export interface SourceImport {
  /** The specifier as written. */
  specifier: string;
  /** The import does not exist at run time. */
  isTypeOnly: boolean;
}

// Strings are matched too, so that text in a string that looks like a comment is kept.
const STRING_OR_COMMENT = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
const FROM = /^[ \t]*(import|export)\b([^;"'`]*?)\bfrom\s*["']([^"']+)["']/gm;
const BARE = /^[ \t]*import\s*["']([^"']+)["']/gm;
const DYNAMIC = /(typeof\s+)?\b(?:import|require(?:\.resolve)?)\s*\(\s*["'`]([^"'`]+)["'`]/g;

/** The source without its comments. */
export function withoutComments(source: string): string {
  return source.replace(STRING_OR_COMMENT, (_, string: string | undefined) => string ?? " ");
}

/** Every import, re-export, dynamic import and `import()` type of a source. */
export function parseImports(source: string): SourceImport[] {
  const code = withoutComments(source);
  return [
    ...[...code.matchAll(FROM)].map(([, , clause = "", specifier = ""]) => ({ specifier, isTypeOnly: isTypeOnly(clause) })),
    ...[...code.matchAll(BARE)].map(([, specifier = ""]) => ({ specifier, isTypeOnly: false })),
    ...[...code.matchAll(DYNAMIC)].map(([, type, specifier = ""]) => ({ specifier, isTypeOnly: type !== undefined })),
  ];
}

/** The path in the repository to which a specifier in a file refers. Undefined for packages. */
export function resolveImport(file: string, specifier: string): string | undefined {
  if (specifier.startsWith("@/")) return specifier.slice(2);
  if (specifier.startsWith(".")) return path.posix.join(path.posix.dirname(file), specifier);
  return undefined;
}

function isTypeOnly(clause: string): boolean {
  if (/^\s*type\s+[\w$*{]/.test(clause)) return true;
  const [, names] = /^\s*\{([\s\S]*)\}\s*$/.exec(clause) ?? [];
  if (names === undefined) return false;
  const items = names.split(",").filter((item) => item.trim() !== "");
  return items.length > 0 && items.every((item) => /^\s*type\s/.test(item));
}
