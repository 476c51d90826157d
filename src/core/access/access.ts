/** The one access decision for HTTP, WebSocket and SSE (U3–U7, S1, W6). It must not know transports, nor read storage but through definitions. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { AccessRequest, Operation } from "@/src/core/access/access-request";
import type { Tokens } from "@/src/core/access/access-tokens";
import { findKeyHint, findNameHint } from "@/src/core/access/address-hints";
import type { Definition, SignIn, StoredToken } from "@/src/core/access/ports";
import type { Definitions, ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { SignIns } from "@/src/core/access/sign-ins";
import { type CookieToken, isListed, requireTokenCookie } from "@/src/core/access/token-cookie";
import type { Clock } from "@/src/core/clock";
import type { FileTokenHolder, FileTokens } from "@/src/core/files/tokens";
import { AppError, type ErrorCode } from "@/src/shared/errors";
import { API_VERSION } from "@/src/shared/streams/protocol";

/** What was allowed, to whom. */
export interface Grant {
  endpoint: { id: string; name: string };
  projectId: string;
  /** The account that owns the project. */
  ownerId: string;
  /** Null: opened by a ticket. */
  keyId: string | null;
  /** When the key ends by itself; an open stream must end then (W6). */
  keyExpiresAt: Date | null;
  /** A valid master key was sent (U6). */
  master: boolean;
  /** The user whose access token was sent, and when that ends by itself. Null: none is needed. New records belong to the user. */
  user: { id: string; tokenId: string; tokenExpiresAt: Date } | null;
  /**
   * Whose records the operation may see (read, subscribe) or touch (update, delete): this user's (S2); undefined: everybody's.
   */
  onlyOwner: string | undefined;
  /** The request's Origin, if it had one. */
  origin?: string;
  /** The origin to echo in CORS headers (U5); absent when there is none. */
  allowedOrigin?: string;
  via: "key" | "ticket";
  /** The sign-in that asked for the ticket: the stream lasts as long as it does (W6). Absent without a ticket. */
  signIn?: SignIn;
  /** What {@link Access.recheck} compares with. Not for logs. */
  evidence: {
    key: string | null;
    masterKeyHash: Uint8Array | null;
    revision: number;
    /** `Tokens.generation()` from before the token was looked up. */
    tokenGeneration: number;
    /** The token came in a cookie that counts because the project lists the origin (S6): it no longer does when the origin is removed. */
    needsListedOrigin: boolean;
  };
}

export interface Access {
  /** Locates and admits. Raises the first failed check's error. */
  decide(request: AccessRequest): Promise<Grant>;
  /** U3: what the URL names. Raises `api_version_unknown`, `key_missing`, `parameter_invalid` for two keys, `endpoint_or_key_invalid`, `ticket_invalid`, `database_unavailable`. */
  resolve(request: AccessRequest): Promise<ResolvedEndpoint>;
  /** Whether `locate` answers without asking storage. */
  isKnown(request: AccessRequest): boolean;
  /** The rest of the checks, on what was located: key, master key, origin, scope, token; in this order. Raises what failed. */
  authorize(resolved: ResolvedEndpoint, request: AccessRequest): Promise<Grant>;
  /**
   * The request's origin when the project allows it to read answers (U5), be they errors; undefined: no CORS headers. `listed`: it may send and
   * receive cookies, too (S6).
   */
  echoOrigin(
    resolved: ResolvedEndpoint,
    request: Pick<AccessRequest, "origin" | "masterKey">,
  ): { origin: string; listed: boolean } | undefined;
  /**
   * For open streams, after an invalidation: why the grant no longer holds (an error of W6), or undefined when it does. Brings
   * `grant.keyExpiresAt` and `grant.user.tokenExpiresAt` up to date: a rotation gives a key that had no end one.
   * Raises `database_unavailable` when that can't be known now; ask again later then.
   */
  recheck(grant: Grant): Promise<AppError | undefined>;
}

export function createAccess(options: {
  definitions: Definitions;
  tokens: Tokens;
  signIns: Pick<SignIns, "isValid">;
  fileTokens: Pick<FileTokens, "verify">;
  clock: Clock;
}): Access {
  return new DefinedAccess(options);
}

class DefinedAccess implements Access {
  readonly #definitions: Definitions;
  readonly #tokens: Tokens;
  readonly #signIns: Pick<SignIns, "isValid">;
  readonly #fileTokens: Pick<FileTokens, "verify">;
  readonly #clock: Clock;

