/** Recognizes and parses data-plane addresses (U1). Versions, names and keys are checked elsewhere. */
import { API_VERSION } from "@/src/shared/streams/protocol";

/**
 * Suffixes of an address after a colon (U17). Each is equivalent to a parameter, so that an API description (G5) can have a separate operation for
 * each kind of response. `methods`: the only allowed ones, as listed in `Allow`. `kind`: only endpoints of this kind support it.
 */
export const DATA_FORMS: Readonly<Record<DataForm, { methods: string; query: string; kind?: "data" | "authentication" }>> = {
  data: { methods: "GET, HEAD, OPTIONS", query: "dataOnly=true" },
  query: { methods: "GET, HEAD, OPTIONS", query: "" },
  file: { methods: "GET, HEAD, POST, OPTIONS", query: "fileOnly=true", kind: "data" },
  fileToken: { methods: "POST, OPTIONS", query: "fileToken=true", kind: "data" },
  // As with `Accept: text/event-stream` (W12).
  events: { methods: "GET, OPTIONS", query: "" },
  bulk: { methods: "POST, OPTIONS", query: "bulk=true", kind: "data" },
  login: { methods: "POST, OPTIONS", query: "login=true", kind: "authentication" },
  logout: { methods: "POST, OPTIONS", query: "logout=true", kind: "authentication" },
  forgot: { methods: "POST, OPTIONS", query: "forgot=true", kind: "authentication" },
  reset: { methods: "POST, OPTIONS", query: "reset=true", kind: "authentication" },
  verify: { methods: "POST, OPTIONS", query: "verify=true", kind: "authentication" },
  link: { methods: "POST, OPTIONS", query: "link=true", kind: "authentication" },
  code: { methods: "POST, OPTIONS", query: "code=true", kind: "authentication" },
};

export type DataForm =
  | ("data" | "query" | "file" | "fileToken" | "events" | "bulk")
  | ("login" | "logout" | "forgot" | "reset" | "verify" | "link" | "code");

/** The parts of a data-plane address, unchecked. None of them need exist. */
export interface DataAddress {
  version: string;
  /** Percent-decoded. Malformed escapes are kept, and so match no name. */
  endpointName: string;
  /** The query without `?`, after the parameter that the suffix stands for. */
  query: string;
  /** The suffix of the name after a colon. Absent in most addresses. */
  form?: DataForm;
}

/** Folders of the dashboard on the level of the versions. */
const DATA_PATH = /^\/api\/(?!(?:auth|manage)\/)([^/]+)\/ce(?:\/(.*))?$/s;

/** How the address of every endpoint of the current version begins. It is compared first, because every request passes here several times. */
const CURRENT = `/api/${API_VERSION}/ce/`;

/** True if the request target `url` (path and query, as in `IncomingMessage.url`) belongs to the data plane or its streams. */
export function isDataPath(url: string): boolean {
  return url.startsWith(CURRENT) || parseDataAddress(url) !== undefined;
}

/** The parts of the request target `url`. Undefined if it does not belong to the data plane. */
export function parseDataAddress(url: string): DataAddress | undefined {
  const target = url.startsWith("/") ? url : toOriginForm(url);
  const questionMark = target.indexOf("?");
  const path = questionMark < 0 ? target : target.slice(0, questionMark);
  const isCurrent = path.startsWith(CURRENT);
  const match = isCurrent ? undefined : DATA_PATH.exec(path);
  if (match === null) return undefined;
  const version = match?.[1] ?? API_VERSION;
  const endpointName = decode(match ? (match[2] ?? "") : path.slice(CURRENT.length));
  const query = questionMark < 0 ? "" : target.slice(questionMark + 1);
  const colon = endpointName.indexOf(":");
  const form = colon < 0 ? "" : endpointName.slice(colon + 1);
  if (!isForm(form)) return { version, endpointName, query };
  return { version, endpointName: endpointName.slice(0, colon), query: `${DATA_FORMS[form].query}&${query}`, form };
}

function isForm(name: string): name is DataForm {
  return name !== "" && Object.hasOwn(DATA_FORMS, name);
}

/** A request target can be absolute (RFC 9112, section 3.2.2): `GET http://host/path HTTP/1.1`. */
function toOriginForm(url: string): string {
  return url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, "");
}

function decode(name: string): string {
  if (!name.includes("%")) return name;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
