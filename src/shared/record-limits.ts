/** What one request of the grid, an import or an export may ask for. Apart from the schemas, so that pages need not load those. Isomorphic. */

/** Records of a page of the grid, and those that one request may name. */
export const GRID_LIMIT_MAX = 500;
export const NAMED_RECORDS_MAX = 1000;
/** Ids in the query of one request. */
export const NAMED_IN_QUERY_MAX = 100;
/** The grid's orders; a minus puts the latest first. */
export const RECORD_ORDERS = ["-created", "created", "-updated", "updated"] as const;
export type RecordOrder = (typeof RECORD_ORDERS)[number];

export const EXPORT_FORMATS = ["json", "ndjson", "csv"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
/** What separates the cells of exported CSV. Excel splits at the list separator of its country: a semicolon where the comma is the decimal sign. */
export const CSV_DELIMITERS = ["comma", "semicolon", "tab"] as const;
export type CsvDelimiter = (typeof CSV_DELIMITERS)[number];
/** An import's file. It is kept on disk while it is read. */
export const IMPORT_BYTES_MAX = 64 * 1024 * 1024;
/** Its records, as JSON: the header of a table is repeated in each of them. */
export const IMPORT_DATA_BYTES_MAX = 256 * 1024 * 1024;
export const IMPORT_RECORDS_MAX = 100_000;
/** Of one account at once. */
export const IMPORTS_PER_ACCOUNT_MAX = 2;
/** Excel's ordinary CSV in Western countries, which it calls ANSI. */
export const ANSI_CHARSET = "windows-1252";
/** Encodings that the import dialog offers. The server knows more. */
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
