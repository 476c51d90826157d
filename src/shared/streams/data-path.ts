/** The form of data-plane addresses (U1): which they are, and their parts. Isomorphic; it must not judge versions, names or keys. */

/**
 * What an address may end with after a colon (U17): the same as a parameter, so that a description (G5) can give each kind of answer an
 * operation of its own. `methods`: the only ones there, as `Allow` lists them. `kind`: only endpoints of this kind have it.
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
};

export type DataForm = "data" | "query" | "file" | "fileToken" | "events" | "bulk" | "login" | "logout";

/** The parts of a data-plane address, undecided: any of them may name nothing. */
export interface DataAddress {
  version: string;
  /** Percent-decoded; malformed escapes are left as they are, and so match no name. */
  endpointName: string;
  /** What follows the first `?`, without it; after the parameter that the form stands for. */
  query: string;
  /** What the name ends with, after a colon; absent in most addresses. */
  form?: DataForm;
}

/** The dashboard has its own folders beside the versions. */
const DATA_PATH = /^\/api\/(?!(?:auth|manage)\/)([^/]+)\/ce(?:\/(.*))?$/s;

/** True when the request target `url` (path and query, as in `IncomingMessage.url`) belongs to the data plane or its streams. */
export function isDataPath(url: string): boolean {
  return parseDataAddress(url) !== undefined;
}

/** The parts of the request target `url`, or undefined when it is not the data plane's. */
export function parseDataAddress(url: string): DataAddress | undefined {
  const target = url.startsWith("/") ? url : toOriginForm(url);
  const questionMark = target.indexOf("?");
  const path = questionMark < 0 ? target : target.slice(0, questionMark);
  const match = DATA_PATH.exec(path);
  if (!match) return undefined;
  const version = match[1] ?? "";
  const endpointName = decode(match[2] ?? "");
  const query = questionMark < 0 ? "" : target.slice(questionMark + 1);
  const colon = endpointName.indexOf(":");
  const form = colon < 0 ? "" : endpointName.slice(colon + 1);
  if (!isForm(form)) return { version, endpointName, query };
  return { version, endpointName: endpointName.slice(0, colon), query: `${DATA_FORMS[form].query}&${query}`, form };
}

function isForm(name: string): name is DataForm {
  return name !== "" && Object.hasOwn(DATA_FORMS, name);
}

/** A request target may be absolute (RFC 9112, section 3.2.2): `GET http://host/path HTTP/1.1`. */
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
