/** The transport (M4) with a real SMTP server. */
import { once } from "node:events";
import net from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { MailError, type RenderedMail, type SmtpServer } from "@/src/core/mail/ports";
import { createAddressPolicy } from "@/src/outbound/address-policy";
import { createSmtpTransport, type SmtpTransportOptions } from "@/src/outbound/smtp-transport";
import { type MailServer, type MailServerOptions, SmtpError, startMailServer } from "@/tests/support/servers/mail-server";

const CREDENTIALS = { user: "ada", password: "correct horse" };
const MAIL: RenderedMail = {
  from: { name: 'A "b" <c>', address: "noreply@rested.example" },
  to: [{ address: "ada@example.com" }],
  subject: "Hello",
  text: "Hello",
  messageId: "one@rested.example",
  date: new Date("2030-01-31T12:00:00Z"),
  recipients: ["ada@example.com"],
  attachments: [],
};

const open: MailServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function start(options: MailServerOptions = {}): Promise<MailServer> {
  const server = await startMailServer(options);
  open.push(server);
  return server;
}

interface Try {
  server?: Partial<SmtpServer>;
  mail?: Partial<RenderedMail>;
  transport?: Partial<SmtpTransportOptions>;
  signal?: AbortSignal;
}

function send(smtp: MailServer, { server, mail, transport, signal = new AbortController().signal }: Try = {}) {
  const target = { host: "127.0.0.1", port: smtp.port, secure: false, user: null, password: null, isTrusted: false, ...server };
  return createSmtpTransport({ policy: createAddressPolicy(["127.0.0.0/8"]), ports: "any", ca: smtp.ca, ...transport }).send(
    target,
    { ...MAIL, ...mail },
    { signal },
  );
}

async function fail(smtp: MailServer, options: Try = {}): Promise<MailError> {
  const error: unknown = await send(smtp, options).catch((reason: unknown) => reason);
  if (!(error instanceof MailError)) throw new Error(`It was sent, or failed with ${String(error)}`);
  return error;
}

describe("TLS", () => {
  it("[M4] STARTTLS is used where it is offered, and TLS from the start with secure", async () => {
    const [plain, secure] = [await start(), await start({ secure: true })];
    expect(await send(plain)).toEqual({ response: "250 accepted", rejected: [] });
    await send(secure, { server: { secure: true } });
    expect([plain.mails[0]?.isSecure, secure.mails[0]?.isSecure]).toEqual([true, true]);
  });

  it.each([true, false])("[M4] a certificate that does not verify is refused before anything is sent, secure: %s", async (secure) => {
    const smtp = await start({ secure, credentials: CREDENTIALS });
    const other = await start();
    const error = await fail(smtp, { server: { secure, ...CREDENTIALS }, transport: { ca: other.ca } });
    expect(error).toMatchObject({
      isTemporary: true,
      message: expect.stringMatching(/secure connection|connection to the mail server failed/),
    });
    expect(smtp.arrived).toEqual([]);
  });

  it("[M4] a certificate of another name is refused", async () => {
    const smtp = await start();
    expect(await fail(smtp, { server: { host: "127.0.0.2" } })).toMatchObject({ isTemporary: true });
    expect(smtp.arrived).toEqual([]);
  });
});

describe("credentials", () => {
  it("[M4] are sent, and wrong ones are final and not shown", async () => {
    const smtp = await start({ credentials: CREDENTIALS });
    await send(smtp, { server: CREDENTIALS });
    expect(smtp.mails[0]?.user).toBe("ada");
    const error = await fail(smtp, { server: { user: "ada", password: "wrong" } });
    expect(error).toMatchObject({ isTemporary: false, message: "The mail server did not accept the credentials." });
    expect(error.detail).toContain("535 5.7.8 ada is not welcome");
    expect(error.detail).not.toContain("wrong");
  });

  it("[M4] without AUTH at the server, nothing is sent without them", async () => {
    const smtp = await start();
    await fail(smtp, { server: CREDENTIALS });
    expect(smtp.arrived).toEqual([]);
  });
});

describe("addresses of mail servers", () => {
  it.each(["127.0.0.1", "localhost", "::ffff:127.0.0.1", "0.0.0.0", "169.254.169.254", "10.0.0.1", "[::1]", "2130706433", "0x7f.0.0.1"])(
    "[M4] %s is refused without a connection, unless the administrator allows private addresses",
    async (host) => {
      const smtp = await start();
      const error = await fail(smtp, { server: { host }, transport: { policy: createAddressPolicy() } });
      expect(error.code).toBe("host");
      expect(smtp.arrived).toEqual([]);
    },
  );

  it("[M4] the deployment's own mail server may be local", async () => {
    const smtp = await start();
    await send(smtp, { server: { isTrusted: true }, transport: { policy: createAddressPolicy() } });
    expect(smtp.mails).toHaveLength(1);
  });
});