  constructor({ definitions, tokens, signIns, fileTokens, clock }: Parameters<typeof createAccess>[0]) {
    this.#definitions = definitions;
    this.#tokens = tokens;
    this.#signIns = signIns;
    this.#fileTokens = fileTokens;
    this.#clock = clock;
  }

  async decide(request: AccessRequest): Promise<Grant> {
    return this.authorize(await this.resolve(request), request);
  }

  async resolve(request: AccessRequest): Promise<ResolvedEndpoint> {
    if (request.version !== API_VERSION) throw new AppError("api_version_unknown");
    if (request.ticket !== undefined && request.operation === "subscribe") {
      const resolved = await this.#definitions.redeemTicket(request.ticket);
      if (resolved?.endpoint.name !== request.endpointName) throw new AppError("ticket_invalid");
      return resolved;
    }
    if (!request.key) throw toKeyMissing(request);
    if (request.hasTwoKeys)
      throw new AppError("parameter_invalid", { detail: "The parameter key and the header X-API-Key differ. Send one." });
    const resolved = await this.#definitions.find(request.key, request.endpointName);
    if (!resolved) throw toInvalid(request);
    return resolved;
  }

  isKnown({ version, key, endpointName, ticket }: AccessRequest): boolean {
    return version === API_VERSION && ticket === undefined && key !== undefined && this.#definitions.has(key, endpointName);
  }

