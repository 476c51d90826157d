/** Reads from a request everything that the access decision needs. HTTP and WebSocket requests are read the same way. */
import { findMisplacedKey } from "@/src/core/access/address-hints";
import type { QueryParameters } from "@/src/shared/http/query";
import type { DataAddress } from "@/src/shared/streams/data-path";

/**
 * The operation that a request wants to perform. `subscribe` opens a stream of changes; `shareFile` creates a URL that reads a file (F6); `register`,
 * `login` and `logout` are POSTs to an authentication endpoint (L).
 */
export type Operation = "read" | "shareFile" | "create" | "update" | "delete" | "subscribe" | "register" | "login" | "logout";

export interface AccessRequest {
  version: string;
  endpointName: string;
  /** From the `key` parameter or the `X-API-Key` header. */
  key?: string;
  /** The parameter and the header contain different keys. */
  hasTwoKeys?: true;
  /** Set only without a key: a sentence that names the place where the key may have been put instead. */
  misplacedKey?: string;
  /** Only for `subscribe`: replaces the key. */
  ticket?: string;
  masterKey?: string;
  /** A token that was sent explicitly: in `Authorization` or, on streams, in the `accessToken` parameter. */
  accessToken?: string;
  /** Only for `read`: the file token in the URL, which replaces an access token (F6), and the record that the URL names. */
  fileToken?: { text: string; recordId: string };
  /** Contains the token's cookie and the origin of the request (S6). Read only if a token is needed and none was sent explicitly. */
  headers?: RequestHeaders;
  /** The server's public origin (RESTED_PUBLIC_URL), if it is set. */
  publicUrl?: string | undefined;
  origin?: string | undefined;
  operation: Operation;
}

/** Header names are in lower case. Node's `IncomingHttpHeaders` satisfies this type. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Collects what the address, its parameters and the headers contain. Never throws: a malformed value matches nothing, so the access decision fails.
 */
export function toAccessRequest(request: {
  address: DataAddress;
  parameters: QueryParameters;
  headers: RequestHeaders;
  operation: Operation;
  publicUrl?: string | undefined;
}): AccessRequest {
  const { address, parameters, headers, operation, publicUrl } = request;
  const isStream = operation === "subscribe";
  const keyParameter = parameters.get("key");
  const keyHeader = firstValue(headers["x-api-key"]);
  const key = keyParameter || keyHeader;
  const hasTwoKeys = Boolean(keyParameter && keyHeader) && keyParameter !== keyHeader;
  const ticket = isStream ? parameters.get("ticket") : null;
  const masterKey = masterKeyOf(parameters, headers);
  const accessToken = bearerOf(headers) ?? (isStream ? parameters.get("accessToken") : null);
  const fileToken = operation === "read" ? parameters.get("fileToken") : null;
  const origin = firstValue(headers.origin);
  const misplacedKey = key || ticket ? undefined : findMisplacedKey(parameters, headers);
  const access: AccessRequest = { version: address.version, endpointName: address.endpointName, operation, headers, publicUrl };
  if (key) access.key = key;
  if (hasTwoKeys) access.hasTwoKeys = hasTwoKeys;
  if (misplacedKey !== undefined) access.misplacedKey = misplacedKey;
  if (ticket) access.ticket = ticket;
  if (masterKey !== undefined) access.masterKey = masterKey;
  if (accessToken) access.accessToken = accessToken;
  if (fileToken !== null) access.fileToken = { text: fileToken, recordId: parameters.get("uniqueId") ?? "" };
  if (origin) access.origin = origin;
  return access;
}

/** A master key is never ignored (U6). If two different ones are sent, at least one is wrong, so this returns a value that matches nothing. */
function masterKeyOf(parameters: QueryParameters, headers: RequestHeaders): string | undefined {
  const header = firstValue(headers["x-master-key"]);
  if (!parameters.has("masterKey")) return header;
  const given = parameters.getAll("masterKey");
  if (header !== undefined) given.push(header);
  return given.every((masterKey) => masterKey === given[0]) ? given[0] : "";
}

function bearerOf(headers: RequestHeaders): string | undefined {
  const authorization = firstValue(headers.authorization);
  return authorization === undefined ? undefined : /^Bearer +(\S+)$/i.exec(authorization)?.[1];
}

/** The first value of a header. */
export function firstValue(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" ? header : header?.[0];
}
