/** The single checks of the access decision (U4, U6, U7, S1, S2), which access.ts puts together. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { AccessRequest, Operation } from "@/src/core/access/access-request";
import type { Definition, StoredToken } from "@/src/core/access/ports";
import type { JudgeRequest } from "@/src/core/access/record-judge";
import type { ResolvedEndpoint } from "@/src/core/access/resolved-endpoints";
import { type CookieToken, findAcceptedCookie, requireTokenCookie } from "@/src/core/access/token-cookie";
import { AppError } from "@/src/shared/errors";

/** The state of a token. A revocation takes effect as soon as it is known. */
export function tokenState(token: StoredToken, now: Date): "valid" | "revoked" | "expired" {
  if (token.revokedAt !== null) return "revoked";
  return token.expiresAt <= now ? "expired" : "valid";
}

/** The state of a key. */
export function keyState(key: Definition["key"], now: Date): "valid" | "revoked" | "expired" {
  // A revocation takes effect as soon as it is known, regardless of its time: the nodes' clocks differ.
  if (key.revokedAt !== null) return "revoked";
  return key.expiresAt !== null && key.expiresAt <= now ? "expired" : "valid";
}

/** Whether a key with this scope may be used for the operation (U7). */
export function scopeAllows(scope: Definition["key"]["scope"], operation: Operation): boolean {
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
      // Login and logout change no record, so an application with a read-only key can use them.
      return true;
  }
}

/** Throws `origin_required` or `origin_not_allowed` unless the project accepts the origin (U4). Undefined: the request has none. */
export function checkOrigin(resolved: ResolvedEndpoint, origin: string | undefined): void {
  if (origin === undefined) {
    if (resolved.project.disallowNoOrigin) throw new AppError("origin_required");
  } else if (!isOriginAllowed(resolved, origin)) throw new AppError("origin_not_allowed");
}

/** True if the project lists the origin, or lists none. Letter case is ignored. */
export function isOriginAllowed({ project }: ResolvedEndpoint, origin: string): boolean {
  return project.allowedOrigins.size === 0 || project.allowedOrigins.has(origin.toLowerCase());
}

/** S4: the token that was sent explicitly, or else the one in an accepted cookie. Throws `access_token_missing`. */
export function requireSentToken({ project }: ResolvedEndpoint, request: AccessRequest): CookieToken {
  return request.accessToken === undefined ? requireTokenCookie(project, request) : { text: request.accessToken, needsListedOrigin: false };
}

/**
 * The token that was sent to a data endpoint that needs none. A cookie that does not count is ignored. Registrations and logins ignore tokens, because
 * browsers send the cookies of ended tokens with them.
 */
export function findSentToken({ endpoint, project }: ResolvedEndpoint, request: AccessRequest): CookieToken | undefined {
  if (endpoint.kind === "authentication") return undefined;
  return request.accessToken === undefined ? findAcceptedCookie(project, request) : { text: request.accessToken, needsListedOrigin: false };
}

/** An authentication endpoint holds personal accounts. It always needs a token (L4), except to register and to log in. */
export function needsToken({ endpoint }: ResolvedEndpoint, operation: Operation): boolean {
  if (endpoint.kind === "authentication") return operation !== "register" && operation !== "login";
  return endpoint.secure;
}

/** S2: true if the operation may see or change records of other users. Accounts are private regardless of the switches (L4). */
export function areOthersAllowed({ endpoint }: ResolvedEndpoint, operation: Operation): boolean {
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

/** Compares hashes in constant time. False if the project has no master key (U6). */
export function isMasterKey({ project }: ResolvedEndpoint, masterKey: string): boolean {
  return project.masterKeyHash !== null && isSameHash(createHash("sha256").update(masterKey).digest(), project.masterKeyHash);
}

/** Compares in constant time. False if one is null. */
export function isSameHash(left: Uint8Array | null, right: Uint8Array | null): boolean {
  return left !== null && right !== null && left.byteLength === right.byteLength && timingSafeEqual(left, right);
}

/** The caller of an operation at an endpoint with rules or a function. */
export function toJudgeRequest(resolved: ResolvedEndpoint, user: JudgeRequest["user"], origin: string | undefined): JudgeRequest {
  const allowsOthers: JudgeRequest["allowsOthers"] = (operation) =>
    !needsToken(resolved, operation) || areOthersAllowed(resolved, operation);
  const userEndpoint = (user && resolved.project.userEndpoints.get(user.endpointId)) ?? "";
  return { resolved, user, userEndpoint, origin, allowsOthers };
}
