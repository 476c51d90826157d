/**
 * Texts about what a mail server did. A project chooses the host, so only replies of SMTP are shown: otherwise the server would read for anybody what other
 * services send.
 */

/** A line of a reply (RFC 5321, section 4.2). */
const LINE = /^([2-5]\d\d)(?:[ -](.*))?$/;
const TEXT_LENGTH_MAX = 150;

/** The code and the text of a reply, in one short line of printable ASCII. Undefined: this is not a reply of SMTP. */
export function toReply(response: string): string | undefined {
  const lines = response
    .trim()
    .split(/\r?\n/)
    .map((line) => LINE.exec(line));
  const code = lines[0]?.[1];
  if (code === undefined || lines.some((line) => line?.[1] !== code)) return undefined;
  const text = lines.map((line) => line?.[2] ?? "").join(" ");
  return `${code} ${text}`
    .replace(/[^\x21-\x7e]+/g, " ")
    .trim()
    .slice(0, TEXT_LENGTH_MAX);
}

/** Sentences in place of the messages of errors, which can contain addresses, names in certificates, and what a server sent. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/self[- ]signed/i, "Its certificate is self-signed."],
  [/altnames?|does not match/i, "Its certificate is for another host."],
  [/expired/i, "Its certificate has expired."],
  [/unable to (verify|get)|UNABLE_TO/i, "Its certificate cannot be verified."],
  [/wrong version number|unknown protocol|packet length/i, "It does not use TLS from the start. Turn that off, or use another port."],
  [/STARTTLS/i, "It does not offer STARTTLS."],
  [/ECONNRESET|EPIPE|closed unexpectedly|Connection closed/i, "It closed the connection."],
];

/** Why a connection failed. An empty text: the reason is unknown. */
export function toReason(error: { message: string; originalCode?: string | undefined }): string {
  const text = `${error.originalCode ?? ""} ${error.message}`;
  return REASONS.find(([pattern]) => pattern.test(text))?.[1] ?? "";
}
