/** Renders the e-mails to users (L12): the owner's template or the default one, with its variables. */
import {
  type EmailContent,
  SUBJECT_LENGTH_MAX,
  TEMPLATE_VARIABLES,
  type TemplateVariable,
  toLinkOrigin,
  UNSAFE_IN_HEADER,
  type UserEmailKind,
  VARIABLE,
} from "@/src/shared/management/user-emails";

export type EmailValues = Readonly<Record<TemplateVariable, string>>;

/** The e-mail of a template. Values are escaped in `html`, and values in values are not replaced. */
export function renderEmail(template: EmailContent, values: EmailValues): EmailContent {
  return {
    // A line break would end the header.
    subject: fill(template.subject, values, (value) => value.replace(UNSAFE_IN_HEADER, " ")).slice(0, 2 * SUBJECT_LENGTH_MAX),
    text: fill(template.text, values, (value) => value),
    html: template.html === null ? null : fill(template.html, values, escapeHtml),
  };
}

function fill(text: string, values: EmailValues, toShown: (value: string) => string): string {
  return text.replace(VARIABLE, (variable, name: string) => (isVariable(name) ? toShown(values[name]) : variable));
}

function isVariable(name: string): name is TemplateVariable {
  return TEMPLATE_VARIABLES.some((known) => known === name);
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** The values of an e-mail. Without a base, the token itself takes the place of the link. */
export function toEmailValues({
  kind,
  secret,
  project,
  linkBase,
}: {
  kind: UserEmailKind;
  /** The token or the code. */
  secret: string;
  project: string;
  linkBase: string | null;
}): EmailValues {
  return { link: linkBase === null || kind === "code" ? secret : toLink(linkBase, kind, secret), code: secret, project };
}

/** The base with the token in the parameter that is named like the operation that takes it: `?reset=…`. */
function toLink(base: string, kind: UserEmailKind, token: string): string {
  const url = new URL(base);
  url.searchParams.set(kind, token);
  return url.href;
}

/** The base for links, if the project still lists its origin. Otherwise null: a link must not lead to a site that left the project. */
export function toListedBase(linkBase: string | null, allowedOrigins: readonly string[]): string | null {
  return linkBase !== null && allowedOrigins.some((origin) => origin.toLowerCase() === toLinkOrigin(linkBase)) ? linkBase : null;
}
