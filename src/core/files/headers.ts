/** What describes a file in an answer, so that a browser never runs what somebody uploaded (F2). It must not know who asks, nor where bytes are kept. */
import contentDisposition from "content-disposition";
import type { OpenFile } from "@/src/core/files/files";
import { toEssence } from "@/src/core/http/media-type";

/** What browsers show without running any of it. Everything else (HTML, SVG, XML, PDF, scripts) is saved, never shown from our origin. */
const SHOWN = /^(?:image\/(?:png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)|audio\/[a-z0-9.+-]+|video\/[a-z0-9.+-]+|text\/plain)$/;

/** What is left of "é" beside the "e", once it is decomposed. */
const MARKS = /\p{M}/gu;
const UNSAFE = /[^\x20-\x7e]|["\\%]/gu;

/** Should a browser show it all the same: without scripts, forms, or our origin (CSP level 3, sandbox). */
const POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'";

/** The headers of an answer with the file, whatever part of it is sent. */
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
 * RFC 6266. Clients disagree about non-ASCII bytes, escaped quotes and percent signs in `filename` (appendix D), so that has an approximation
 * without them, and `filename*` has the name itself.
 */
function toDisposition(name: string, type: "inline" | "attachment"): string {
  const fallback = name.normalize("NFKD").replace(MARKS, "").replace(UNSAFE, "_");
  return contentDisposition(name, { type, fallback });
}