  async authorize(resolved: ResolvedEndpoint, request: AccessRequest): Promise<Grant> {
    const { key, endpoint, project } = resolved;
    if (key && keyState(key, this.#clock.now()) !== "valid") throw toInvalid(request);
    const master = request.masterKey !== undefined;
    if (request.masterKey !== undefined && !isMasterKey(resolved, request.masterKey)) throw new AppError("master_key_invalid");
    const fileHolder = request.fileToken && this.#verifyFileToken(resolved, request.fileToken);
    // Browsers send no Origin for <img> and <video>: the file token proves as much.
    if (key && !master && !(fileHolder && request.origin === undefined)) checkOrigin(resolved, request.origin);
    if (key && !scopeAllows(key.scope, request.operation)) throw new AppError("key_scope_insufficient");
    const tokenGeneration = this.#tokens.generation();
    const isTokenNeeded = key !== null && !master && needsToken(resolved, request.operation);
    const sent = isTokenNeeded && !fileHolder ? toSentToken(resolved, request) : undefined;
    const holderToken = isTokenNeeded && fileHolder ? await this.#findHolder(resolved, fileHolder) : undefined;
    const token = sent ? await this.#authenticate(resolved, sent.text) : holderToken;
    // L3: a cookie whose token has ended needs only to be cleared.
    if (sent && !token && (request.operation !== "logout" || request.accessToken !== undefined)) throw new AppError("access_token_invalid");
    if (key) this.#definitions.noteUse(key.id);
    if (token) this.#tokens.noteUse(token.id);
    const grant: Grant = {
      endpoint: { id: endpoint.id, name: endpoint.name },
      projectId: project.id,
      ownerId: project.ownerId,
      keyId: key?.id ?? null,
      keyExpiresAt: key?.expiresAt ?? null,
      master,
      user: token ? { id: token.userId, tokenId: token.id, tokenExpiresAt: token.expiresAt } : null,
      onlyOwner: token && !othersMay(resolved, request.operation) ? token.userId : undefined,
      via: key ? "key" : "ticket",
      evidence: {
        key: key ? (request.key ?? null) : null,
        masterKeyHash: master ? project.masterKeyHash : null,
        revision: project.revision,
        tokenGeneration,
        needsListedOrigin: sent?.needsListedOrigin ?? false,
      },
    };
    if (resolved.signIn) grant.signIn = resolved.signIn;
    if (request.origin !== undefined) {
      grant.origin = request.origin;
      grant.allowedOrigin = request.origin;
    }
    return grant;
  }

  /**
   * S1: the caller's token; undefined where it does not exist or has ended. Throws `access_token_invalid` for one of other users: the message is the
   * same, so that tokens can't be probed.
   */
  async #authenticate(resolved: ResolvedEndpoint, accessToken: string): Promise<StoredToken | undefined> {
    const token = await this.#tokens.find(accessToken);
    if (!token || tokenState(token, this.#clock.now()) !== "valid") return undefined;
    // L4: an account is its owner's, whichever authentication endpoint of the project another user comes from.
    const isStranger = resolved.endpoint.kind === "authentication" && token.endpointId !== resolved.endpoint.id;
    if (token.projectId !== resolved.project.id || isStranger) throw new AppError("access_token_invalid");
    return token;
  }

  /** F6: on whose behalf a file token reads the record that the request names. */
  #verifyFileToken({ endpoint, project }: ResolvedEndpoint, { text, recordId }: NonNullable<AccessRequest["fileToken"]>): FileTokenHolder {
    const holder = this.#fileTokens.verify(text, { endpointId: endpoint.id, recordId, masterKeyHash: project.masterKeyHash });
    if (!holder) throw new AppError("file_token_invalid");
    return holder;
  }

  /** The access token on which a file token stands, as long as it lasts; undefined for the master key, which needs none. */
  async #findHolder(resolved: ResolvedEndpoint, holder: FileTokenHolder): Promise<StoredToken | undefined> {
    if (holder.kind === "master") return undefined;
    const token = holder.kind === "user" ? await this.#tokens.findById(holder.accessTokenId) : undefined;
    // Made when the endpoint was not secure yet; or the user has logged out, or was deleted.
    if (token?.projectId !== resolved.project.id || tokenState(token, this.#clock.now()) !== "valid")
      throw new AppError("file_token_invalid");
    return token;
  }

  echoOrigin(
    resolved: ResolvedEndpoint,
    { origin, masterKey }: Pick<AccessRequest, "origin" | "masterKey">,
  ): { origin: string; listed: boolean } | undefined {
    if (origin === undefined) return undefined;
    const mayRead = isOriginAllowed(resolved, origin) || (masterKey !== undefined && isMasterKey(resolved, masterKey));
    return mayRead ? { origin, listed: isListed(resolved.project, origin) } : undefined;
  }

  async recheck(grant: Grant): Promise<AppError | undefined> {
    const { key, masterKeyHash } = grant.evidence;
    if (key === null) return this.#recheckTicket(grant);
    const resolved = await this.#definitions.find(key, grant.endpoint.name);
    if (resolved?.endpoint.id !== grant.endpoint.id) {
      // Gone under this name: deleted, or renamed.
      return new AppError((await this.#definitions.findEndpoint(grant.endpoint.id)) ? "access_changed" : "endpoint_deleted");
    }
    if (!resolved.key) return new AppError("access_changed");
    grant.keyExpiresAt = resolved.key.expiresAt;
    const state = keyState(resolved.key, this.#clock.now());
    if (state !== "valid") return new AppError(state === "revoked" ? "key_revoked" : "key_expired");
    if (!scopeAllows(resolved.key.scope, "subscribe")) return new AppError("access_changed");
    if (grant.master) return isSameHash(resolved.project.masterKeyHash, masterKeyHash) ? undefined : new AppError("access_changed");
    const problem = await this.#recheckToken(resolved, grant);
    if (problem) return problem;
    if (grant.origin === undefined) return resolved.project.disallowNoOrigin ? new AppError("access_changed") : undefined;
    const mayStay = grant.evidence.needsListedOrigin ? isListed(resolved.project, grant.origin) : isOriginAllowed(resolved, grant.origin);
    return mayStay ? undefined : new AppError("origin_removed");
  }

  /** Why a stream of the dashboard may no longer be open: the endpoint or the sign-in has ended, or the project belongs to another account. */
  async #recheckTicket({ endpoint, signIn }: Grant): Promise<AppError | undefined> {
    const resolved = await this.#definitions.findEndpoint(endpoint.id);
    if (!resolved) return new AppError("endpoint_deleted");
    if (!signIn || !(await this.#signIns.isValid(signIn))) return new AppError("session_ended");
    return resolved.project.ownerId === signIn.userId ? undefined : new AppError("access_changed");
  }

  /**
   * Why the stream's user may no longer have it, or would see something else than when it was opened. A stream that was opened with a token
   * lasts as long as the token (W6), also where the endpoint no longer asks for one.
   */
  async #recheckToken(resolved: ResolvedEndpoint, grant: Grant): Promise<AppError | undefined> {
    const isNeeded = needsToken(resolved, "subscribe");
    if (!grant.user) return isNeeded ? new AppError("endpoint_secured") : undefined;
    const token = await this.#tokens.findById(grant.user.tokenId);
    // Tokens are deleted with their user, or some time after they have expired.
    if (!token) return new AppError(grant.user.tokenExpiresAt <= this.#clock.now() ? "token_expired" : "user_deleted");
    grant.user.tokenExpiresAt = token.expiresAt;
    const state = tokenState(token, this.#clock.now());
    if (state !== "valid") return new AppError(state === "revoked" ? "token_revoked" : "token_expired");
    const onlyOwner = isNeeded && !othersMay(resolved, "subscribe") ? grant.user.id : undefined;
    return onlyOwner === grant.onlyOwner ? undefined : new AppError("access_changed");
  }
}

function toKeyMissing({ endpointName, misplacedKey }: AccessRequest): AppError {
  return toHinted("key_missing", endpointName === "" ? findNameHint(endpointName) : misplacedKey);
}

/** The same for a key that has ended as for one that never was, so that neither can be probed. */
function toInvalid({ endpointName, key }: AccessRequest): AppError {
  return toHinted("endpoint_or_key_invalid", findKeyHint(key) ?? findNameHint(endpointName));
}

function toHinted(code: ErrorCode, detail: string | undefined): AppError {
  return new AppError(code, detail === undefined ? {} : { detail });
}

/** The state of a token. A revocation counts from when it is known. */
function tokenState(token: StoredToken, now: Date): "valid" | "revoked" | "expired" {
  if (token.revokedAt !== null) return "revoked";
  return token.expiresAt <= now ? "expired" : "valid";
}

function keyState(key: Definition["key"], now: Date): "valid" | "revoked" | "expired" {
  // A revocation counts from when it is known, whatever its time says: the clocks of nodes differ.
  if (key.revokedAt !== null) return "revoked";
  return key.expiresAt !== null && key.expiresAt <= now ? "expired" : "valid";
}

function scopeAllows(scope: Definition["key"]["scope"], operation: Operation): boolean {
  switch (operation) {
    case "read":
    case "shareFile":
    case "subscribe":
      return scope !== "write";
    case "create":
    case "update":
    case "delete":
    case "register":
      return scope !== "read";
    case "login":
    case "logout":
      // They write no record: an application that only reads has users who log in, too.
      return true;
  }
}

function checkOrigin(resolved: ResolvedEndpoint, origin: string | undefined): void {
  if (origin === undefined) {
    if (resolved.project.disallowNoOrigin) throw new AppError("origin_required");
  } else if (!isOriginAllowed(resolved, origin)) throw new AppError("origin_not_allowed");
}

function isOriginAllowed({ project }: ResolvedEndpoint, origin: string): boolean {
  return project.allowedOrigins.size === 0 || project.allowedOrigins.has(origin.toLowerCase());
}

/** S4: the token that was sent on purpose, or else that of a cookie that counts. Throws `access_token_missing`. */
function toSentToken({ project }: ResolvedEndpoint, request: AccessRequest): CookieToken {
  return request.accessToken === undefined ? requireTokenCookie(project, request) : { text: request.accessToken, needsListedOrigin: false };
}

/** An authentication endpoint holds people's accounts: it is never open, whatever its switches say (L4), but to those who come to register or to log in. */
function needsToken({ endpoint }: ResolvedEndpoint, operation: Operation): boolean {
  if (endpoint.kind === "authentication") return operation !== "register" && operation !== "login";
  return endpoint.secure;
}

/** S2: whether the operation may see or touch records of other users. Accounts are nobody else's, whatever the switches say (L4). */
function othersMay({ endpoint }: ResolvedEndpoint, operation: Operation): boolean {
  if (endpoint.kind === "authentication") return false;
  switch (operation) {
    case "read":
    case "shareFile":
    case "subscribe":
      return endpoint.othersCanRead;
    case "update":
      return endpoint.othersCanUpdate;
    case "delete":
      return endpoint.othersCanDelete;
    case "create":
    case "register":
    case "login":
    case "logout":
      return true;
  }
}

function isMasterKey({ project }: ResolvedEndpoint, masterKey: string): boolean {
  return project.masterKeyHash !== null && isSameHash(createHash("sha256").update(masterKey).digest(), project.masterKeyHash);
}

function isSameHash(left: Uint8Array | null, right: Uint8Array | null): boolean {
  return left !== null && right !== null && left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
