/** The response headers of a file. They prevent browsers from executing uploaded content (F2). */
import contentDisposition from "content-disposition";
import type { OpenFile } from "@/src/core/files/files";
import { toEssence } from "@/src/core/http/media-type";

/**
 * Types that browsers display without executing anything. All others (HTML, SVG, XML, PDF, scripts) are downloaded, never displayed in our origin.
 */
const SHOWN = /^(?:image\/(?:png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)|audio\/[a-z0-9.+-]+|video\/[a-z0-9.+-]+|text\/plain)$/;

/** Combining marks, such as the accent of a decomposed "é". */
const MARKS = /\p{M}/gu;
const UNSAFE = /[^\x20-\x7e]|["\\%]/gu;

/** If a browser displays the file anyway, it runs without scripts, forms, or our origin (CSP level 3, sandbox). */
const POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'";

/** `Cache-Control` of a file that browsers can keep, but must revalidate before each use (RFC 9111, section 5.2.2.4). */
export const REVALIDATE = "private, no-cache, no-transform";

/** The headers of a response with the file or a part of it. */
export function toFileHeaders({ name, type, sha256 }: Pick<OpenFile, "name" | "type" | "sha256">): Record<string, string> {
  return {
    "Content-Type": type.startsWith("text/") && !type.includes(";") ? `${type}; charset=utf-8` : type,
    "Content-Disposition": toDisposition(name, SHOWN.test(toEssence(type)) ? "inline" : "attachment"),
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Accept-Ranges": "bytes",
    ETag: `"${sha256}"`,
  };
}

/**
 * Content-Disposition by RFC 6266. Clients disagree about non-ASCII bytes, escaped quotes and percent signs in `filename` (appendix D). So `filename`
 * has an approximation without them, and `filename*` has the exact name.
 */
function toDisposition(name: string, type: "inline" | "attachment"): string {
  const fallback = name.normalize("NFKD").replace(MARKS, "").replace(UNSAFE, "_");
  return contentDisposition(name, { type, fallback });
}
