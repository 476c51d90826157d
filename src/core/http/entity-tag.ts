/** A record's entity tag, and the conditions that name it (R7; RFC 9110, sections 8.8.3 and 13.1). It must not read records. */
import { type AppError, isAppError } from "@/src/shared/errors";

/** No record has it: a write that expects it is refused, unless it is refused for another reason first. */
const NO_VERSION = 0;
const VERSION_MAX = 2 ** 31 - 1;

/** The tag of a record's state: strong, as every change counts the version. */
export function toEntityTag({ version }: { version: number }): string {
  return `"${version}"`;
}

/**
 * The versions that an `If-Match` header allows, each once; undefined: any. A weak tag counts, although RFC 9110 compares strongly here: every change
 * raises the version, so a proxy that weakened the tag because it compressed the answer did not make it less exact. A tag that no record has matches
 * none; a header that is not a list of tags matches nothing, since its sender wanted to be sure.
 */
export function parseIfMatch(header: string | undefined): readonly number[] | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const versions = (parseTags(header) ?? []).flatMap(toVersions);
  return [...new Set(versions)];
}

/** True when an `If-None-Match` header names this tag, given without its quotes: its sender has the answer already. The comparison is weak. */
export function isNamedBy(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  return parseTags(header)?.includes(tag) === true;
}

/**
 * Writes on the condition that the record has one of `versions` (undefined: any). `write` is given the version that it must expect, and raises `version_conflict` when
 * the record has another one; with several versions it may be called again, when the record has moved from one of them to the next.
 */
export async function writeIfMatch<T>({
  versions,
  readVersion,
  write,
}: {
  versions: readonly number[] | undefined;
  /** The version that the record has now; undefined: there is none. */
  readVersion: () => Promise<number | undefined>;
  write: (expectedVersion: number | undefined) => Promise<T>;
}): Promise<T> {
  if (versions === undefined) return write(undefined);
  if (versions.length <= 1) return write(versions[0] ?? NO_VERSION);
  for (;;) {
    const current = await readVersion();
    // A record that is gone, or that has none of the versions: the write says why it is refused.
    const expected = current !== undefined && versions.includes(current) ? current : NO_VERSION;
    try {
      return await write(expected);
    } catch (error) {
      // It has another version by now, a greater one: this comes to an end.
      if (expected === NO_VERSION || !isConflict(error)) throw error;
    }
  }
}

function isConflict(error: unknown): error is AppError {
  return isAppError(error) && error.code === "version_conflict";
}

/** A tag, and the comma behind it or the end; empty members of a list are allowed. */
const TAG = /[ \t,]*(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,[ \t,]*|$)/y;

/** What proxies append to the tag of an answer that they compress: `"5-gzip"` (Apache, Caddy, lighttpd), `"5--gzip"` (Jetty), `"5;gzip"`. No tag of ours ends so. */
const CODING = /(?:--?|;)(?:gzip|br|zstd|deflate)$/;

/** The tags without quotes, without `W/`, and without what a compressing proxy appended. Undefined: the header is not a list of tags. */
function parseTags(header: string): string[] | undefined {
  const tags: string[] = [];
  TAG.lastIndex = 0;
  while (TAG.lastIndex < header.length) {
    const match = TAG.exec(header);
    if (!match) return undefined;
    tags.push((match[1] ?? "").replace(CODING, ""));
  }
  return tags;
}

function toVersions(tag: string): number[] {
  const version = /^[1-9]\d{0,9}$/.test(tag) ? Number(tag) : NO_VERSION;
  return version !== NO_VERSION && version <= VERSION_MAX ? [version] : [];
}
