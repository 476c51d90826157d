/** Parses mail addresses and header texts by a narrow grammar, so that nothing that passes can mean something else to a mail server (M5). */
import { domainToASCII } from "node:url";
import type { MailAddress } from "@/src/core/mail/ports";

const ADDRESS_LENGTH_MAX = 254;
const LOCAL_LENGTH_MAX = 64;
const NAME_LENGTH_MAX = 100;
export const SUBJECT_LENGTH_MAX = 500;

/** RFC 5322 dot-atom in ASCII: no quotes, comments or white space, which parsers read differently. */
const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i;
/** Labels of a host name. At least two: mails to a single label, such as `localhost`, would stay on the mail server. */
const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** The characters of a domain before its conversion to ASCII. Everything else could end it or change it. */
const DOMAIN_AS_SENT = /^[\p{L}\p{M}\p{N}.-]+$/u;
/** Line breaks of every kind, other controls, invisible formatting, and unpaired surrogates. */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u;
/** An encoded-word (RFC 2047), which a mail program would decode to any characters. */
const ENCODED_WORD = /=\?[^?\s]*\?[bq]\?/i;

/** Why a text cannot be in a header. Undefined: it can. */
export function headerProblem(text: string, lengthMax: number): string | undefined {
  if (text.length > lengthMax) return `Use ${lengthMax} characters at most.`;
  if (UNSAFE.test(text)) return "Remove line breaks, control characters and invisible characters.";
  return ENCODED_WORD.test(text) ? "Remove encoded-words (=?…?=). Send the characters themselves." : undefined;
}

/** Parses `ada@example.com`, `Ada <ada@example.com>` or `"Ada" <ada@example.com>`. Undefined: it is not exactly one address. */
export function parseAddress(text: string): MailAddress | undefined {
  const bracket = text.indexOf("<");
  if (bracket < 0) return toAddress(undefined, text.trim());
  const rest = text.slice(bracket + 1).trimEnd();
  if (!rest.endsWith(">")) return undefined;
  return toAddress(unquote(text.slice(0, bracket).trim()), rest.slice(0, -1));
}

/** Builds an address from its parts. Undefined: a part is not valid. */
export function toAddress(name: string | undefined, address: string): MailAddress | undefined {
  if (name !== undefined && headerProblem(name, NAME_LENGTH_MAX) !== undefined) return undefined;
  const at = address.lastIndexOf("@");
  const local = address.slice(0, at);
  const domain = toDomain(address.slice(at + 1));
  if (at < 1 || at > LOCAL_LENGTH_MAX || !LOCAL.test(local) || domain === undefined) return undefined;
  const ascii = `${local}@${domain}`;
  if (ascii.length > ADDRESS_LENGTH_MAX) return undefined;
  return name === undefined || name === "" ? { address: ascii } : { name, address: ascii };
}

/** A domain in ASCII and lower case. Undefined: it is not one. */
export function toDomain(text: string): string | undefined {
  if (!DOMAIN_AS_SENT.test(text)) return undefined;
  const ascii = domainToASCII(text);
  // domainToASCII reads numbers as IPv4 addresses.
  return DOMAIN.test(ascii) && !/\.\d+$/.test(ascii) ? ascii : undefined;
}

/** A name without its quotes. A quote within it makes it invalid. */
function unquote(name: string): string | undefined {
  const inner = name.startsWith('"') && name.endsWith('"') && name.length > 1 ? name.slice(1, -1) : name;
  return /["\\<>]/.test(inner) ? "\0" : inner;
}

/** Parses an entry of a list of addresses and domains: `ada@example.com` or `example.com`, in the form that {@link isListed} compares. */
export function parseListEntry(text: string): string | undefined {
  const entry = text.trim();
  return entry.includes("@") ? toAddress(undefined, entry)?.address.toLowerCase() : toDomain(entry);
}

/** True if the address, or exactly its domain, is in the list. Subdomains are other domains. */
export function isListed(list: readonly string[], { address }: MailAddress): boolean {
  const folded = address.toLowerCase();
  return list.includes(folded) || list.includes(folded.slice(folded.lastIndexOf("@") + 1));
}

/** An address as text. */
export function formatAddress({ name, address }: MailAddress): string {
  return name === undefined ? address : `"${name}" <${address}>`;
}
