/** E-mails to users, and what their tokens do (L8–L11): new passwords, verified addresses, logins. Access was already checked by access.ts. */
import { timingSafeEqual } from "node:crypto";
import type { CallerPath } from "@/src/core/access/caller-path";
import type { LoginLimiter } from "@/src/core/limits/ports";
import type { StoredRecord } from "@/src/core/records/ports";
import type { RecordBody } from "@/src/core/records/record-body";
import { parseEmailRequest, parseReset, parseToken } from "@/src/core/users/email-bodies";
import type { EmailTokenUse, FoundEmailToken, UserEmailStore } from "@/src/core/users/email-ports";
import type { EmailQueue } from "@/src/core/users/email-queue";
import { type EmailTokens, isEmailCode, isEmailToken } from "@/src/core/users/email-tokens";
import { readAddress, setVerified } from "@/src/core/users/email-verified";
import type { PasswordHasher } from "@/src/core/users/password-hasher";
import type { AccessTokenIssuer, IssuedToken } from "@/src/core/users/token-issuer";
import type { UserEndpoint } from "@/src/core/users/users";
import { AppError } from "@/src/shared/errors";
import type { UserEmailKind } from "@/src/shared/management/user-emails";

export interface UserEmailRequest {
  endpoint: UserEndpoint;
  body: RecordBody;
  caller: CallerPath;
  /** The client's address. */
  address: string;
  /** The application's back end sent the request (master key), so limits by address do not apply. */
  isTrusted: boolean;
}

export type EmailLogin = UserEmailRequest & { userAgent: string | null };
export type LoggedIn = IssuedToken & { record: StoredRecord };

export interface UserEmails {
  /**
   * Requests an e-mail with a token that sets a new password (L8). Takes the same time, and has no other effect, if nobody has the address. Throws
   * `credentials_missing`, `credentials_invalid`, `rate_limited`, `email_not_configured`.
   */
  forgot(request: UserEmailRequest): Promise<void>;
  /** Sets a password with a token, once, and ends all access tokens of the user (L8). Throws `email_token_invalid`, and as `forgot` does. */
  reset(request: UserEmailRequest): Promise<void>;
  /** Verifies an address with a token (L10), or, if the body has an `email` instead, requests another e-mail. Returns true if it was a request. */
  verify(request: UserEmailRequest): Promise<boolean>;
  /** Logs a user in with the token of a link (L11), or requests an e-mail with one: undefined. Throws `login_kind_disabled`, and as `reset` does. */
  link(request: EmailLogin): Promise<LoggedIn | undefined>;
  /** The same with a code of six digits. */
  code(request: EmailLogin): Promise<LoggedIn | undefined>;
}

export interface UserEmailsOptions {
  store: Pick<UserEmailStore, "findToken" | "findCode" | "countTry" | "use">;
  queue: Pick<EmailQueue, "request">;
  tokens: EmailTokens;
  accessTokens: AccessTokenIssuer;
  passwords: Pick<PasswordHasher, "hash">;
  limiter: LoginLimiter;
  clock: { now(): Date };
}

/** How often a use is tried again because the user changed between read and write. */
const ATTEMPTS_MAX = 20;

export function createUserEmails(options: UserEmailsOptions): UserEmails {
  return new TokenUsers(options);
}

class TokenUsers implements UserEmails {
  readonly #options: UserEmailsOptions;

  constructor(options: UserEmailsOptions) {
    this.#options = options;
  }

  async forgot(request: UserEmailRequest): Promise<void> {
    await this.#request("reset", request, parseEmailRequest(request.body));
  }

