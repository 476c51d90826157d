/** The e-mails of an authentication endpoint to its users (L8–L13, G25): settings, templates and their limits, for requests and responses. */
import * as z from "zod/mini";
import { checkBody } from "../field-problems";
import { schemaKeywords } from "./schema-keywords";

/** `reset`: a new password. `verify`: the user receives e-mail at the address. `link`, `code`: a login without a password. */
export const USER_EMAIL_KINDS = ["reset", "verify", "link", "code"] as const;
export type UserEmailKind = (typeof USER_EMAIL_KINDS)[number];

/** The variables of a template. */
export const TEMPLATE_VARIABLES = ["link", "code", "project"] as const;
export type TemplateVariable = (typeof TEMPLATE_VARIABLES)[number];
/** Finds every variable, known or not. */
export const VARIABLE = /\{\{\s*([^{}]*?)\s*\}\}/g;

export const LINK_BASE_LENGTH_MAX = 500;
export const SUBJECT_LENGTH_MAX = 200;
export const EMAIL_TEXT_LENGTH_MAX = 10_000;
export const EMAIL_HTML_LENGTH_MAX = 50_000;

export interface UserEmailSettings {
  /** The page that links in e-mails open. Its origin is one that the project lists. Null: e-mails contain the token instead of a link. */
  linkBase: string | null;
  /** New addresses receive an e-mail by which they are verified. */
  verifyEmails: boolean;
  /** Users can log in only after their address was verified. */
  requireVerified: boolean;
  /** Users can log in with a link that they receive by e-mail. */
  loginLinks: boolean;
  /** The same with a code of six digits. */
  loginCodes: boolean;
}

export const DEFAULT_USER_EMAILS: Readonly<UserEmailSettings> = {
  linkBase: null,
  verifyEmails: false,
  requireVerified: false,
  loginLinks: false,
  loginCodes: false,
};

/** The settings as they are stored. Undefined: none are, and the defaults apply. Throws if they have another form. */
export function toUserEmailSettings(stored: unknown): UserEmailSettings | undefined {
  return stored === null || stored === undefined ? undefined : z.parse(settingsSchema, stored);
}

/** An e-mail, or the template of one. `html`: null if it has only a text. */
export interface EmailContent {
  subject: string;
  text: string;
  html: string | null;
}

/** Line breaks of every kind, other controls, invisible formatting, and unpaired surrogates. */
const CONTROL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u;
/** Finds each of them. */
export const UNSAFE_IN_HEADER = new RegExp(CONTROL.source, "gu");
const CONTROL_BUT_LINES = /(?![\n\r\t])[\p{Cc}\p{Cs}]/u;

const flag = () => z.boolean("Use true or false.");
const checked = (problemOf: (value: string) => string | undefined, keywords: Record<string, unknown>) =>
  z
    .string("Use a string.")
    .check(
      z.check<string>((context) => {
        const message = problemOf(context.value);
        if (message !== undefined) context.issues.push({ code: "custom", message, input: context.value });
      }),
    )
    .register(schemaKeywords, keywords);

const linkBase = checked(linkBaseProblem, { minLength: 1, maxLength: LINK_BASE_LENGTH_MAX, description: "An absolute URL." });

/** The problem of a link's base, but for its origin, which depends on the project. */
export function linkBaseProblem(value: string): string | undefined {
  if (value.length > LINK_BASE_LENGTH_MAX) return `Use ${LINK_BASE_LENGTH_MAX} characters at most.`;
  if (CONTROL.test(value) || /\s/.test(value) || !URL.canParse(value)) return "Use an absolute URL, like https://example.com/account.";
  const url = new URL(value);
  if (url.username || url.password) return "Remove the user name and password.";
  return url.host === "" ? "Use an absolute URL with a host, like https://example.com/account." : undefined;
}

/** The origin of a link's base, as projects list origins. Also for schemes of apps, whose `URL.origin` is "null". */
export function toLinkOrigin(base: string): string {
  const { protocol, host } = new URL(base);
  return `${protocol}//${host.toLowerCase()}`;
}

