/** Code snippets that write to an endpoint and stream its changes, in several languages. Pure. */
import { toEndpointPath } from "@/src/shared/streams/protocol";

/** The endpoint and the key that a snippet uses. `origin` is like `https://example.com`. */
export interface Target {
  origin: string;
  endpointName: string;
  key: string;
}

export interface Snippet {
  id: "curl" | "fetch" | "websocket" | "event-source" | "python";
  label: string;
  code: string;
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

/** curl commands that register a user, log in, and read the user's own record. */
export function toUserCurl(target: Target): string {
  const http = toHttpUrl(target);
  const send = (url: string) => `curl ${toShellWord(url)} \\
  -H 'Content-Type: application/json' \\
  -d '{"username":"ada","password":"correct horse"}'`;
  return `# register a user
${send(http)}

# log in: the Authorization header of the response has the access token
${send(`${http}&login=true&noATCookie=true`).replace("curl ", "curl -i ")}

# read the user's own record
curl ${toShellWord(http)} -H "Authorization: Bearer $ACCESS_TOKEN"`;
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

/** Snippets that store a record, read all records, and stream changes. */
export function toSnippets(target: Target): Snippet[] {
  const http = toHttpUrl(target);
  const stream = toStreamUrl(target);
  return [
    {
      id: "curl",
      label: "curl",
      code: `# store a record
${toFirstCurl(target)}

# read every record
curl ${toShellWord(http)}

# replace one, then delete it
curl -X PUT ${toShellWord(`${http}&uniqueId=<id>`)} \\
  -H 'Content-Type: application/json' \\
  -d '{"hello":"again"}'
curl -X DELETE ${toShellWord(`${http}&uniqueId=<id>`)}`,
    },
    {
      id: "fetch",
      label: "fetch",
      code: `const endpoint = "${http}";

// store a record
const stored = await fetch(endpoint, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ hello: "world" }),
}).then((response) => response.json());

// read every record
const records = await fetch(endpoint).then((response) => response.json());

// replace the first one
await fetch(\`\${endpoint}&uniqueId=\${stored.uniqueId}\`, {
  method: "PUT",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ hello: "again" }),
});`,
    },
    {
      id: "websocket",
      label: "WebSocket",
      code: `function websocketExample() {
  console.log('Creating socket');
  let socket = new WebSocket(
    '${stream}'
  );
  socket.onopen = () => {
    console.log('Socket open.');
  };
  socket.onmessage = (message) => {
    const data = JSON.parse(message.data);
    console.log('Socket server message', data);
  };
  socket.onerror = (error) => {
    console.error('Error ', error);
  };
  socket.onclose = (error) => {
    console.error('Close ', error);
  };
}
websocketExample();`,
    },
    {
      id: "event-source",
      label: "EventSource",
      code: `// reconnects automatically and receives missed changes
const source = new EventSource("${http}");
source.onmessage = ({ data }) => {
  const { type, record } = JSON.parse(data);
  console.log(type, record);
};
// changes that are no longer available: read the records again
source.addEventListener("gap", () => console.warn("Some changes were missed"));`,
    },
    {
      id: "python",
      label: "Python",
      code: `import json
from urllib.request import Request, urlopen

ENDPOINT = "${http}"

# store a record
request = Request(
    ENDPOINT,
    data=json.dumps({"hello": "world"}).encode(),
    headers={"Content-Type": "application/json"},
    method="POST",
)
print(json.load(urlopen(request)))

# read every record
print(json.load(urlopen(ENDPOINT)))

# stream changes: pip install websockets
import asyncio
import websockets

async def stream():
    # by default the library rejects messages over 1 MiB
    async with websockets.connect("${stream}", max_size=None) as socket:
        async for message in socket:
            print(json.loads(message))

asyncio.run(stream())`,
    },
  ];
}
