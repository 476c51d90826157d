/** Programs in JavaScript: fetch, WebSocket and EventSource. For browsers, Node.js, Deno and Bun. */
import { type Language, SAMPLE_USER, toQuoted, type Values } from "./program";

/** A value as an object literal on one line. */
export function toLiteral(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toLiteral).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, member]) => `${/^[A-Za-z_$][\w$]*$/.test(name) && name !== "__proto__" ? name : JSON.stringify(name)}: ${toLiteral(member)}`,
  );
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

const records = ({ http, authorization, sample, filter }: Values) => `const endpoint = ${toQuoted(http)};

async function send(method, url, body) {
  const response = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json"${authorization ? `, Authorization: ${toQuoted(authorization)}` : ""} },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const result = await response.json();
  if (!response.ok) throw new Error(\`\${result.code}: \${result.detail}\`);
  return result;
}

// store a record
const data = ${toLiteral(sample)};
const stored = await send("POST", endpoint, data);
console.log("stored:", JSON.stringify(stored));
const one = \`\${endpoint}&uniqueId=\${stored.uniqueId}\`;

// read it
console.log("read:", JSON.stringify(await send("GET", one)));

// list the newest 10
console.log("newest:", JSON.stringify(await send("GET", \`\${endpoint}&limit=10&order=desc\`)));

// list with a filter: a JSONata expression
const filter = encodeURIComponent(${toQuoted(filter)});
console.log("filtered:", JSON.stringify(await send("GET", \`\${endpoint}&jsonata=\${filter}\`)));

// replace it, then delete it
console.log("replaced:", JSON.stringify(await send("PUT", one, data)));
console.log("deleted:", JSON.stringify(await send("DELETE", one)));
`;

const websocket = ({
  stream,
}: Values) => `// Keeps a copy of the records: the stored ones first, then every change. Resumes after a lost connection.
const stream = ${toQuoted(stream)};
let records = new Map();
let cursor; // where to resume
let attempt = 0;

function connect() {
  const socket = new WebSocket(stream + (cursor ? \`&since=\${cursor}\` : "&since=now&snapshot=true"));
  const snapshot = new Map();
  let silence;

  // The server sends a message every 25 seconds. Without one for a minute, the connection is lost.
  function expectMessage() {
    clearTimeout(silence);
    silence = setTimeout(() => end("silence"), 60_000);
  }

  function end(reason) {
    clearTimeout(silence);
    socket.onmessage = socket.onclose = null;
    socket.close();
    const delay = Math.min(30_000, 1000 * 2 ** attempt++) * (0.5 + Math.random() / 2);
    console.log(\`disconnected (\${reason}): connecting again in \${Math.round(delay)} ms\`);
    setTimeout(connect, delay);
  }

  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    const { type, record } = message;
    attempt = 0;
    expectMessage();
    if (type === "GAP") {
      // Some changes are no longer kept: start over with the stored records.
      cursor = undefined;
      return end("gap");
    }
    if (type === "SNAPSHOT") {
      for (const each of record) snapshot.set(each.uniqueId, each);
      // Only the last part has a cursor.
      if (message.cursor) {
        records = snapshot;
        console.log(\`\${records.size} records\`);
      }
    }
    if (type === "POST" || type === "PUT") records.set(record.uniqueId, record);
    if (type === "DELETE") records.delete(record.uniqueId);
    if (["POST", "PUT", "DELETE"].includes(type)) console.log(type, record.uniqueId, JSON.stringify(record.data));
    cursor = message.cursor;
  };

  socket.onclose = ({ code, reason }) => {
    // 4000: the stream was refused, for example because the key was revoked.
    if (code === 4000) {
      clearTimeout(silence);
      return console.error("refused:", reason);
    }
    end(\`\${code} \${reason}\`);
  };

  expectMessage();
}

connect();
`;

const eventSource = ({
  events,
}: Values) => `// Keeps a copy of the records: the stored ones first, then every change. The browser resumes after a lost connection.
const endpoint = ${toQuoted(events)};
let records = new Map();
let cursor; // where to resume
let attempt = 0;

function connect() {
  const source = new EventSource(endpoint + (cursor ? \`&since=\${cursor}\` : "&since=now&snapshot=true"));
  let snapshot = new Map();

  function end(reason) {
    source.close();
    const delay = Math.min(30_000, 1000 * 2 ** attempt++) * (0.5 + Math.random() / 2);
    console.log(\`disconnected (\${reason}): connecting again in \${Math.round(delay)} ms\`);
    setTimeout(connect, delay);
  }

  source.onmessage = (event) => {
    const message = JSON.parse(event.data);
    const { type, record } = message;
    attempt = 0;
    if (type === "READY") snapshot = new Map();
    if (type === "GAP") {
      // Some changes are no longer kept: start over with the stored records.
      cursor = undefined;
      return end("gap");
    }
    if (type === "SNAPSHOT") {
      for (const each of record) snapshot.set(each.uniqueId, each);
      // Only the last part has a cursor.
      if (message.cursor) {
        records = snapshot;
        console.log(\`\${records.size} records\`);
      }
    }
    if (type === "POST" || type === "PUT") records.set(record.uniqueId, record);
    if (type === "DELETE") records.delete(record.uniqueId);
    if (["POST", "PUT", "DELETE"].includes(type)) console.log(type, record.uniqueId, JSON.stringify(record.data));
    cursor = message.cursor;
  };

  // Why the server ended the stream.
  source.addEventListener("close", ({ data }) => console.log("closed:", data));

  // The browser reconnects by itself, unless the response was an error.
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) end("error response");
  };
}

connect();
`;

const users = ({ http }: Values) => `const endpoint = ${toQuoted(http)};
const user = JSON.stringify(${toLiteral(JSON.parse(SAMPLE_USER))});

async function send(method, url, { body, token } = {}) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = \`Bearer \${token}\`;
  const response = await fetch(url, { method, headers, body });
  return { response, text: await response.text() };
}

// register; a name that is taken fails with username_taken
console.log("registered:", (await send("POST", endpoint, { body: user })).text);

// log in: the header Authorization of the response has the access token
const { response } = await send("POST", \`\${endpoint}&login=true&noATCookie=true\`, { body: user });
const token = response.headers.get("Authorization").replace("Bearer ", "");

// read the user's own record
console.log("read:", (await send("GET", endpoint, { token })).text);

// log out: revokes the token and closes its streams
console.log("logged out:", (await send("POST", \`\${endpoint}&logout=true\`, { token })).text);
`;

export const fetchLanguage: Language = {
  id: "fetch",
  label: "fetch",
  syntax: "c",
  tasks: {
    records: (values) => ({ file: "records.mjs", run: "node records.mjs, or a <script type=module>", code: records(values) }),
    users: (values) => ({ file: "users.mjs", run: "node users.mjs, or a <script type=module>", code: users(values) }),
  },
};

export const websocketLanguage: Language = {
  id: "websocket",
  label: "WebSocket",
  syntax: "c",
  tasks: {
    stream: (values) => ({ file: "follow.mjs", run: "node follow.mjs (22 or later), or a <script>", code: websocket(values) }),
  },
};

export const eventSourceLanguage: Language = {
  id: "event-source",
  label: "EventSource",
  syntax: "c",
  tasks: { stream: (values) => ({ file: "follow.js", run: "a <script> of a page", code: eventSource(values) }) },
};