function templateOf(kind: UserEmailKind) {
  const part = (lengthMax: number, { isLine = false, needsSecret = false } = {}) =>
    checked(
      (value) => {
        if (value.trim() === "") return "Enter a text.";
        if (value.length > lengthMax) return `Use ${lengthMax} characters at most.`;
        if (isLine && CONTROL.test(value)) return "Remove control characters and line breaks.";
        if (CONTROL_BUT_LINES.test(value)) return "Remove control characters.";
        return variableProblem(kind, value, needsSecret);
      },
      { minLength: 1, maxLength: lengthMax },
    );
  return z.strictObject({
    subject: part(SUBJECT_LENGTH_MAX, { isLine: true }),
    text: part(EMAIL_TEXT_LENGTH_MAX, { needsSecret: true }),
    /** Null: the e-mail has only a text. Variables are escaped. */
    html: z.nullable(part(EMAIL_HTML_LENGTH_MAX, { needsSecret: true })),
  });
}

function variableProblem(kind: UserEmailKind, value: string, needsSecret: boolean): string | undefined {
  const names = [...value.matchAll(VARIABLE)].map(([, name = ""]) => name);
  const known: readonly string[] = kind === "code" ? ["code", "project"] : TEMPLATE_VARIABLES;
  const unknown = names.find((name) => !known.includes(name));
  const list = known.map((name) => `{{${name}}}`).join(", ");
  if (unknown !== undefined) return `{{${unknown.slice(0, 40)}}} is not a variable of this e-mail. Use ${list}.`;
  if (!needsSecret || names.some((name) => name !== "project")) return undefined;
  return kind === "code" ? "Insert {{code}}." : "Insert {{link}} or {{code}}.";
}

const templates = {
  reset: templateOf("reset"),
  verify: templateOf("verify"),
  link: templateOf("link"),
  code: templateOf("code"),
};

/** PATCH endpoints/{id}/user-emails. Absent fields and templates stay unchanged. A template that is null is the default one. */
export const userEmailsPatchSchema = z.strictObject({
  linkBase: z.optional(z.nullable(linkBase)),
  verifyEmails: z.optional(flag()),
  requireVerified: z.optional(flag()),
  loginLinks: z.optional(flag()),
  loginCodes: z.optional(flag()),
  templates: z.optional(
    z.strictObject({
      reset: z.optional(z.nullable(templates.reset)),
      verify: z.optional(z.nullable(templates.verify)),
      link: z.optional(z.nullable(templates.link)),
      code: z.optional(z.nullable(templates.code)),
    }),
  ),
});

const KIND = `Use one of: ${USER_EMAIL_KINDS.join(", ")}.`;
/** POST endpoints/{id}/user-emails/preview. `template`: absent for the stored one, null for the default one. It is checked as PATCH does. */
export const userEmailPreviewSchema = z.strictObject({
  kind: z.enum(USER_EMAIL_KINDS, KIND),
  template: z.optional(
    z.nullable(
      z.strictObject({ subject: z.string("Use a string."), text: z.string("Use a string."), html: z.nullable(z.string("Use a string.")) }),
    ),
  ),
  linkBase: z.optional(z.nullable(linkBase)),
});

const content = z.object({ subject: z.string(), text: z.string(), html: z.nullable(z.string()) });
/** An e-mail with example values. Nothing is sent. */
export const emailContentSchema = content;
const contents = z.object({ reset: content, verify: content, link: content, code: content });
const settingsSchema = z.object({
  linkBase: z.nullable(z.string()),
  verifyEmails: z.boolean(),
  requireVerified: z.boolean(),
  loginLinks: z.boolean(),
  loginCodes: z.boolean(),
});
export const userEmailsSchema = z.extend(settingsSchema, {
  /** The owner's own templates; null: the default one is used. */
  templates: z.object({ reset: z.nullable(content), verify: z.nullable(content), link: z.nullable(content), code: z.nullable(content) }),
  /** The default templates. They depend on `linkBase`. */
  defaults: contents,
  /** Whether the project, or else the server, has an e-mail configuration. Without one, nothing is sent. */
  canSend: z.boolean(),
});

export type UserEmailsPatch = z.output<typeof userEmailsPatchSchema>;
export type UserEmailPreview = z.output<typeof userEmailPreviewSchema>;
export type UserEmails = z.output<typeof userEmailsSchema>;

/** The fields with a problem of a template, by their names. Empty: there is none. */
export function findTemplateProblems(kind: UserEmailKind, template: EmailContent): Record<string, string> {
  const result = checkBody(templates[kind], template);
  return result.ok ? {} : Object.fromEntries(Object.entries(result.fields).map(([field, message]) => [`template.${field}`, message]));
}
