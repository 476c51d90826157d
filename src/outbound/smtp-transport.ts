/** Sends mails over SMTP with nodemailer. Only the options that are named here reach it: others can read files and URLs, and run programs. */
import { once } from "node:events";
import net from "node:net";
import { createTransport } from "nodemailer";
import { MailError, type MailTransport, type Rejection, type RenderedMail, type SmtpServer } from "@/src/core/mail/ports";
import type { AddressPolicy } from "./address-policy";
import { HostRefusedError, resolveHost } from "./resolve-host";
import { toReason, toReply } from "./smtp-replies";

/** Time limits of the parts of an attempt. The caller's signal limits the whole. */
export interface SmtpTimes {
  connectMs: number;
  greetingMs: number;
  /** Without a byte from the server. Servers may check a message for minutes before they accept it. */
  idleMs: number;
}

export const SMTP_TIMES: SmtpTimes = { connectMs: 10_000, greetingMs: 20_000, idleMs: 60_000 };

const ADDRESSES_MAX = 8;
/** For the mail server that the administrator has configured. */
const ANY: AddressPolicy = { allows: () => true, hasExceptions: true };
const loopback = new net.BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");
const NO_SMTP = "It does not respond as a mail server (SMTP).";

/** Other ports belong to other services, which must not be asked on behalf of users. */
export type MailPorts = readonly number[] | "any";

export interface SmtpTransportOptions {
  /** The addresses that mail servers of projects may have. */
  policy: AddressPolicy;
  /** The ports that they may have. */
  ports: MailPorts;
  /** Certificate authorities as PEM. Default: those that Node.js trusts. */
  ca?: string | undefined;
  times?: SmtpTimes | undefined;
}

export function createSmtpTransport({ policy, ports, ca, times = SMTP_TIMES }: SmtpTransportOptions): MailTransport {
  return {
    async send(server, mail, { signal }) {
      signal.throwIfAborted();
      if (!server.isTrusted && ports !== "any" && !ports.includes(server.port)) throw createPortError(server.port);
      const socket = await connect(server, { policy: server.isTrusted ? ANY : policy, connectMs: times.connectMs, signal });
      try {
        return await sendOver(socket, server, mail, { ca, times, signal });
      } catch (error) {
        const rejected = readRejections(error);
        if (rejected.length > 0) return { response: rejected.map(({ reason }) => reason).at(-1) ?? "refused", rejected };
        throw toMailError(error, server);
      } finally {
        socket.destroy();
      }
    },
  };
}

async function sendOver(
  socket: net.Socket,
  server: SmtpServer,
  mail: RenderedMail,
  { ca, times, signal }: { ca: string | undefined; times: SmtpTimes; signal: AbortSignal },
): Promise<{ response: string; rejected: Rejection[] }> {
  const { host, port, secure, user, password } = server;
  const hasCredentials = user !== null;
  const transporter = createTransport({
    host,
    port,
    secure,
    // A password never crosses a network in plain text. Without credentials, TLS is used where the server offers it.
    requireTLS: !secure && hasCredentials && !isLoopback(socket.remoteAddress),
    ...(hasCredentials ? { auth: { user, pass: password ?? "" }, forceAuth: true } : {}),
    tls: { rejectUnauthorized: true, minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca }) },
    connectionTimeout: times.connectMs,
    greetingTimeout: times.greetingMs,
    socketTimeout: times.idleMs,
    // The pinned connection. Without it, nodemailer would resolve the host again.
    getSocket: (_options, callback) => callback(null, { connection: socket }),
    disableFileAccess: true,
    disableUrlAccess: true,
    logger: false,
  });
  const { response, rejectedErrors = [] } = await transporter.sendMail({
    envelope: { from: mail.from.address, to: [...mail.recipients] },
    from: toNodemailer(mail.from),
    to: mail.to.map(toNodemailer),
    cc: mail.cc?.map(toNodemailer),
    replyTo: mail.replyTo?.map(toNodemailer),
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    date: mail.date,
    messageId: `<${mail.messageId}>`,
    attachments: mail.attachments.map(({ filename, contentType, bytes }) => ({ filename, contentType, content: bytes })),
    disableFileAccess: true,
    disableUrlAccess: true,
    signal,
  });
  return { response: toReply(response) ?? "accepted", rejected: rejectedErrors.map(toRejection) };
}

function toRejection({ recipient = "", permanent, response = "" }: RecipientError): Rejection {
  return { address: recipient, isTemporary: permanent !== true, reason: toReply(response) ?? "refused" };
}

/** The error of nodemailer if the server has refused each recipient: the replies differ, and so does what is to be done. */
function readRejections(error: unknown): Rejection[] {
  if (!(error instanceof Error)) return [];
  const errors: unknown = Reflect.get(error, "rejectedErrors");
  return Array.isArray(errors) ? errors.map((each) => toRejection(each)) : [];
}

