/** Selects the status and the bytes of the response to a GET of a file, by the conditions and the range of the request (F2). */
import parseRange from "range-parser";
import type { OpenFile } from "@/src/core/files/files";
import { isNamedBy } from "@/src/core/http/entity-tag";
import { AppError } from "@/src/shared/errors";

/** Headers of the request. */
export interface FileConditions {
  range: string | undefined;
  ifNoneMatch: string | undefined;
  ifRange: string | undefined;
}

export type FilePart =
  | { status: 304 }
  /** The bytes from `start` to `end`, both included, and the headers that describe them. */
  | { status: 200 | 206; start: number; end: number; headers: Record<string, string> };

type Described = Pick<OpenFile, "size" | "sha256">;

/** Throws `range_not_satisfiable`. A request for several ranges gets the whole file, which RFC 9110 (section 14.2) allows. */
export function selectPart(conditions: FileConditions, file: Described): FilePart {
  if (isNamedBy(conditions.ifNoneMatch, file.sha256)) return { status: 304 };
  const range = selectRange(conditions, file);
  if (!range) return { status: 200, start: 0, end: file.size - 1, headers: { "Content-Length": String(file.size) } };
  const { start, end } = range;
  const headers = { "Content-Range": `bytes ${start}-${end}/${file.size}`, "Content-Length": String(end - start + 1) };
  return { status: 206, start, end, headers };
}

/** Returns undefined if the whole file is requested. */
function selectRange({ range, ifRange }: FileConditions, { size, sha256 }: Described): { start: number; end: number } | undefined {
  if (range === undefined || (ifRange !== undefined && ifRange !== `"${sha256}"`)) return undefined;
  const ranges = parseRange(size, withinSuffixes(range, size), { combine: true });
  if (ranges === -1) throw new AppError("range_not_satisfiable", { fileBytes: size });
  if (ranges === -2 || ranges.type !== "bytes" || ranges.length !== 1) return undefined;
  return ranges[0];
}

/** The parser rejects "the last 500 bytes" of a shorter file, which means the whole file (RFC 9110, section 14.1.2). */
function withinSuffixes(range: string, size: number): string {
  return range.replace(/(?<=[=,\s])-(\d+)/g, (suffix, length: string) => (Number(length) > size ? `-${size}` : suffix));
}