describe("services that are not mail servers", () => {
  it.each(["SSH-2.0-OpenSSH_9.2 secret\r\n", "HTTP/1.1 400 secret\r\n\r\n", "220 secret\r\n-ERR secret\r\n", "\u0000secret\r\n"])(
    "[M4] nothing of %j is shown",
    async (banner) => {
      const service = net.createServer((socket) => void socket.on("error", () => undefined).end(banner));
      await once(service.listen(0, "127.0.0.1"), "listening");
      try {
        const port = (service.address() as net.AddressInfo).port;
        const error = await fail(await start(), { server: { port } });
        expect(error.isTemporary).toBe(true);
        expect(error.message + error.detail).not.toContain("secret");
      } finally {
        service.close();
      }
    },
  );

  it("[M4] a port that the administrator has not listed is not connected to, unless it is the deployment's mail server", async () => {
    const smtp = await start();
    const error = await fail(smtp, { transport: { ports: [25, 587] } });
    expect(error).toMatchObject({ code: "port", detail: expect.stringContaining("RESTED_SMTP_PORTS") });
    expect(smtp.arrived).toEqual([]);
    await send(smtp, { server: { isTrusted: true }, transport: { ports: [25, 587] } });
    expect(smtp.mails).toHaveLength(1);
  });
});

describe("messages", () => {
  it("[M5] names with quotes and brackets stay names, and blind copies are not in the headers", async () => {
    const smtp = await start();
    await send(smtp, { mail: { bcc: [{ address: "eve@example.com" }], recipients: ["ada@example.com", "eve@example.com"] } });
    const [mail] = smtp.mails;
    expect(mail?.to).toEqual(["ada@example.com", "eve@example.com"]);
    expect(mail?.raw).not.toContain("eve@");
    expect(mail?.header("From")).toMatch(/^"A \\"b\\" <c>" <noreply@rested\.example>$/);
  });

  it("[M4] text, HTML and attachments arrive, and files and URLs are never read", async () => {
    const smtp = await start();
    const attachments = [{ filename: 'a "b".txt', contentType: "text/plain", bytes: Buffer.from("attached bytes") }];
    await send(smtp, { mail: { html: '<img src="file:///etc/passwd">', text: "Text", attachments } });
    const raw = smtp.mails[0]?.raw ?? "";
    expect(raw).toContain(Buffer.from("attached bytes").toString("base64"));
    expect(raw).toContain("file:///etc/passwd");
    expect(raw).not.toContain("root:");
  });

  it("[M2] an attempt ends with its signal", async () => {
    const smtp = await start();
    smtp.script.push("hang");
    const giveUp = new AbortController();
    const sending = fail(smtp, { signal: giveUp.signal });
    const waiting = setInterval(() => smtp.arrived.length > 0 && giveUp.abort(), 5);
    const error = await sending;
    clearInterval(waiting);
    expect(error).toMatchObject({ isTemporary: true, code: "EABORT" });
  });
});

describe("refused recipients", () => {
  const recipients = ["ada@example.com", "bob@example.com"];

  it("[M2] are returned with their own replies, also if nobody is left", async () => {
    const smtp = await start();
    smtp.refusals.set("ada@example.com", [new SmtpError(550, "5.1.1 unknown")]);
    smtp.refusals.set("bob@example.com", [new SmtpError(450, "4.2.1 greylisted")]);
    expect((await send(smtp, { mail: { recipients } })).rejected).toEqual([
      { address: "ada@example.com", isTemporary: false, reason: "550 5.1.1 unknown" },
      { address: "bob@example.com", isTemporary: true, reason: "450 4.2.1 greylisted" },
    ]);
    expect(smtp.arrived).toEqual([]);
  });

  it("[M2] do not keep the mail from the others", async () => {
    const smtp = await start();
    smtp.refusals.set("ada@example.com", [new SmtpError(550, "5.1.1 unknown")]);
    const { response, rejected } = await send(smtp, { mail: { recipients } });
    expect([response, rejected.map(({ address }) => address)]).toEqual(["250 accepted", ["ada@example.com"]]);
    expect(smtp.mails[0]?.to).toEqual(["bob@example.com"]);
  });
});