/** Objects, so that no address is parsed again. */
function toNodemailer({ name = "", address }: { name?: string | undefined; address: string }): { name: string; address: string } {
  return { name, address };
}

/** Resolves the host once and connects to one of the addresses found, whatever the name resolves to later. */
async function connect(
  { host, port }: SmtpServer,
  { policy, connectMs, signal }: { policy: AddressPolicy; connectMs: number; signal: AbortSignal },
): Promise<net.Socket> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(connectMs)]);
  const addresses = await resolve(host, policy, limit);
  const socket = net.connect({
    host,
    port,
    autoSelectFamily: true,
    lookup: (_host, options, callback) => {
      if (options.all) callback(null, addresses.slice(0, ADDRESSES_MAX));
      else callback(null, addresses[0].address, addresses[0].family);
    },
  });
  try {
    await once(socket, "connect", { signal: limit });
    return socket;
  } catch (cause) {
    socket.on("error", () => undefined);
    socket.destroy();
    const detail = `The mail server ${host} could not be reached at port ${port}.`;
    throw new MailError("The mail server could not be reached.", { isTemporary: true, code: "connection", detail, cause });
  }
}

async function resolve(host: string, policy: AddressPolicy, signal: AbortSignal): ReturnType<typeof resolveHost> {
  try {
    return await resolveHost(host, { policy, signal });
  } catch (cause) {
    const message =
      cause instanceof HostRefusedError ? "The host of the mail server cannot be used." : "The mail server was not found in time.";
    const detail = cause instanceof HostRefusedError ? `${host}: ${cause.message}` : message;
    // A name server may be unavailable for some time.
    throw new MailError(message, { isTemporary: true, code: "host", detail, cause });
  }
}

/** The administrator may allow the port, so another attempt may succeed. */
function createPortError(port: number): MailError {
  const message = "The port of the mail server is not allowed.";
  const detail = `Port ${port} is not a port of mail servers that this server allows. Its administrator can allow it (RESTED_SMTP_PORTS).`;
  return new MailError(message, { isTemporary: true, code: "port", detail });
}

/** Replies of class 5 are final. Without a reply, the mail may be sent by another attempt. */
function toMailError(error: unknown, { host }: SmtpServer): MailError {
  if (error instanceof MailError) return error;
  const { code = "unknown", response, permanent, ...failure } = readError(error);
  const known = CODES[code];
  const reply = response === undefined ? undefined : toReply(response);
  if (known?.isFinal && response === undefined)
    return new MailError(known.text, { isTemporary: false, code, detail: known.text, cause: error });
  if (reply !== undefined) {
    // The reply to wrong credentials can contain the user name.
    const text = code === "EAUTH" ? "The mail server did not accept the credentials." : `The mail server responded: ${reply}`;
    const detail = `The mail server ${host} responded: ${reply}`;
    return new MailError(text, { isTemporary: permanent !== true, code, detail, cause: error });
  }
  const text = known?.text ?? "The connection to the mail server failed.";
  const reason = response === undefined && code !== "EPROTOCOL" ? toReason(failure) : NO_SMTP;
  return new MailError(text, { isTemporary: true, code, detail: `${text} (${host}) ${reason}`.trim(), cause: error });
}

/** `isFinal`: an error that nodemailer finds before it asks the server, so another attempt would fail too. */
const CODES: Readonly<Record<string, { text: string; isFinal?: boolean }>> = {
  EFILEACCESS: { text: "The e-mail refers to a file.", isFinal: true },
  EURLACCESS: { text: "The e-mail refers to a URL.", isFinal: true },
  EENVELOPE: { text: "An address of the e-mail is not valid.", isFinal: true },
  EMESSAGE: { text: "The e-mail is larger than the mail server accepts.", isFinal: true },
  ETLS: { text: "A secure connection to the mail server could not be established." },
  ETIMEDOUT: { text: "The mail server did not respond in time." },
  EABORT: { text: "The mail server did not respond in time." },
  EAUTH: { text: "The mail server did not accept the credentials." },
  ENOAUTH: { text: "The mail server did not accept the credentials." },
};

interface RecipientError {
  recipient?: string | undefined;
  /** Its reply was of class 5. */
  permanent?: boolean | undefined;
  response?: string | undefined;
}

interface SmtpFailure {
  code?: string | undefined;
  /** Of an error of the operating system or of TLS. */
  originalCode?: string | undefined;
  response?: string | undefined;
  permanent?: boolean | undefined;
  message: string;
}

function readError(error: unknown): SmtpFailure {
  if (!(error instanceof Error)) return { message: String(error) };
  const text = (name: string) => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === "string" ? value : undefined;
  };
  const permanent: unknown = Reflect.get(error, "permanent");
  return {
    code: text("code"),
    originalCode: text("originalCode"),
    response: text("response"),
    permanent: typeof permanent === "boolean" ? permanent : undefined,
    message: error.message,
  };
}

function isLoopback(address = ""): boolean {
  return loopback.check(address, net.isIPv6(address) ? "ipv6" : "ipv4");
}
