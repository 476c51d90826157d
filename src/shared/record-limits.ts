/** The limits of one request of the grid, an import or an export. Separate from the schemas, so that pages need not load those. */

/** Records in a page of the grid, and ids that one request may name. */
export const GRID_LIMIT_MAX = 500;
export const NAMED_RECORDS_MAX = 1000;
/** Changes of fields in one request (G40). */
export const FIELD_CHANGES_MAX = 20;
/** Ids in the query of one request. */
export const NAMED_IN_QUERY_MAX = 100;
/** The value of `viewAs` for a caller without an access token (A7). */
export const ANONYMOUS = "anonymous";
/** The orders of the grid. A minus puts the latest first. */
export const RECORD_ORDERS = ["-created", "created", "-updated", "updated"] as const;
export type RecordOrder = (typeof RECORD_ORDERS)[number];

export const EXPORT_FORMATS = ["json", "ndjson", "csv"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
/** The separators of exported CSV. Excel uses the list separator of its locale: a semicolon where the comma is the decimal sign. */
export const CSV_DELIMITERS = ["comma", "semicolon", "tab"] as const;
export type CsvDelimiter = (typeof CSV_DELIMITERS)[number];
/** The size of an import's file, which is kept on disk while it is read. */
export const IMPORT_BYTES_MAX = 64 * 1024 * 1024;
/** The size of its records as JSON. The header of a table is repeated in each record. */
export const IMPORT_DATA_BYTES_MAX = 256 * 1024 * 1024;
export const IMPORT_RECORDS_MAX = 100_000;
/** Concurrent imports of one account. */
export const IMPORTS_PER_ACCOUNT_MAX = 2;
/** The default CSV encoding of Excel in Western countries, which calls it ANSI. */
export const ANSI_CHARSET = "windows-1252";
/** The encodings in the import dialog. The server supports more. */
export const IMPORT_CHARSETS = [
  "utf-8",
  "utf-16le",
  "utf-16be",
  ANSI_CHARSET,
  "windows-1250",
  "windows-1251",
  "windows-1253",
  "windows-1254",
  "windows-1255",
  "windows-1256",
  "windows-1257",
  "windows-1258",
  "macintosh",
  "shift_jis",
  "gb18030",
  "big5",
  "euc-kr",
] as const;
