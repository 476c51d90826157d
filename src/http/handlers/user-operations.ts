/** Authentication endpoints over HTTP (L1–L4): register, log in, log out, change and delete users. The rules are in core/users/users.ts. */
import { stringifySetCookie } from "cookie";
import type { Grant } from "@/src/core/access/access";
import type { Operation } from "@/src/core/access/access-request";
import { toClientAddress } from "@/src/core/access/client-network";
import { areCookiesAccepted } from "@/src/core/access/token-cookie";
import type { Clock } from "@/src/core/clock";
import { parseIfMatch, writeIfMatch } from "@/src/core/http/entity-tag";
import { type ShownRecord, showWritten } from "@/src/core/records/judged-writes";
import { parseFlag, parsePutStrategy } from "@/src/core/records/parameters";
import type { StoredRecord } from "@/src/core/records/ports";
import type { RecordBody } from "@/src/core/records/record-body";
import type { Records } from "@/src/core/records/records";
import type { EmailLogin, LoggedIn, UserEmailRequest, UserEmails } from "@/src/core/users/user-emails";
import type { UserEndpoint, Users } from "@/src/core/users/users";
import {
  type Admitted,
  type BodyLimits,
  callerOf,
  type Handler,
  hideMismatch,
  readRecordBody,
  sendChanged,
  sendJson,
  sendRecord,
  sendStored,
} from "@/src/http/exchange";
import { parseDataOnly, parseUniqueId } from "@/src/http/parameters";
import { AppError } from "@/src/shared/errors";
import type { QueryParameters } from "@/src/shared/http/query";
import { ACCESS_TOKEN_COOKIE, toAccessTokenCookie } from "@/src/shared/streams/protocol";

/** The operations of an authentication endpoint. */
export type UserOperation =
  | Extract<Operation, "read" | "register" | "login" | "logout" | "update" | "delete">
  | ("forgot" | "reset" | "verify" | "link" | "code");

export interface UserHandlerOptions {
  users: Users;
  userEmails: UserEmails;
  records: Pick<Records, "findVersion">;
  clock: Clock;
  config: BodyLimits & { publicUrl?: string };
  /** Reads as a data endpoint does. The grant restricts the records. */
  read: Handler;
}

/** The parameters that make a POST something else than a registration. */
const POST_OPERATIONS = ["login", "logout", "forgot", "reset", "verify", "link", "code"] as const;

/** The operation of a request: POST registers, unless a parameter such as `login=true` is set. Throws `parameter_invalid`. */
export function toUserOperation(operation: "read" | "create" | "update" | "delete", parameters: QueryParameters): UserOperation {
  if (operation !== "create") return operation;
  const [found, other] = POST_OPERATIONS.filter((name) => parseFlag(parameters, name));
  if (other) throw new AppError("parameter_invalid", { detail: `Send ${found}=true or ${other}=true, not both.` });
  return found ?? "register";
}

/** The operation that access is decided for. A login changes no record; a new password and a verified address do, as a registration does (L5). */
export function toAccessOperation(operation: UserOperation): Operation {
  switch (operation) {
    case "link":
    case "code":
      return "login";
    case "forgot":
    case "reset":
    case "verify":
      return "register";
    default:
      return operation;
  }
}

