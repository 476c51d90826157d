/** Takes from a request what the access decision needs, the same for HTTP and WebSocket. It must not decide anything. */
import type { DataAddress } from "@/src/shared/data-path";
import { ACCESS_TOKEN_COOKIE } from "@/src/shared/protocol";

/** What a request wants to do. `subscribe` opens a stream of changes; `register`, `login` and `logout` are POSTs to an authentication endpoint (L). */
export type Operation = "read" | "create" | "update" | "delete" | "subscribe" | "register" | "login" | "logout";

export interface AccessRequest {
  version: string;
  endpointName: string;
  key?: string;
  /** Only for `subscribe`: replaces the key. */
  ticket?: string;
  masterKey?: string;
  accessToken?: string;
  origin?: string;
  operation: Operation;
}

/** Node's `IncomingHttpHeaders` satisfies it: names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What the address, its parameters and the headers say. Never raises: what is malformed names nothing, and fails the decision. */
export function toAccessRequest(request: {
  address: DataAddress;
  parameters: URLSearchParams;
  headers: RequestHeaders;
  operation: Operation;
}): AccessRequest {
  const { address, parameters, headers, operation } = request;
  const isStream = operation === "subscribe";
  const key = parameters.get("key");
  const ticket = isStream ? parameters.get("ticket") : null;
  const masterKey = masterKeyOf(parameters, headers);
  // What was sent on purpose goes before the cookie, which the browser adds by itself.
  const accessToken = bearerOf(headers) ?? (isStream ? parameters.get("accessToken") : null) ?? cookieOf(headers, ACCESS_TOKEN_COOKIE);
  const origin = one(headers.origin);
  return {
    version: address.version,
    endpointName: address.endpointName,
    operation,
    ...(key ? { key } : {}),
    ...(ticket ? { ticket } : {}),
    ...(masterKey === undefined ? {} : { masterKey }),
    ...(accessToken ? { accessToken } : {}),
    ...(origin ? { origin } : {}),
  };
}

/** A master key is never ignored (U6): of two different ones at least one is wrong, so what is passed on then matches nothing. */
function masterKeyOf(parameters: URLSearchParams, headers: RequestHeaders): string | undefined {
  const header = one(headers["x-master-key"]);
  const given = parameters.has("masterKey") ? parameters.getAll("masterKey") : [];
  if (header !== undefined) given.push(header);
  return given.every((masterKey) => masterKey === given[0]) ? given[0] : "";
}

function bearerOf(headers: RequestHeaders): string | undefined {
  return /^Bearer +(\S+)$/i.exec(one(headers.authorization) ?? "")?.[1];
}

function cookieOf(headers: RequestHeaders, name: string): string | undefined {
  const header = one(headers.cookie);
  if (!header?.includes(name)) return undefined;
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}

function one(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" ? header : header?.[0];
}
