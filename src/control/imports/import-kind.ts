/** The kinds of file that an import takes (G14). */
import { AppError } from "@/src/shared/errors";

export const IMPORT_KINDS = ["ndjson", "json", "csv"] as const;
export type ImportKind = (typeof IMPORT_KINDS)[number];

const KINDS: Readonly<Record<string, ImportKind>> = {
  "application/x-ndjson": "ndjson",
  "application/ndjson": "ndjson",
  "application/jsonl": "ndjson",
  "application/json": "json",
  "text/csv": "csv",
};

/** Returns the kind that a content type names. Throws `content_type_unsupported`. */
export function parseImportKind(contentType: string | null): ImportKind {
  const [mediaType = ""] = (contentType ?? "").split(";");
  const kind = KINDS[mediaType.trim().toLowerCase()];
  if (kind) return kind;
  const detail = "This content type can't be imported. Send application/x-ndjson, application/json (an array) or text/csv.";
  throw new AppError("content_type_unsupported", { detail });
}
