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
