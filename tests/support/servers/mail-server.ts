/** A real SMTP server for tests, which keeps what it accepts, and answers as a test wants. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { generate } from "selfsigned";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import type { Config } from "@/src/config/config";

export interface ReceivedMail {
  from: string;
  to: string[];
  /** Headers and body, as sent. */
  raw: string;
  /** The value of a header, unfolded. */
  header(name: string): string | undefined;
  isSecure: boolean;
  user: string | undefined;
}

/** `hang` never answers, `cut` closes the connection instead of an answer, `lose` accepts and closes the connection before the answer. An error is the reply. */
export type MailAnswer = "accept" | "hang" | "cut" | "lose" | SmtpError;

export interface MailServer {
  port: number;
  /** The certificate, which is its own authority. */
  ca: string;
  /** The mails that it has accepted, in order. */
  mails: ReceivedMail[];
  /** The mails whose contents have arrived, accepted or not. */
  arrived: ReceivedMail[];
  /** The answers to the next mails, one entry each. */
  script: MailAnswer[];
  /** By recipient: the replies to RCPT TO, one entry each. */
  refusals: Map<string, SmtpError[]>;
  close(): Promise<void>;
}

export class SmtpError extends Error {
  readonly responseCode: number;

  constructor(responseCode: number, message: string) {
    super(message);
    this.responseCode = responseCode;
  }
}

export interface MailServerOptions {
  credentials?: { user: string; password: string };
  /** TLS from the start. */
  secure?: boolean;
  /** Without STARTTLS. */
  isPlain?: boolean;
  /** Decides when the script is empty. Default: accepts at once. */
  decide?: () => MailAnswer | Promise<MailAnswer>;
}

/** `host`: the name in its certificate. */
export async function startMailServer({
  credentials,
  secure = false,
  isPlain = false,
  decide = () => "accept",
}: MailServerOptions = {}): Promise<MailServer> {
  const pem = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    extensions: [
      { name: "basicConstraints", cA: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  const [mails, arrived]: [ReceivedMail[], ReceivedMail[]] = [[], []];
  const script: MailServer["script"] = [];
  const refusals: MailServer["refusals"] = new Map();
  const options: SMTPServerOptions = {
    secure,
    key: pem.private,
    cert: pem.cert,
    authOptional: credentials === undefined,
    disabledCommands: [...(isPlain ? ["STARTTLS"] : []), ...(credentials ? [] : ["AUTH"])],
    allowInsecureAuth: true,
    // Names of clients are not looked up.
    disableReverseLookup: true,
    logger: false,
    onAuth: ({ username, password }, _session, done) => {
      if (username === credentials?.user && password === credentials?.password) done(null, { user: username });
      else done(new SmtpError(535, `5.7.8 ${username} is not welcome`));
    },
    onRcptTo: ({ address }, _session, done) => done(refusals.get(address)?.shift()),
    onData: (stream, session, done) => {
      // The client may be killed before it has sent everything. Then no mail has arrived.
      const receiving = buffer(stream).catch(() => undefined);
      void receiving.then(async (bytes) => {
        if (!bytes) return;
        const { mailFrom, rcptTo } = session.envelope;
        const raw = bytes.toString();
        const mail: ReceivedMail = {
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw,
          header: (name) =>
            new RegExp(`^${name}: ((?:.*)(?:\\r\\n[ \\t].*)*)`, "im").exec(raw.split("\r\n\r\n")[0] ?? "")?.[1]?.replace(/\r\n[ \t]/g, " "),
          isSecure: session.secure,
          user: typeof session.user === "string" ? session.user : undefined,
        };
        arrived.push(mail);
        const answer = script.shift() ?? (await decide());
        if (answer === "hang") return;
        if (answer === "accept" || answer === "lose") mails.push(mail);
        if (answer === "cut" || answer === "lose") {
          for (const { _socket: socket, id } of server.connections) if (id === session.id) socket.destroy();
        } else if (answer === "accept") done(null, "accepted");
        else done(answer);
      });
    },
  };
  const server = new SMTPServer(options);
  // Clients that do not trust the certificate end their connections.
  server.on("error", () => undefined);
  const listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  return {
    port: (listening.address() as AddressInfo).port,
    ca: pem.cert,
    mails,
    arrived,
    script,
    refusals,
    close: async () => {
      for (const { _socket: socket } of server.connections) socket.destroy();
      await new Promise<void>((resolve) => server.close(resolve));
    },
  };
}

/** The settings of a deployment that sends its mails to the server. */
export function toSmtpConfig({ port }: MailServer): Pick<Config, "smtp"> {
  return { smtp: { host: "localhost", port, secure: false, user: null, password: null, from: "noreply@rested.test" } };
}
