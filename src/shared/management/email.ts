/** The e-mail configuration of a project (M8), as the management API and the dashboard exchange it. */
import * as z from "zod/mini";
import { schemaKeywords } from "./schema-keywords";

export const EMAIL_RATE_DEFAULT = 60;
export const EMAIL_RATE_MAX = 10_000;
export const EMAIL_LIST_MAX = 200;

const text = () => z.string("Use a string.");
const flag = () => z.boolean("Use true or false.");
const HOST = "Use a host name, like smtp.example.com, or an IP address.";
const PORT = "Use a port, from 1 to 65535.";
const RATE = `Use a whole number of recipients a minute, from 1 to ${EMAIL_RATE_MAX}.`;
const RECIPIENTS = "Use self, any, or a list of addresses and domains.";
const NO_CONTROL = /^[^\p{Cc}\p{Cs}]*$/u;

const host = text().check(z.trim(), z.maxLength(253, HOST), z.regex(/^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[?[0-9a-f:.]+\]?)$/i, HOST));
const line = (lengthMax: number) =>
  text().check(
    z.minLength(1, "Enter a value, or null."),
    z.maxLength(lengthMax, `Use ${lengthMax} characters at most.`),
    z.regex(NO_CONTROL, "Remove control characters."),
  );
/** Checked where addresses are parsed. */
const entries = z
  .array(
    text().check(z.trim(), z.minLength(1, "Enter an address or a domain."), z.maxLength(254, "Use 254 characters at most.")),
    RECIPIENTS,
  )
  .check(z.maxLength(EMAIL_LIST_MAX, `List ${EMAIL_LIST_MAX} entries at most.`));

/** Without the alternatives, which code generators cannot handle. */
const recipients = z.union([z.enum(["self", "any"]), entries], RECIPIENTS).register(schemaKeywords, {
  anyOf: undefined,
  description: "`self`: the signed-in user. `any`: everybody, for requests with the master key. Or a list of addresses and domains.",
});

/** PUT projects/{id}/email. Only these fields: options of the mail library could read files and run programs. */
export const emailConfigurationSchema = z.strictObject({
  host,
  port: z.int(PORT).check(z.gte(1, PORT), z.lte(65_535, PORT)),
  /** True: TLS from the start. False: STARTTLS. */
  secure: flag(),
  user: z.optional(z.nullable(line(320))),
  /** Absent: the stored one is kept if host, port, security and user are the same. */
  password: z.optional(z.nullable(line(1_000))),
  from: text().check(z.trim(), z.minLength(1, "Enter the sender's address."), z.maxLength(400, "Use 400 characters at most.")),
  /** Default: self. */
  recipients: z.optional(recipients),
  /** Other addresses and domains that requests may name as `from`. Default: none. */
  senders: z.optional(entries),
  /** Recipients a minute of all e-mail endpoints of the project. Default: 60. */
  rate: z.optional(z.int(RATE).check(z.gte(1, RATE), z.lte(EMAIL_RATE_MAX, RATE))),
});

/** `source`: `project` has a configuration of its own, `server` uses that of the deployment, whose mail server is not shown, and `none` cannot send. */
export const emailSettingsSchema = z.object({
  source: z.enum(["project", "server", "none"]),
  host: z.nullable(z.string()),
  port: z.nullable(z.int()),
  secure: z.nullable(z.boolean()),
  user: z.nullable(z.string()),
  hasPassword: z.boolean(),
  from: z.nullable(z.string()),
  recipients,
  senders: z.array(z.string()),
  rate: z.int(),
  /** Why no mails can be sent with the configuration, and what to do. Null: nothing is known. */
  problem: z.nullable(z.string()),
});

/** POST projects/{id}/email/test. */
export const emailTestSchema = z.strictObject({ to: text().check(z.trim(), z.maxLength(400, "Use 400 characters at most.")) });
/** `response`: the reply of the mail server, or why there is none. */
export const emailTestedSchema = z.object({ accepted: z.boolean(), response: z.string() });

export type EmailConfiguration = z.infer<typeof emailConfigurationSchema>;
export type EmailSettings = z.infer<typeof emailSettingsSchema>;
export type EmailTested = z.infer<typeof emailTestedSchema>;
