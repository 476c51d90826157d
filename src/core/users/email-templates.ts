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

/** The paragraphs of a default e-mail. `action`: the text of the link. */
interface Wording {
  subject: string;
  intro: string;
  withLink: string;
  withCode: string;
  action: string;
  outro: string;
}

const HOUR = "It works once, and for one hour.";
const WORDING: Readonly<Record<UserEmailKind, Wording>> = {
  reset: {
    subject: "Set a new password for {{project}}",
    intro: "Somebody, probably you, asked for a new password for {{project}}.",
    withLink: `Open this link to choose one. ${HOUR}`,
    withCode: `Enter this code to choose one. ${HOUR}`,
    action: "Choose a new password",
    outro: "If you did not ask for it, ignore this e-mail. Your password stays as it is.",
  },
  verify: {
    subject: "Confirm your e-mail address for {{project}}",
    intro: "This address was entered at {{project}}.",
    withLink: `Open this link to confirm that it is yours. ${HOUR}`,
    withCode: `Enter this code to confirm that it is yours. ${HOUR}`,
    action: "Confirm this address",
    outro: "If it was not you, ignore this e-mail.",
  },
  link: {
    subject: "Log in to {{project}}",
    intro: "Somebody, probably you, wants to log in to {{project}} with this address.",
    withLink: `Open this link to log in. ${HOUR}`,
    withCode: `Enter this code to log in. ${HOUR}`,
    action: "Log in",
    outro: "If it was not you, ignore this e-mail. Do not pass it on: it logs its reader in as you.",
  },
  code: {
    subject: "Your login code for {{project}}",
    intro: "Somebody, probably you, wants to log in to {{project}} with this address.",
    withLink: "",
    withCode: "Enter this code to log in. It works once, and for ten minutes.",
    action: "",
    outro: "If it was not you, ignore this e-mail. Do not tell anybody the code.",
  },
};

/** The default template of a kind. `hasLink`: the endpoint has a base for links. */
export function toDefaultTemplate(kind: UserEmailKind, hasLink: boolean): EmailContent {
  const { subject, intro, withLink, withCode, action, outro } = WORDING[kind];
  const isLink = hasLink && kind !== "code";
  const ask = isLink ? withLink : withCode;
  const secret = isLink
    ? `<p><a href="{{link}}">${action}</a></p>\n<p>{{link}}</p>`
    : `<p style="font-size: 20px"><code>{{code}}</code></p>`;
  return {
    subject,
    text: `${intro}\n\n${ask}\n\n${isLink ? "{{link}}" : "{{code}}"}\n\n${outro}\n`,
    html: `<p>${intro}</p>\n<p>${ask}</p>\n${secret}\n<p>${outro}</p>\n`,
  };
}

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
