/** Parses the settings of the deployment's own mail server. */

/** The mail server of projects without one of their own, and of the server's own mails. */
export interface SmtpConfig {
  host: string;
  port: number;
  /** True: TLS from the start (`smtps:`). */
  secure: boolean;
  user: string | null;
  password: string | null;
  /** An address, or a name and an address in angle brackets. */
  from: string;
}

export interface SmtpLimits {
  /** Recipients a minute through the deployment's mail server: of all projects, and of one account. 0 means no limit. */
  smtpRates: { total: number; perAccount: number };
  /** The ports that mail servers of projects may have. */
  smtpPorts: readonly number[] | "any";
}

const ADDRESS = /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{1,63}$/i;
const NAMED = /^([^<>"\\\p{Cc}]{1,100}) <([^<>]+)>$/u;
const PORTS = { "smtp:": 587, "smtps:": 465 } as const;

/** A sentence that describes valid values. Undefined: the value is valid. Never quotes the value, which can contain a password. */
export function smtpUrlProblem(value: string): string | undefined {
  return parseUrl(value)
    ? undefined
    : "Use smtps://user:password@host:465, or smtp:// for STARTTLS, with special characters in the password percent-encoded.";
}

export function smtpFromProblem(value: string): string | undefined {
  const named = NAMED.exec(value);
  return ADDRESS.test(named?.[2] ?? value) ? undefined : "Use an address like noreply@example.com, or Example <noreply@example.com>.";
}

/** Both settings are valid, or absent. */
export function toSmtpConfig(url: string | undefined, from: string | undefined): { smtp?: SmtpConfig } {
  const parsed = url === undefined ? undefined : parseUrl(url);
  return parsed && from !== undefined ? { smtp: { ...parsed, from } } : {};
}

function parseUrl(value: string): Omit<SmtpConfig, "from"> | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || (url.protocol !== "smtp:" && url.protocol !== "smtps:")) return undefined;
  // Parameters would be options of the transport, which are not supported.
  if (url.hostname === "" || url.search !== "" || url.hash !== "" || !/^\/?$/.test(url.pathname)) return undefined;
  if ((url.username === "") !== (url.password === "")) return undefined;
  try {
    return {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port === "" ? PORTS[url.protocol] : Number(url.port),
      secure: url.protocol === "smtps:",
      user: url.username === "" ? null : decodeURIComponent(url.username),
      password: url.password === "" ? null : decodeURIComponent(url.password),
    };
  } catch {
    return undefined;
  }
}

/** The ports on which mail servers accept mails: SMTP, SMTP over TLS, submission, and what providers offer where those are blocked. */
const PROJECT_PORTS: readonly number[] = [25, 465, 587, 2525];

export function smtpPortsProblem(value: string): string | undefined {
  return value.trim() === "any" || parsePorts(value)
    ? undefined
    : "List ports from 1 to 65535, separated by commas, like 25,465,587,2525; or any.";
}

/** The value is valid, or absent. */
export function toSmtpPorts(value: string | undefined): readonly number[] | "any" {
  if (value?.trim() === "any") return "any";
  return (value === undefined ? undefined : parsePorts(value)) ?? PROJECT_PORTS;
}

function parsePorts(value: string): number[] | undefined {
  const ports = value.split(/[\s,]+/).filter((item) => item !== "");
  const isValid = ports.every((port) => /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535);
  return isValid && ports.length > 0 ? ports.map(Number) : undefined;
}