  async reset(request: UserEmailRequest): Promise<void> {
    const { token, password } = parseReset(request.body);
    const { passwords } = this.#options;
    await this.#asAttempt(request, this.#toAttempt(token), async () => {
      // Hashing is expensive, so a token that is not valid is refused before it.
      await this.#find("reset", request.endpoint, token);
      const passwordHash = await passwords.hash(password, { kind: "login", caller: request.caller });
      await this.#useToken("reset", request.endpoint, token, { passwordHash });
    });
  }

  async verify(request: UserEmailRequest): Promise<boolean> {
    const { token, name } = parseToken(request.body, "token");
    if (token === undefined) {
      await this.#request("verify", request, name);
      return true;
    }
    await this.#asAttempt(request, this.#toAttempt(token), () => this.#useToken("verify", request.endpoint, token, {}));
    return false;
  }

  async link(request: EmailLogin): Promise<LoggedIn | undefined> {
    requireEnabled(request.endpoint.emails?.loginLinks);
    const { token, name } = parseToken(request.body, "token");
    if (token === undefined) {
      await this.#request("link", request, name);
      return undefined;
    }
    return this.#asAttempt(request, this.#toAttempt(token), () =>
      this.#logIn("link", request, () => this.#find("link", request.endpoint, token)),
    );
  }

  async code(request: EmailLogin): Promise<LoggedIn | undefined> {
    requireEnabled(request.endpoint.emails?.loginCodes);
    const { token: code, name } = parseToken(request.body, "code");
    if (code === undefined) {
      await this.#request("code", request, name);
      return undefined;
    }
    if (name === undefined) throw new AppError("credentials_missing", { detail: "Send a JSON object with email and code." });
    return this.#asAttempt(request, `code ${name}`, async () => {
      const target = { scopeId: request.endpoint.endpointId, kind: "code", name } as const;
      // Counted for every address that asked for a code, whether anybody has it or not, so that both take the same time.
      if (!(await this.#options.store.countTry(target))) throw new AppError("email_token_invalid");
      return this.#logIn("code", request, () => this.#findCode(request.endpoint, name, code));
    });
  }

  #request(
    kind: UserEmailKind,
    { endpoint, caller: [ownerId], address, isTrusted }: UserEmailRequest,
    name: string | undefined,
  ): Promise<void> {
    if (name === undefined) throw new AppError("credentials_missing", { detail: "Send a JSON object with email." });
    const { endpointId: scopeId, projectId: id } = endpoint;
    return this.#options.queue.request({ scopeId, kind, name }, { project: { id, ownerId }, address: isTrusted ? null : address });
  }

  /** Counts the use of a wrong token like a wrong password (L2). */
  async #asAttempt<T>({ endpoint, address, isTrusted }: UserEmailRequest, what: string, work: () => Promise<T>): Promise<T> {
    if (isTrusted) return work();
    const { limiter } = this.#options;
    const attempt = { account: `${endpoint.endpointId} ${what}`, address, scope: endpoint.endpointId };
    await limiter.begin(attempt);
    try {
      const result = await work();
      await limiter.succeed(attempt);
      return result;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "email_token_invalid") await limiter.withdraw(attempt);
      throw error;
    }
  }

  /** Wrong tokens of one network are counted together. A token cannot be guessed, so users behind one address do not lock each other out. */
  #toAttempt(token: string): string {
    return `token ${this.#options.tokens.hashToken(token).toString("base64url")}`;
  }

  async #find(kind: UserEmailKind, { endpointId }: UserEndpoint, token: string): Promise<FoundEmailToken> {
    const { store, tokens, clock } = this.#options;
    const found = isEmailToken(token)
      ? await store.findToken({ endpointId, kind, hash: tokens.hashToken(token), now: clock.now() })
      : undefined;
    if (!found || !hasAddress(found)) throw new AppError("email_token_invalid");
    return found;
  }

  async #findCode({ endpointId }: UserEndpoint, name: string, code: string): Promise<FoundEmailToken> {
    const { store, tokens, clock } = this.#options;
    const found = await store.findCode({ endpointId, name, now: clock.now() });
    const isRight = found && isEmailCode(code) && timingSafeEqual(found.hash, tokens.hashCode(found.user.record.id, code));
    if (!isRight || !hasAddress(found)) throw new AppError("email_token_invalid");
    return found;
  }

  async #useToken(kind: UserEmailKind, endpoint: UserEndpoint, token: string, change: { passwordHash?: string }): Promise<void> {
    await this.#use(
      kind,
      endpoint,
      () => this.#find(kind, endpoint, token),
      async () => change,
    );
  }

  /** An address that was never verified may have been registered by somebody else, so its password and logins end with the first login by e-mail. */
  async #logIn(kind: UserEmailKind, request: EmailLogin, find: () => Promise<FoundEmailToken>): Promise<LoggedIn> {
    const { accessTokens, passwords, tokens } = this.#options;
    const { endpoint, caller, address, userAgent } = request;
    const issued = accessTokens.create({ projectId: endpoint.projectId, address, userAgent });
    let unusable: string | undefined;
    const record = await this.#use(kind, endpoint, find, async ({ user }) => {
      if (user.verifiedName !== user.name) unusable ??= await passwords.hash(tokens.createToken().text, { kind: "login", caller });
      return { login: issued.stored, ...(user.verifiedName === user.name ? {} : { passwordHash: unusable }) };
    });
    return { record, token: issued.token, expiresAt: issued.stored.expiresAt };
  }

  /** Uses a token that `find` finds, once. Receiving it proves that the user has the address. */
  async #use(
    kind: UserEmailKind,
    endpoint: UserEndpoint,
    find: () => Promise<FoundEmailToken>,
    decide: (found: FoundEmailToken) => Promise<Partial<Pick<EmailTokenUse, "passwordHash" | "login">>>,
  ): Promise<StoredRecord> {
    const { store, clock, accessTokens } = this.#options;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const found = await find();
      const { user, hash } = found;
      const { passwordHash, login } = await decide(found);
      const data = kind === "verify" || endpoint.emails?.verifyEmails || readAddress(user.record.data).isShown;
      const changed = data ? setVerified(user.record.data, true) : user.record.data;
      const result = await store.use({
        ...{ endpointId: endpoint.endpointId, kind, hash, user, passwordHash, login, now: clock.now() },
        data: changed === user.record.data ? undefined : changed,
      });
      if (result.outcome === "token_used") throw new AppError("email_token_invalid");
      if (result.outcome !== "ok") continue;
      if (result.endedOthers) await accessTokens.ended(endpoint.projectId);
      return result.record ?? user.record;
    }
    throw new AppError("server_busy", { detail: "Too many requests change this user at once. Try again shortly.", retryAfterSeconds: 1 });
  }
}

/** A username that looks like an address is not one. */
function hasAddress({ user }: FoundEmailToken): boolean {
  return readAddress(user.record.data).isEmail;
}

function requireEnabled(isEnabled: boolean | undefined): void {
  if (!isEnabled) throw new AppError("login_kind_disabled");
}
