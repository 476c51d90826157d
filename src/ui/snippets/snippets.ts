/** The URLs of an endpoint, and curl commands that call it. programs/ has whole programs, in several languages. Pure. */
import { toEndpointPath } from "@/src/shared/streams/protocol";

/** The endpoint and the key that a snippet uses. `origin` is like `https://example.com`. */
export interface Target {
  origin: string;
  endpointName: string;
  key: string;
}

/** The endpoint's URL for HTTP. */
export function toHttpUrl({ origin, endpointName, key }: Target): string {
  return `${origin}${toEndpointPath(endpointName)}?key=${key}`;
}

/** The endpoint's URL for WebSocket. */
export function toStreamUrl(target: Target): string {
  return toHttpUrl(target).replace(/^http/, "ws");
}

/** `text` as one word of a POSIX shell. */
export function toShellWord(text: string): string {
  return /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export interface CurlRequest {
  method: "POST" | "PUT" | "DELETE";
  url: string;
  body?: { content: string; contentType: string };
}

/** The curl command for a request. */
export function toCurl({ method, url, body }: CurlRequest): string {
  const lines = [`curl${method === "POST" && body ? "" : ` -X ${method}`} ${toShellWord(url)}`];
  if (body) lines.push(`-H ${toShellWord(`Content-Type: ${body.contentType}`)}`, `--data-binary ${toShellWord(body.content)}`);
  return lines.join(" \\\n  ");
}

/** The curl command that stores a first record. */
export function toFirstCurl(target: Target): string {
  return toCurl({
    method: "POST",
    url: toHttpUrl(target),
    body: { content: '{"hello":"world"}', contentType: "application/json" },
  }).replace("--data-binary", "-d");
}

/** curl commands that send a mail with the master key, and read its delivery. */
export function toEmailCurl(target: Target): string {
  const http = toHttpUrl(target);
  const body = `{"to":"ada@example.com","subject":"Hello","text":"Hello, Ada!"}`;
  return `# send an e-mail; users send their access token instead: -H "Authorization: Bearer $ACCESS_TOKEN"
curl ${toShellWord(http)} \\
  -H "X-Master-Key: $MASTER_KEY" \\
  -H 'Content-Type: application/json' \\
  -d '${body}'

# read what was sent, and the state of each delivery
curl ${toShellWord(http)} -H "X-Master-Key: $MASTER_KEY"`;
}
