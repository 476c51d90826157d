/** Parses the body of a POST to an e-mail endpoint (M6). */
import * as z from "zod/mini";
import { headerProblem, parseAddress, SUBJECT_LENGTH_MAX } from "@/src/core/mail/addresses";
import { ATTACHMENT_BYTES_MAX } from "@/src/core/mail/attachments";
import type { MailAddress } from "@/src/core/mail/ports";
import { AppError } from "@/src/shared/errors";
import { checkBody } from "@/src/shared/field-problems";

/** Recipients of one mail: `to`, `cc` and `bcc` together. */
export const RECIPIENTS_MAX = 50;
export const ATTACHMENTS_MAX = 20;
const FILE_NAME_LENGTH_MAX = 200;
const ADDRESS = "Use an e-mail address, like name@example.com, or a list of addresses.";

export interface EmailBody {
  from: MailAddress | undefined;
  to: MailAddress[];
  cc: MailAddress[];
  bcc: MailAddress[];
  replyTo: MailAddress[];
  subject: string;
  text: string | undefined;
  html: string | undefined;
  attachments: EmailAttachment[];
}

/** Bytes as base64, or the uniqueId of a record with a file. */
export type EmailAttachment =
  | { filename: string; contentType: string; base64: string }
  | { uniqueId: string; filename: string | undefined };

const string = (message: string) => z.string(message);
const addresses = z.union([string(ADDRESS), z.array(string(ADDRESS), ADDRESS)], ADDRESS);
const body = (field: string) =>
  z.optional(
    string("Use a string.").check(
      z.minLength(1, `Enter ${field}, or leave it out.`),
      // A mail has characters, and no unpaired surrogates and NUL.
      z.refine((value) => !/[\p{Cs}\0]/u.test(value), "Remove NUL characters and unpaired surrogates."),
    ),
  );
const BASE64 = "Use base64, without line breaks.";
const attachment = z.strictObject({
  filename: z.optional(
    string("Use a file name.").check(
      z.minLength(1, "Use a file name."),
      z.refine(
        (value) => headerProblem(value, FILE_NAME_LENGTH_MAX) === undefined && !/[/\\]/.test(value),
        "Use a file name without path and control characters.",
      ),
    ),
  ),
  contentType: z.optional(
    string("Use a media type.").check(
      z.regex(/^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}$/i, "Use a media type, like text/plain."),
    ),
  ),
  content: z.optional(string(BASE64).check(z.refine(isBase64, BASE64))),
  uniqueId: z.optional(string("Use a uniqueId.").check(z.regex(/^[0-9a-f]{32}$/, "Use 32 lowercase hex digits."))),
});

const schema = z.strictObject({
  from: z.optional(string("Use an e-mail address.")),
  to: addresses,
  cc: z.optional(addresses),
  bcc: z.optional(addresses),
  replyTo: z.optional(addresses),
  subject: string("Enter a subject."),
  text: body("a text"),
  html: body("HTML"),
  attachments: z.optional(
    z.array(attachment, "Use a list of attachments.").check(z.maxLength(ATTACHMENTS_MAX, `Attach ${ATTACHMENTS_MAX} files at most.`)),
  ),
});

/** Throws `fields_invalid` with every field that is wrong, unknown ones included. */
export function parseEmailBody(data: string): EmailBody {
  const checked = checkBody(schema, JSON.parse(data));
  if (!checked.ok) throw toError(checked.fields);
  const { subject, text, html, attachments = [], ...sent } = checked.value;
  const fields: Record<string, string> = {};
  const parse = (field: string, value: string | readonly string[] | undefined): MailAddress[] => {
    const list = value === undefined ? [] : typeof value === "string" ? [value] : value;
    return list.flatMap((one, index) => {
      const parsed = parseAddress(one);
      if (!parsed) fields[typeof value === "string" ? field : `${field}.${index}`] = ADDRESS;
      return parsed ?? [];
    });
  };
  const lists = {
    to: parse("to", sent.to),
    cc: parse("cc", sent.cc),
    bcc: parse("bcc", sent.bcc),
    replyTo: parse("replyTo", sent.replyTo),
  };
  const from = sent.from === undefined ? undefined : parseAddress(sent.from);
  if (sent.from !== undefined && !from) fields.from = "Use an e-mail address, like name@example.com.";
  if (Array.isArray(sent.to) && sent.to.length === 0) fields.to = "Name at least one recipient.";
  if (lists.to.length + lists.cc.length + lists.bcc.length > RECIPIENTS_MAX) fields.to = `Use ${RECIPIENTS_MAX} recipients at most.`;
  if (lists.replyTo.length > 1) fields.replyTo = "Use one address.";
  const subjectProblem = subject.trim() === "" ? "Enter a subject." : headerProblem(subject, SUBJECT_LENGTH_MAX);
  if (subjectProblem !== undefined) fields.subject = subjectProblem;
  if (text === undefined && html === undefined) fields.text = "Send text, html, or both.";
  const parsed = attachments.map((one, index) => toAttachment(one, `attachments.${index}`, fields));
  const bytes = parsed.reduce((sum, one) => sum + (one && "base64" in one ? toBytes(one.base64) : 0), 0);
  if (bytes > ATTACHMENT_BYTES_MAX) fields.attachments = `Attach ${ATTACHMENT_BYTES_MAX} bytes at most.`;
  if (Object.keys(fields).length > 0) throw toError(fields);
  return { from, ...lists, subject, text, html, attachments: parsed.filter((one) => one !== undefined) };
}

function toAttachment(
  { filename, contentType, content, uniqueId }: z.infer<typeof attachment>,
  field: string,
  fields: Record<string, string>,
): EmailAttachment | undefined {
  if ((content === undefined) === (uniqueId === undefined)) fields[field] = "Send content (base64), or the uniqueId of a file.";
  else if (content !== undefined && filename === undefined) fields[`${field}.filename`] = "This field is required.";
  else if (uniqueId !== undefined && contentType !== undefined)
    fields[`${field}.contentType`] = "A stored file has its own type. Leave this out.";
  else if (content !== undefined && filename !== undefined)
    return { filename, contentType: contentType ?? "application/octet-stream", base64: content };
  else if (uniqueId !== undefined) return { uniqueId, filename };
  return undefined;
}

/** The number of bytes of a base64 text. */
export function toBytes(base64: string): number {
  return Math.floor((base64.replace(/=+$/, "").length * 3) / 4);
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

function toError(fields: Readonly<Record<string, string>>): AppError {
  const named = Object.entries(fields).map(([field, message]) => `${field}: ${message}`);
  return new AppError("fields_invalid", { detail: `Some fields are not valid. ${named.slice(0, 5).join(" ")}`, fields });
}
