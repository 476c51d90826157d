/** The parts of a request that its log shows: its address without secrets, and its client's network. */

const PATH_LENGTH_MAX = 500;
/** Longer queries are cut before they are split. */
const URL_LENGTH_MAX = 4_000;
/** A longer name, or part without a name, may be a secret itself: base64 can end with "=". */
const NAME_LENGTH_MAX = 20;
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** The parameters whose values are shown. Keys are shown by name; tokens, tickets, passwords and unknown parameters are not shown. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...["uniqueId", "limit", "cursor", "skip", "order", "sort", "dataOnly", "bulk", "strategy", "stream", "fileOnly", "jsonata"],
  ...["since", "snapshot", "lastEventId", "maxMessage", "login", "logout", "noATCookie", "forgot", "reset", "verify", "link", "code"],
]);
/** These name an operation if they are flags, and are secrets otherwise. */
const FLAGS: ReadonlySet<string> = new Set(["login", "logout", "forgot", "reset", "verify", "link", "code", "fileToken"]);
const FLAG = /^(?:true|false)?$/;

/**
 * The path and the query of a request target as they were sent, at most 500 characters. Values of parameters that may be secret are replaced by `…`; a name with
 * escapes is no known one.
 */
export function toShownPath(url: string): string {
  const questionMark = url.indexOf("?");
  if (questionMark < 0) return toPlainText(url, PATH_LENGTH_MAX);
  const parts = url.slice(questionMark + 1, URL_LENGTH_MAX).split("&");
  return toPlainText(`${url.slice(0, questionMark)}?${parts.map(hideSecret).join("&")}`, PATH_LENGTH_MAX);
}

function hideSecret(part: string): string {
  const equals = part.indexOf("=");
  if (equals < 0) return part.length > NAME_LENGTH_MAX ? "…" : part;
  const name = part.slice(0, equals);
  const isShown = FLAGS.has(name) ? FLAG.test(part.slice(equals + 1)) : HARMLESS.has(name);
  return isShown ? part : `${name.length > NAME_LENGTH_MAX ? "…" : name}=…`;
}

/** Text as PostgreSQL can store it, cut to `length`. */
export function toPlainText(text: string, length: number): string {
  return text.slice(0, length).replaceAll("\0", "\uFFFD").replace(LONE_SURROGATE, "\uFFFD");
}

/** An address without its last part: `203.0.113.0/24`, or `2001:db8:1::/48`. It tells clients apart without naming a person's device. */
export function shortenAddress(address: string): string {
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
  if (!plain.includes(":")) return /^\d+\.\d+\.\d+\.\d+$/.test(plain) ? `${plain.slice(0, plain.lastIndexOf("."))}.0/24` : "unknown";
  const [head = ""] = plain.split("::");
  const groups = head === "" ? [] : head.split(":").slice(0, 3);
  return `${groups.join(":")}::/48`;
}
