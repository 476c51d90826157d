/** Decides whether a request is allowed (U3–U7, S1, W6). HTTP, WebSocket and SSE share this one decision. */
import {
  areOthersAllowed,
  checkOrigin,
  findSentToken,
  isMasterKey,
  isOriginAllowed,
  isSameHash,
  keyState,
  needsToken,
  requireSentToken,
  scopeAllows,
  toJudgeRequest,
  tokenState,
} from "@/src/core/access/access-checks";
import type { AccessRequest } from "@/src/core/access/access-request";
import type { Tokens } from "@/src/core/access/access-tokens";
import { findKeyHint, findNameHint } from "@/src/core/access/address-hints";
import type { SignIn, StoredToken } from "@/src/core/access/ports";
import { type JudgeRequest, type RecordJudge, type RecordJudges, toJudgedOperation } from "@/src/core/access/record-judge";
import type { Definitions, ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import type { SignIns } from "@/src/core/access/sign-ins";
import { isListed } from "@/src/core/access/token-cookie";
import type { Clock } from "@/src/core/clock";
import type { FileTokenHolder, FileTokens } from "@/src/core/files/tokens";
import { andThen, type MaybePromise } from "@/src/core/maybe-promise";
import { AppError, isAppError } from "@/src/shared/errors";
import { API_VERSION } from "@/src/shared/streams/protocol";

/** An allowed operation and the identity that it was allowed to. */
export interface Grant {
  endpoint: { id: string; name: string };
  projectId: string;
  /** The account that owns the project. */
  ownerId: string;
  /** Null if the stream was opened with a ticket. */
  keyId: string | null;
  /** When the key expires. An open stream must end at that time (W6). */
  keyExpiresAt: Date | null;
  /** True if a valid master key was sent (U6). */
  master: boolean;
  /**
   * The user whose access token was sent, and when that token expires. Null if no token is needed, and at an endpoint with rules that is not secure if
   * none was sent. New records belong to this user.
   */
  user: { id: string; tokenId: string; tokenExpiresAt: Date } | null;
  /**
   * Restricts the records that the operation may see (read, subscribe) or change (update, delete) to those of this user (S2). Undefined: all records.
   */
  onlyOwner: string | undefined;
  /** Decides about each record (S7). Absent: the endpoint has neither rules nor an access function, or the master key was sent. */
  judge?: RecordJudge;
  /** The judge for another user of this authentication endpoint, for responses to a registration and to a login. Absent as `judge`. */
  judgeAs?: (userId: string) => MaybePromise<RecordJudge>;
  /** The Origin header of the request, if it had one. */
  origin?: string;
  /** The origin to return in CORS headers (U5), if there is one. */
  allowedOrigin?: string;
  via: "key" | "ticket";
  /** The sign-in that requested the ticket. The stream ends with it (W6). Absent without a ticket. */
  signIn?: SignIn;
  /** Compared by {@link Access.recheck}. Contains secrets: do not log it. */
  evidence: {
    key: string | null;
    masterKeyHash: Uint8Array | null;
    revision: number;
    /** `Tokens.generation()` from before the token was looked up. */
    tokenGeneration: number;
    /** The token came in a cookie that is accepted because the project lists the origin (S6). It is no longer accepted once the origin is removed. */
    needsListedOrigin: boolean;
  };
}

export interface Access {
  /** Calls `resolve` and `authorize`. Throws the error of the first failed check. */
  decide(request: AccessRequest): Promise<Grant>;
  /**
   * Looks up what the URL names (U3). Known at once if it is cached. If nothing has these names, returns the error, because throwing would take most of
   * the time of such a request: `api_version_unknown`, `key_missing`, `parameter_invalid` for two different keys, `endpoint_or_key_invalid` or
   * `ticket_invalid`. Throws `database_unavailable`.
   */
  resolve(request: AccessRequest): MaybePromise<ResolvedEndpoint | AppError>;
  /** True if `resolve` needs no query. */
  isKnown(request: AccessRequest): boolean;
  /**
   * Checks key, master key, origin, scope and token, in this order. Returns a promise only if a token must be looked up. Throws the error of the first
   * failed check.
   */
  authorize(resolved: ResolvedEndpoint, request: AccessRequest): MaybePromise<Grant>;
  /**
   * True if `authorize` would still return an equal grant, as far as this node knows (S9). Needs no query. Can be false although nothing has changed: then
   * authorize the request again.
   */
  isCurrent(grant: Grant, resolved: ResolvedEndpoint): boolean;
  /**
   * Calls `resolve` and `authorize` again for a request whose body has arrived after its head (S9). Throws the error of the first failed check, and
   * `endpoint_or_key_invalid` if the name means another endpoint by now.
   */
  renew(grant: Grant, request: AccessRequest): Promise<{ grant: Grant; resolved: ResolvedEndpoint }>;
  /**
   * The request's origin if the project lets it read responses, including errors (U5). `listed` is true if it may also send and receive cookies (S6).
   * Undefined: send no CORS headers.
   */
  echoOrigin(
    resolved: ResolvedEndpoint,
    request: Pick<AccessRequest, "origin" | "masterKey">,
  ): { origin: string; listed: boolean } | undefined;
  /**
   * Checks an open stream after an invalidation. Returns the reason why the grant no longer holds (an error of W6), or undefined if it holds. Updates
   * `grant.keyExpiresAt` and `grant.user.tokenExpiresAt`: for example, a rotation gives a key an expiry. Throws `database_unavailable`; call it again
   * later then.
   */
  recheck(grant: Grant): Promise<AppError | undefined>;
}

export function createAccess(options: {
  definitions: Definitions;
  tokens: Tokens;
  signIns: Pick<SignIns, "isValid">;
  fileTokens: Pick<FileTokens, "verify">;
  /** Default: no endpoint has rules. */
  judges?: RecordJudges | undefined;
  clock: Clock;
}): Access {
  return new DefinedAccess(options);
}

class DefinedAccess implements Access {
  readonly #definitions: Definitions;
  readonly #tokens: Tokens;
  readonly #signIns: Pick<SignIns, "isValid">;
  readonly #fileTokens: Pick<FileTokens, "verify">;
  readonly #judges: RecordJudges | undefined;
  readonly #clock: Clock;

  constructor({ definitions, tokens, signIns, fileTokens, judges, clock }: Parameters<typeof createAccess>[0]) {
    this.#definitions = definitions;
    this.#tokens = tokens;
    this.#signIns = signIns;
    this.#fileTokens = fileTokens;
    this.#judges = judges;
    this.#clock = clock;
  }

  async decide(request: AccessRequest): Promise<Grant> {
    const resolved = await this.resolve(request);
    if (isAppError(resolved)) throw resolved;
    return this.authorize(resolved, request);
  }

  resolve(request: AccessRequest): MaybePromise<ResolvedEndpoint | AppError> {
    if (request.version !== API_VERSION) return new AppError("api_version_unknown");
    if (request.ticket !== undefined && request.operation === "subscribe") return this.#redeem(request.ticket, request);
    if (!request.key) return toKeyMissing(request);
    if (request.hasTwoKeys)
      return new AppError("parameter_invalid", { detail: "The parameter key and the header X-API-Key differ. Send one." });
    return andThen(this.#definitions.find(request.key, request.endpointName), (resolved) => resolved ?? toInvalid(request));
  }

  async #redeem(ticket: string, { endpointName }: AccessRequest): Promise<ResolvedEndpoint | AppError> {
    const resolved = await this.#definitions.redeemTicket(ticket);
    return resolved?.endpoint.name === endpointName ? resolved : new AppError("ticket_invalid");
  }

  isKnown({ version, key, endpointName, ticket }: AccessRequest): boolean {
    return version === API_VERSION && ticket === undefined && key !== undefined && this.#definitions.has(key, endpointName);
  }

  authorize(resolved: ResolvedEndpoint, request: AccessRequest): MaybePromise<Grant> {
    const { key } = resolved;
    if (key && keyState(key, this.#clock.now()) !== "valid") throw toInvalid(request);
    const master = request.masterKey !== undefined;
    if (request.masterKey !== undefined && !isMasterKey(resolved, request.masterKey)) throw new AppError("master_key_invalid");
    const fileHolder = request.fileToken && this.#verifyFileToken(resolved, request.fileToken);
    // Browsers send no Origin for <img> and <video>. A valid file token replaces the origin check.
    if (key && !master && !(fileHolder && request.origin === undefined)) checkOrigin(resolved, request.origin);
    if (key && !scopeAllows(key.scope, request.operation)) throw new AppError("key_scope_insufficient");
    const tokenGeneration = this.#tokens.generation();
    const isTokenNeeded = key !== null && !master && needsToken(resolved, request.operation);
    const isJudged = key !== null && !master && fileHolder?.kind !== "master" && this.#isJudged(resolved);
    if (!isTokenNeeded && !isJudged) return this.#grant(resolved, request, { tokenGeneration, needsListedOrigin: false });
    if (fileHolder)
      return this.#findHolder(resolved, fileHolder, isTokenNeeded).then((token) =>
        this.#admit(resolved, request, { token, tokenGeneration, needsListedOrigin: false, isJudged }),
      );
    const sent = isTokenNeeded ? requireSentToken(resolved, request) : findSentToken(resolved, request);
    if (!sent) return this.#admit(resolved, request, { tokenGeneration, needsListedOrigin: false, isJudged });
    const { text, needsListedOrigin } = sent;
    return andThen(this.#authenticate(resolved, text), (token) => {
      // L3: a logout with the cookie of an ended token succeeds, because only the cookie has to be cleared.
      if (!token && (request.operation !== "logout" || request.accessToken !== undefined)) throw new AppError("access_token_invalid");
      return this.#admit(resolved, request, { token, tokenGeneration, needsListedOrigin, isJudged });
    });
  }

  isCurrent({ user, keyExpiresAt, judge, evidence }: Grant, resolved: ResolvedEndpoint): boolean {
    if (!resolved.isCached || judge?.isCurrent?.() === false) return false;
    if (user === null && keyExpiresAt === null) return true;
    if (user !== null && evidence.tokenGeneration !== this.#tokens.generation()) return false;
    const now = this.#clock.now();
    return (user === null || user.tokenExpiresAt > now) && (keyExpiresAt === null || keyExpiresAt > now);
  }

  async renew({ endpoint }: Grant, request: AccessRequest): Promise<{ grant: Grant; resolved: ResolvedEndpoint }> {
    const resolved = await this.resolve(request);
    if (isAppError(resolved)) throw resolved;
    if (resolved.endpoint.id !== endpoint.id) throw toInvalid(request);
    return { grant: await this.authorize(resolved, request), resolved };
  }

  #isJudged({ endpoint }: ResolvedEndpoint): boolean {
    return this.#judges?.isJudged(endpoint) === true;
  }

  /** The grant with its judge, if the endpoint has rules (S7). */
  #admit(
    resolved: ResolvedEndpoint,
    request: AccessRequest,
    checked: { token?: StoredToken | undefined; tokenGeneration: number; needsListedOrigin: boolean; isJudged: boolean },
  ): MaybePromise<Grant> {
    const grant = this.#grant(resolved, request, checked);
    const judges = checked.isJudged ? this.#judges : undefined;
    if (!judges) return grant;
    const find = (user: JudgeRequest["user"]) => judges.find(toJudgeRequest(resolved, user, request.origin));
    const operation = toJudgedOperation(request.operation);
    grant.judgeAs = (id) => find({ id, endpointId: resolved.endpoint.id });
    if (operation === undefined) return grant;
    // The judge decides instead. Rules can open accounts to other users for reading only (L4).
    if (resolved.endpoint.kind === "data" || operation === "read" || operation === "subscribe") grant.onlyOwner = undefined;
    return andThen(find(checked.token ? { id: checked.token.userId, endpointId: checked.token.endpointId } : null), (judge) => {
      grant.judge = judge;
      return grant;
    });
  }

  /** The grant of a request that has passed every check. `token`: that of the caller, if one is needed. */
  #grant(
    resolved: ResolvedEndpoint,
    request: AccessRequest,
    { token, tokenGeneration, needsListedOrigin }: { token?: StoredToken | undefined; tokenGeneration: number; needsListedOrigin: boolean },
  ): Grant {
    const { key, endpoint, project } = resolved;
    const master = request.masterKey !== undefined;
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
      onlyOwner: token && !areOthersAllowed(resolved, request.operation) ? token.userId : undefined,
      via: key ? "key" : "ticket",
      evidence: {
        key: key ? (request.key ?? null) : null,
        masterKeyHash: master ? project.masterKeyHash : null,
        revision: project.revision,
        tokenGeneration,
        needsListedOrigin,
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
   * S1: the caller's token, or undefined if it does not exist or has ended. Throws `access_token_invalid` for a token that belongs to users of
   * another endpoint or project. The message is the same in both cases, so tokens cannot be probed.
   */
  #authenticate(resolved: ResolvedEndpoint, accessToken: string): MaybePromise<StoredToken | undefined> {
    return andThen(this.#tokens.find(accessToken), (token) => {
      if (!token || tokenState(token, this.#clock.now()) !== "valid") return undefined;
      // L4: an account belongs to its user only. Users of the project's other authentication endpoints are refused.
      const isStranger = resolved.endpoint.kind === "authentication" && token.endpointId !== resolved.endpoint.id;
      if (token.projectId !== resolved.project.id || isStranger) throw new AppError("access_token_invalid");
      return token;
    });
  }

  /** F6: the holder on whose behalf a file token reads the record that the request names. */
  #verifyFileToken({ endpoint, project }: ResolvedEndpoint, { text, recordId }: NonNullable<AccessRequest["fileToken"]>): FileTokenHolder {
    const holder = this.#fileTokens.verify(text, { endpointId: endpoint.id, recordId, masterKeyHash: project.masterKeyHash });
    if (!holder) throw new AppError("file_token_invalid");
    return holder;
  }

  /** The access token that a file token depends on. Returns undefined for the master key, which needs none, and if the endpoint needs none. */
  async #findHolder(resolved: ResolvedEndpoint, holder: FileTokenHolder, isTokenNeeded: boolean): Promise<StoredToken | undefined> {
    if (holder.kind === "master" || (holder.kind === "key" && !isTokenNeeded)) return undefined;
    const token = holder.kind === "user" ? await this.#tokens.findById(holder.accessTokenId) : undefined;
    // The file token was created before the endpoint was secure, or the user has logged out or was deleted.
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
      // The endpoint no longer has this name: it was deleted or renamed.
      return new AppError((await this.#definitions.findEndpoint(grant.endpoint.id)) ? "access_changed" : "endpoint_deleted");
    }
    if (!resolved.key) return new AppError("access_changed");
    grant.keyExpiresAt = resolved.key.expiresAt;
    const state = keyState(resolved.key, this.#clock.now());
    if (state !== "valid") return new AppError(state === "revoked" ? "key_revoked" : "key_expired");
    if (!scopeAllows(resolved.key.scope, "subscribe")) return new AppError("access_changed");
    if (grant.master) return isSameHash(resolved.project.masterKeyHash, masterKeyHash) ? undefined : new AppError("access_changed");
    if (this.#isJudged(resolved) !== (grant.judge !== undefined)) return new AppError("access_changed");
    const problem = await this.#recheckToken(resolved, grant);
    if (problem) return problem;
    if (grant.origin === undefined) return resolved.project.disallowNoOrigin ? new AppError("access_changed") : undefined;
    const mayStay = grant.evidence.needsListedOrigin ? isListed(resolved.project, grant.origin) : isOriginAllowed(resolved, grant.origin);
    return mayStay ? undefined : new AppError("origin_removed");
  }

  /** Why a console stream must end: the endpoint was deleted, the sign-in has ended, or the project belongs to another account. */
  async #recheckTicket({ endpoint, signIn }: Grant): Promise<AppError | undefined> {
    const resolved = await this.#definitions.findEndpoint(endpoint.id);
    if (!resolved) return new AppError("endpoint_deleted");
    if (!signIn || !(await this.#signIns.isValid(signIn))) return new AppError("session_ended");
    return resolved.project.ownerId === signIn.userId ? undefined : new AppError("access_changed");
  }

  /**
   * Why a user's stream must end: its token has ended, or the user would now see other records than at the start. A stream that was opened with a
   * token ends with that token (W6), even if the endpoint no longer requires one.
   */
  async #recheckToken(resolved: ResolvedEndpoint, grant: Grant): Promise<AppError | undefined> {
    const isNeeded = needsToken(resolved, "subscribe");
    if (!grant.user) return isNeeded ? new AppError("endpoint_secured") : this.#recheckJudge(resolved, grant, null);
    const token = await this.#tokens.findById(grant.user.tokenId);
    // Tokens are deleted with their user, or some time after they expired.
    if (!token) return new AppError(grant.user.tokenExpiresAt <= this.#clock.now() ? "token_expired" : "user_deleted");
    grant.user.tokenExpiresAt = token.expiresAt;
    const state = tokenState(token, this.#clock.now());
    if (state !== "valid") return new AppError(state === "revoked" ? "token_revoked" : "token_expired");
    if (grant.judge) return this.#recheckJudge(resolved, grant, { id: token.userId, endpointId: token.endpointId });
    const onlyOwner = isNeeded && !areOthersAllowed(resolved, "subscribe") ? grant.user.id : undefined;
    return onlyOwner === grant.onlyOwner ? undefined : new AppError("access_changed");
  }

  /** Whether a new judge would give the stream other verdicts, or none. Throws `database_unavailable` and `server_busy`. */
  async #recheckJudge(resolved: ResolvedEndpoint, { judge, origin }: Grant, user: JudgeRequest["user"]): Promise<AppError | undefined> {
    if (!judge || !this.#judges) return undefined;
    try {
      const current = await this.#judges.find(toJudgeRequest(resolved, user, origin));
      return current.identity === judge.identity ? undefined : new AppError("access_changed");
    } catch (error) {
      if (isAppError(error) && error.entry.retryable) throw error;
      // Without a judge, nothing may be sent.
      return new AppError("access_changed", { cause: error });
    }
  }
}

function toKeyMissing({ endpointName, misplacedKey }: AccessRequest): AppError {
  return toHinted("key_missing", endpointName === "" ? findNameHint(endpointName) : misplacedKey);
}

/** The error is the same for an ended and for an unknown key, so keys cannot be probed. */
function toInvalid({ endpointName, key }: AccessRequest): AppError {
  return toHinted("endpoint_or_key_invalid", findKeyHint(key) ?? findNameHint(endpointName));
}

function toHinted(code: keyof typeof UNHINTED, detail: string | undefined): AppError {
  return detail === undefined ? UNHINTED[code] : new AppError(code, { detail });
}

/** Made once, because a flood of requests without a valid key must stay cheap to refuse. */
const UNHINTED = { key_missing: new AppError("key_missing"), endpoint_or_key_invalid: new AppError("endpoint_or_key_invalid") };
