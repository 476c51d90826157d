/** File formats of imports, and how a request declares the format (G14). */
import { parseFlag } from "@/src/core/records/parameters";
import { AppError } from "@/src/shared/errors";
import { IMPORT_CHARSETS } from "@/src/shared/record-limits";
import { type NamedCharset, toCharset } from "./charset";

export const IMPORT_KINDS = ["ndjson", "json", "csv"] as const;
export type ImportKind = (typeof IMPORT_KINDS)[number];

const KINDS: Readonly<Record<string, ImportKind>> = {
  "application/x-ndjson": "ndjson",
  "application/ndjson": "ndjson",
  "application/jsonl": "ndjson",
  "application/x-jsonlines": "ndjson",
  "application/json": "json",
  "text/csv": "csv",
  "application/csv": "csv",
  "text/x-csv": "csv",
  "text/comma-separated-values": "csv",
  "text/tab-separated-values": "csv",
  // Browsers on Windows send this type for .csv files.
  "application/vnd.ms-excel": "csv",
};
/** Types that do not identify the format. The first character of the file does. */
const ANY: ReadonlySet<string> = new Set(["", "application/octet-stream", "binary/octet-stream", "text/plain"]);

export interface ImportForm {
  /** `any`: the first character of the file decides. */
  kind: ImportKind | "any";
  charset: NamedCharset | undefined;
  /** True for a check that stores nothing. */
  isCheck: boolean;
}

/**
 * Parses the query parameters `format`, `charset` and `check`, and falls back to the content type. Throws `content_type_unsupported`, and
 * `parameter_invalid` for unknown values.
 */
export function parseImportForm(contentType: string | null, parameters: URLSearchParams): ImportForm {
  const [mediaType = ""] = (contentType ?? "").split(";");
  const type = mediaType.trim().toLowerCase();
  const inType = /;\s*charset\s*=\s*"?([^";]+)/i.exec(contentType ?? "")?.[1];
  return {
    kind: parseFormat(parameters) ?? toKind(type),
    charset: parseCharset(parameters.get("charset"), inType),
    isCheck: parseFlag(parameters, "check"),
  };
}

function parseFormat(parameters: URLSearchParams): ImportKind | undefined {
  const format = parameters.get("format");
  if (format === null) return undefined;
  const kind = IMPORT_KINDS.find((each) => each === format);
  if (!kind) throw invalid("format", `Use one of: ${IMPORT_KINDS.join(", ")}.`);
  return kind;
}

function toKind(type: string): ImportKind | "any" {
  if (ANY.has(type)) return "any";
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  if (kind) return kind;
  const isForm = type === "multipart/form-data" || type === "application/x-www-form-urlencoded";
  const advice = isForm
    ? "Send the file itself as the body, with the header Content-Type: text/csv, or with format=csv."
    : "Send application/x-ndjson, application/json (an array) or text/csv, or name the format with format=.";
  throw new AppError("content_type_unsupported", { detail: `The content type ${JSON.stringify(type)} cannot be imported. ${advice}` });
}

function parseCharset(parameter: string | null, inType: string | undefined): NamedCharset | undefined {
  const label = parameter ?? inType;
  if (label === undefined) return undefined;
  const name = toCharset(label);
  if (name !== undefined) return { name, from: parameter === null ? "content-type" : "parameter" };
  throw invalid("charset", `Unknown encoding. Use, for example, one of: ${IMPORT_CHARSETS.join(", ")}.`);
}

function invalid(name: string, problem: string): AppError {
  return new AppError("parameter_invalid", { detail: `${name}: ${problem}`, fields: { [name]: problem } });
}