export function createUserHandlers({
  users,
  userEmails,
  records,
  clock,
  config,
  read,
}: UserHandlerOptions): Readonly<Record<UserOperation, Handler>> {
  /** S6: other sites cannot set or delete the cookies of this project's users. */
  function mayUseCookies({ exchange, grant, resolved }: Admitted): boolean {
    return areCookiesAccepted(resolved.project, { origin: grant.origin, headers: exchange.request.headers, publicUrl: config.publicUrl });
  }

  /** Writes under the condition of the request's `If-Match` header (R7). */
  function onCondition<T>(
    { exchange, grant }: Admitted,
    id: string,
    write: (expectedVersion: number | undefined) => Promise<T>,
  ): Promise<T> {
    return writeIfMatch({
      versions: parseIfMatch(exchange.request.headers["if-match"]),
      readVersion: () => records.findVersion({ endpointId: grant.endpoint.id, id }),
      write,
    });
  }

  /** Logs in, and sends the token as a cookie or a header. An `undefined` from `act` means that an e-mail was requested instead. */
  function logIn(act: (request: EmailLogin) => Promise<LoggedIn | undefined>): Handler {
    return async (admitted) => {
      const { exchange } = admitted;
      const dataOnly = parseDataOnly(exchange.parameters);
      const noCookie = parseFlag(exchange.parameters, "noATCookie");
      if (!noCookie && !mayUseCookies(admitted)) {
        const { origin = "the page's origin" } = exchange.request.headers;
        const detail = `Add ${origin} to the project's allowed origins, or log in with noATCookie=true. Cookies from this origin are ignored.`;
        throw new AppError("cookie_origin_not_listed", { detail });
      }
      const body = await readRecordBody(admitted, config);
      if (!body) return;
      const { grant } = admitted;
      const userAgent = exchange.request.headers["user-agent"] ?? null;
      const loggedIn = await act({ ...toEmailRequest(admitted, body), userAgent });
      if (!loggedIn) return sendJson(exchange, 202, "{}");
      const { record, token, expiresAt } = loggedIn;
      if (noCookie) exchange.headers.push("Authorization", `Bearer ${token}`);
      else exchange.headers.push("Set-Cookie", toTokenCookie(token, { projectId: grant.projectId, expiresAt, now: clock.now() }));
      sendStored(admitted, grant.judgeAs ? await showOwn(grant.judgeAs, record) : record, dataOnly);
    };
  }

  /** Responds with an empty object. A `true` from `act` means that an e-mail was requested: 202. */
  function email(status: number, act: (request: UserEmailRequest) => Promise<unknown>): Handler {
    return async (admitted) => {
      const body = await readRecordBody(admitted, config);
      if (!body) return;
      const isRequested = (await act(toEmailRequest(admitted, body))) === true;
      sendJson(admitted.exchange, isRequested ? 202 : status, "{}");
    };
  }

  return {
    read,
    register: async (admitted) => {
      const { exchange } = admitted;
      const dataOnly = parseDataOnly(exchange.parameters);
      const body = await readRecordBody(admitted, config);
      if (!body) return;
      const { grant } = admitted;
      const registration = {
        endpoint: toUserEndpoint(admitted),
        body,
        caller: callerOf(admitted),
        address: toClientAddress(exchange.request),
      };
      const user = await users.register({ ...registration, isTrusted: grant.master, judge: grant.judge });
      exchange.written = user;
      sendRecord(exchange, 201, grant.judgeAs ? await showOwn(grant.judgeAs, user) : user, dataOnly);
    },
    login: logIn((request) => users.login(request)),
    link: logIn((request) => userEmails.link(request)),
    code: logIn((request) => userEmails.code(request)),
    forgot: email(202, (request) => userEmails.forgot(request)),
    reset: email(200, (request) => userEmails.reset(request)),
    verify: email(200, (request) => userEmails.verify(request)),
    logout: async (admitted) => {
      const { exchange, grant } = admitted;
      if (grant.master)
        throw new AppError("access_token_missing", {
          detail: "A master key cannot log out. Send only the access token to revoke.",
        });
      // Without a user, the cookie's token has ended before.
      if (grant.user) await users.logout({ projectId: grant.projectId, tokenId: grant.user.tokenId });
      if (mayUseCookies(admitted)) exchange.response.setHeader("Set-Cookie", toEndedTokenCookies(grant.projectId));
      sendJson(exchange, 200, "{}");
    },
    update: async (admitted) => {
      const { exchange } = admitted;
      const { parameters } = exchange;
      const dataOnly = parseDataOnly(parameters);
      const id = parseUniqueId(parameters);
      const strategy = parsePutStrategy(parameters.get("strategy"));
      const body = await readRecordBody(admitted, config);
      if (!body) return;
      const { grant } = admitted;
      const writing = onCondition(admitted, id, (expectedVersion) =>
        users.update({
          endpoint: toUserEndpoint(admitted),
          id,
          strategy,
          body,
          caller: callerOf(admitted),
          expectedVersion,
          onlyOwner: grant.onlyOwner,
          judge: grant.judge,
          tokenId: grant.user?.tokenId,
          address: toClientAddress(exchange.request),
        }),
      );
      // Every strategy keeps the stored name, so a change is always checked together with stored data.
      const record = await hideMismatch(admitted.resolved, writing);
      exchange.written = record;
      sendChanged(admitted, record, dataOnly);
    },
    delete: async (admitted) => {
      const { exchange, grant } = admitted;
      const dataOnly = parseDataOnly(exchange.parameters);
      const id = parseUniqueId(exchange.parameters);
      const { onlyOwner, judge } = grant;
      const record = await onCondition(admitted, id, (expectedVersion) =>
        users.remove({ endpoint: toUserEndpoint(admitted), id, expectedVersion, onlyOwner, judge }),
      );
      // If the caller deleted its own account, its token is deleted too.
      if (grant.user && mayUseCookies(admitted)) exchange.response.setHeader("Set-Cookie", toEndedTokenCookies(grant.projectId));
      exchange.written = record;
      sendStored(admitted, record, dataOnly);
    },
  };
}

