/** The default e-mails to users (L12), which the dashboard shows before they are saved. */
import type { EmailContent, UserEmailKind } from "./user-emails";

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
    ? `<p><a href="{{link}}">${action}</a></p>\n<p style="word-break: break-all">{{link}}</p>`
    : `<p style="font-size: 20px"><code>{{code}}</code></p>`;
  return {
    subject,
    text: `${intro}\n\n${ask}\n\n${isLink ? "{{link}}" : "{{code}}"}\n\n${outro}\n`,
    html: `<p>${intro}</p>\n<p>${ask}</p>\n${secret}\n<p>${outro}</p>\n`,
  };
}
