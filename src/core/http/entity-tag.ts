/** Entity tags of records, and the conditional headers that name them (R7; RFC 9110, sections 8.8.3 and 13.1). */
import { type AppError, isAppError } from "@/src/shared/errors";

/** A version that no record has. A write that expects it fails with `version_conflict`, unless it fails for another reason first. */
const NO_VERSION = 0;
const VERSION_MAX = 2 ** 31 - 1;

/** The entity tag of a record. It is strong, because every change increases the version. */
export function toEntityTag({ version }: { version: number }): string {
  return `"${version}"`;
}

/**
 * The versions that an `If-Match` header allows, without duplicates. Undefined: any version. A weak tag counts, although RFC 9110 requires a strong
 * comparison: a proxy that compresses a response may weaken its tag, which still identifies the version exactly. A tag that no record has matches
 * nothing. A header that is not a list of tags also matches nothing, so that the write fails instead of ignoring the condition.
 */
export function parseIfMatch(header: string | undefined): readonly number[] | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const versions = (parseTags(header) ?? []).flatMap(toVersions);
  return [...new Set(versions)];
}

/** True if an `If-None-Match` header contains this tag (given without quotes), so the client already has the response. The comparison is weak. */
export function isNamedBy(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  return parseTags(header)?.includes(tag) === true;
}

/**
 * Writes only if the record has one of `versions` (undefined: any). `write` receives the version to expect and throws `version_conflict` if the
 * record has another one. With several versions, `write` is called again if the record moved from one of them to another in the meantime.
 */
export async function writeIfMatch<T>({
  versions,
  readVersion,
  write,
}: {
  versions: readonly number[] | undefined;
  /** The record's current version. Undefined: there is no record. */
  readVersion: () => Promise<number | undefined>;
  write: (expectedVersion: number | undefined) => Promise<T>;
}): Promise<T> {
  if (versions === undefined) return write(undefined);
  if (versions.length <= 1) return write(versions[0] ?? NO_VERSION);
  for (;;) {
    const current = await readVersion();
    // The record does not exist or has none of the versions: `write` throws the reason.
    const expected = current !== undefined && versions.includes(current) ? current : NO_VERSION;
    try {
      return await write(expected);
    } catch (error) {
      // The version is greater by now, so this loop ends.
      if (expected === NO_VERSION || !isConflict(error)) throw error;
    }
  }
}

function isConflict(error: unknown): error is AppError {
  return isAppError(error) && error.code === "version_conflict";
}

/** One tag with the comma that follows it, or the end. Empty list members are allowed. */
const TAG = /[ \t,]*(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,[ \t,]*|$)/y;

/**
 * Suffixes that proxies append to the tag of a response that they compress: `"5-gzip"` (Apache, Caddy, lighttpd), `"5--gzip"` (Jetty), `"5;gzip"`.
 * Our own tags never end with one.
 */
const CODING = /(?:--?|;)(?:gzip|br|zstd|deflate)$/;

/** The tags without quotes, `W/`, and suffixes of compressing proxies. Undefined if the header is not a list of tags. */
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
