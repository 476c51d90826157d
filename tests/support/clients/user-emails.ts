/** Uses an authentication endpoint with e-mails as an application does: sends requests, and reads the e-mails that arrive. */
import { afterAll, beforeAll, beforeEach } from "vitest";
import type { UserEmailKind, UserEmailSettings } from "@/src/shared/management/user-emails";
import { DEFAULT_USER_EMAILS } from "@/src/shared/management/user-emails";
import { PASSWORD } from "@/tests/support/clients/users";
import { createDataServer, type DataServer, type Seed, type SeedOptions } from "@/tests/support/servers/data-server";
import { type MailServer, type ReceivedMail, startMailServer, toSmtpConfig } from "@/tests/support/servers/mail-server";
import { until } from "@/tests/support/until";

export const LINK_BASE = "https://app.example.com/account?tab=1#/home";
export const MASTER_KEY = "mk-of-a-test-0123456789abcdef";
export const EMAIL = "ada@example.com";

export interface EmailsEndpoint {
  seed: Seed;
  /** Sends a JSON body. `query`: like `forgot=true`. */
  post(query: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  register(email?: string, more?: object): Promise<string>;
  logIn(email?: string, password?: string): Promise<Response>;
  /** The stored data of a user. */
  dataOf(id: string): Promise<Record<string, unknown>>;
  /** Waits for the next e-mail to the address. */
  nextMail(to?: string): Promise<ReceivedMail>;
  /** Requests an e-mail and returns the token or code in it. */
  requestSecret(kind: UserEmailKind, to?: string): Promise<string>;
}

const QUERIES: Readonly<Record<UserEmailKind, string>> = {
  reset: "forgot=true",
  verify: "verify=true",
  link: "link=true",
  code: "code=true",
};

export interface EmailsWorld {
  mails: MailServer;
  server: DataServer;
  /** Of the present test. */
  users: EmailsEndpoint;
}

/** Registers the hooks of a test file: a server with a mail server, and for each test an endpoint with these settings, which `receive` gets. */
export function setUpEmails(settings: Partial<UserEmailSettings>, receive: (world: EmailsWorld) => void): void {
  let mails: MailServer;
  let server: DataServer;
  beforeAll(async () => {
    mails = await startMailServer();
    server = await createDataServer({ ...toSmtpConfig(mails), mail: { ca: mails.ca } });
  });
  afterAll(async () => {
    await server.close();
    await mails.close();
  });
  beforeEach(async () => {
    mails.mails.length = 0;
    server.clock.at = new Date();
    receive({ mails, server, users: await createEmailsEndpoint(server, mails, settings) });
  });
}

let hosts = 0;

/** An address of a client in a network that nobody has used before. */
export const freshAddress = () => {
  hosts += 1;
  return `198.${18 + Math.floor(hosts / 250)}.${hosts % 250}.1`;
};

export async function createEmailsEndpoint(
  server: DataServer,
  mailServer: MailServer,
  settings: Partial<UserEmailSettings> = {},
  options: SeedOptions = {},
): Promise<EmailsEndpoint> {
  const seed = await server.seed({
    kind: "authentication",
    masterKey: MASTER_KEY,
    allowedOrigins: ["https://app.example.com"],
    ...options,
  });
  const stored = { ...DEFAULT_USER_EMAILS, linkBase: LINK_BASE, ...settings };
  await server.pool.query(`UPDATE "Endpoint" SET "userEmails" = $2::json WHERE id = $1`, [seed.endpointId, JSON.stringify(stored)]);
  // E-mails of earlier tests may still arrive.
  await server.pool.query(`UPDATE "Project" SET name = $2 WHERE id = $1`, [seed.projectId, `Test project ${seed.key.slice(0, 8)}`]);
  /** How many e-mails of each address were read. */
  const read = new Map<string, number>();
  const endpoint: EmailsEndpoint = {
    seed,
    post: (query, body, headers = {}) =>
      fetch(`${server.origin}${seed.path}&${query}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Forwarded-For": freshAddress(), ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    async register(email = EMAIL, more = {}) {
      const answer = await endpoint.post("", { email, password: PASSWORD, ...more });
      const record: { uniqueId?: string } = await answer.json();
      if (answer.status !== 201 || record.uniqueId === undefined) throw new Error(`not registered: ${JSON.stringify(record)}`);
      return record.uniqueId;
    },
    logIn: (email = EMAIL, password = PASSWORD) => endpoint.post("login=true&noATCookie=true", { email, password }),
    async dataOf(id) {
      const { rows } = await server.pool.query<{ data: Record<string, unknown> }>(`SELECT data FROM "Record" WHERE id = $1`, [id]);
      return rows[0]?.data ?? {};
    },
    async nextMail(to = EMAIL) {
      const at = read.get(to) ?? 0;
      const { rows } = await server.pool.query<{ name: string }>(`SELECT name FROM "Project" WHERE id = $1`, [seed.projectId]);
      const project = rows[0]?.name ?? "";
      const mails = () => mailServer.mails.filter((mail) => mail.to.includes(to) && mail.header("Subject")?.includes(project));
      await until(`e-mail ${at + 1} to ${to}`, () => mails().length > at);
      read.set(to, at + 1);
      const mail = mails()[at];
      if (!mail) throw new Error("There is no e-mail.");
      return mail;
    },
    async requestSecret(kind, to = EMAIL) {
      const answer = await endpoint.post(QUERIES[kind], { email: to });
      if (answer.status !== 202) throw new Error(`not requested: ${answer.status} ${await answer.text()}`);
      return secretOf(await endpoint.nextMail(to), kind);
    },
  };
  return endpoint;
}

/** The text and HTML of an e-mail, decoded. */
export function bodyOf({ raw }: ReceivedMail): string {
  const plain = raw.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, "latin1").toString();
}

/** The token or code in an e-mail. */
export function secretOf(mail: ReceivedMail, kind: UserEmailKind): string {
  const body = bodyOf(mail);
  const found =
    kind === "code" ? /^(\d{6})\r$/m.exec(body) : (new RegExp(`[?&]${kind}=([\\w-]{43})`).exec(body) ?? /^([\w-]{43})\r$/m.exec(body));
  if (!found?.[1]) throw new Error(`The e-mail contains no ${kind}: ${body}`);
  return found[1];
}

/** The access token of a login without a cookie. */
export function tokenOf(answer: Response): string {
  return /^Bearer (\S+)$/.exec(answer.headers.get("authorization") ?? "")?.[1] ?? "";
}
