/** The form of data-plane addresses (U1): which they are, and their parts. Isomorphic; it must not judge versions, names or keys. */

/** The parts of a data-plane address, undecided: any of them may name nothing. */
export interface DataAddress {
  version: string;
  /** Percent-decoded; malformed escapes are left as they are, and so match no name. */
  endpointName: string;
  /** What follows the first `?`, without it. */
  query: string;
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
  return {
    version: match[1] ?? "",
    endpointName: decode(match[2] ?? ""),
    query: questionMark < 0 ? "" : target.slice(questionMark + 1),
  };
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
