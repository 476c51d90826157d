/** Takes from a request what the access decision needs, the same for HTTP and WebSocket. It must not decide anything. */
import { findMisplacedKey } from "@/src/core/access/address-hints";
import type { DataAddress } from "@/src/shared/streams/data-path";

/**
 * What a request wants to do. `subscribe` opens a stream of changes; `shareFile` makes a URL that reads a file (F6); `register`, `login` and `logout` are
 * POSTs to an authentication endpoint (L).
 */
export type Operation = "read" | "shareFile" | "create" | "update" | "delete" | "subscribe" | "register" | "login" | "logout";

export interface AccessRequest {
  version: string;
  endpointName: string;
  /** The parameter, or the header `X-API-Key`. */
  key?: string;
  /** Parameter and header name different keys. */
  hasTwoKeys?: true;
  /** Without a key: where it may have been put instead, as a sentence. */
  misplacedKey?: string;
  /** Only for `subscribe`: replaces the key. */
  ticket?: string;
  masterKey?: string;
  /** A token that was sent on purpose: `Authorization`, or on streams the parameter. */
  accessToken?: string;
  /** Only for `read`: what the URL says in place of an access token (F6), and the record that it names. */
  fileToken?: { text: string; recordId: string };
  /** Where a token's cookie may be, and where the request comes from (S6). Read only where a token is needed and none was sent on purpose. */
  headers?: RequestHeaders;
  /** The origin that people use (RESTED_PUBLIC_URL), if one is set. */
  publicUrl?: string | undefined;
  origin?: string | undefined;
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
  publicUrl?: string | undefined;
}): AccessRequest {
  const { address, parameters, headers, operation, publicUrl } = request;
  const isStream = operation === "subscribe";
  const keyParameter = parameters.get("key");
  const keyHeader = one(headers["x-api-key"]);
  const key = keyParameter || keyHeader;
  const hasTwoKeys = Boolean(keyParameter && keyHeader) && keyParameter !== keyHeader;
  const ticket = isStream ? parameters.get("ticket") : null;
  const masterKey = masterKeyOf(parameters, headers);
  const accessToken = bearerOf(headers) ?? (isStream ? parameters.get("accessToken") : null);
  const fileToken = operation === "read" ? parameters.get("fileToken") : null;
  const origin = one(headers.origin);
  return {
    version: address.version,
    endpointName: address.endpointName,
    operation,
    headers,
    publicUrl,
    ...(key ? { key } : {}),
    ...(hasTwoKeys ? { hasTwoKeys } : {}),
    ...(key || ticket ? {} : toMisplaced(parameters, headers)),
    ...(ticket ? { ticket } : {}),
    ...(masterKey === undefined ? {} : { masterKey }),
    ...(accessToken ? { accessToken } : {}),
    ...(fileToken === null ? {} : { fileToken: { text: fileToken, recordId: parameters.get("uniqueId") ?? "" } }),
    ...(origin ? { origin } : {}),
  };
}

function toMisplaced(parameters: URLSearchParams, headers: RequestHeaders): Pick<AccessRequest, "misplacedKey"> {
  const misplacedKey = findMisplacedKey(parameters, headers);
  return misplacedKey === undefined ? {} : { misplacedKey };
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

/** The first of a header's values. */
export function one(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" ? header : header?.[0];
}