/** A user's record as the user may read it, although the request carries no token (S7). If the judge fails, the record is hidden. */
async function showOwn(judgeAs: NonNullable<Grant["judgeAs"]>, record: StoredRecord): Promise<ShownRecord> {
  const hidden: ShownRecord = { ...record, data: "null", isHidden: true };
  try {
    const [shown] = await showWritten(await judgeAs(record.id), [{ ...record, owner: record.id }]);
    return shown ?? hidden;
  } catch {
    // The user is registered or logged in, so the request does not fail.
    return hidden;
  }
}

function toUserEndpoint({ grant, resolved }: Admitted): UserEndpoint {
  const { schema, userEmails: emails } = resolved.endpoint;
  return { endpointId: grant.endpoint.id, projectId: grant.projectId, schema, emails };
}

function toEmailRequest(admitted: Admitted, body: RecordBody): UserEmailRequest {
  const { exchange, grant } = admitted;
  const address = toClientAddress(exchange.request);
  return { endpoint: toUserEndpoint(admitted), body, caller: callerOf(admitted), address, isTrusted: grant.master };
}

/** For front-ends of other sites (SameSite=None), not readable by scripts, and sent only to the data plane. Browsers accept it only over HTTPS. */
const COOKIE_ATTRIBUTES = { httpOnly: true, secure: true, sameSite: "none", path: "/api" } as const;

/**
 * The Set-Cookie header of a new token; the cookie expires with it. Partitioned: browsers that block third-party cookies keep one for each embedding
 * site.
 */
function toTokenCookie(token: string, { projectId, expiresAt, now }: { projectId: string; expiresAt: Date; now: Date }): string {
  const maxAge = Math.ceil((expiresAt.getTime() - now.getTime()) / 1000);
  return stringifySetCookie(toAccessTokenCookie(projectId), token, { ...COOKIE_ATTRIBUTES, partitioned: true, maxAge });
}

/** The Set-Cookie headers that delete the cookie, and the one of logins from before each project had a cookie of its own. */
function toEndedTokenCookies(projectId: string): string[] {
  const ended = { ...COOKIE_ATTRIBUTES, maxAge: 0 };
  return [
    stringifySetCookie(toAccessTokenCookie(projectId), "", { ...ended, partitioned: true }),
    stringifySetCookie(ACCESS_TOKEN_COOKIE, "", ended),
  ];
}
