/** The parts that the example pages share: their frame, their look, and the code that calls the endpoint and follows its changes. Pure. */
import { type Target, toHttpUrl } from "../../snippets/snippets";

/** The parts of a page that differ. */
export interface ExamplePage {
  title: string;
  note: string;
  /** More CSS. */
  style: string;
  /** HTML of the page's main part. */
  body: string;
  /** JavaScript that uses `send`, `follow`, `show` and `element`. */
  script: string;
}

const STYLE = `:root { color-scheme: light dark; --line: light-dark(#ddd9d2, #3a3835); --muted: light-dark(#66625c, #a19d97); --surface: light-dark(#fff, #211f1d); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 40rem; padding: 1.5rem 1rem; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#faf9f7, #171614); }
h1 { margin: 0; font-size: 1.25rem; }
p { margin: 0; }
header, main { display: grid; gap: 0.75rem; }
main { margin-top: 1.5rem; }
form { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: end; }
label { display: grid; gap: 0.25rem; flex: 1 1 10rem; font-size: 0.875rem; }
input, textarea, select, button { font: inherit; color: inherit; padding: 0.5rem 0.75rem; min-height: 44px; border: 1px solid var(--line); border-radius: 6px; background: var(--surface); }
button { cursor: pointer; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: 0.5rem; }
li { padding: 0.5rem 0.75rem; border: 1px solid var(--line); border-radius: 6px; background: var(--surface); overflow-wrap: anywhere; }
.muted { color: var(--muted); }
:focus-visible { outline: 2px solid light-dark(#2d54c9, #9db4ff); outline-offset: 1px; }`;

const CODE = `  const element = (id) => document.getElementById(id);
  const show = (text) => { element("status").textContent = text; };

  /** Sends a request to the endpoint. */
  async function send(method, parameters, body) {
    const response = await fetch(ENDPOINT + parameters, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const result = await response.json().catch(() => undefined);
    if (!response.ok) throw new Error(result?.detail ?? result?.title ?? "The server can't be reached.");
    return result;
  }`;

const FOLLOW = `

  /** Keeps a copy of the records, and calls onChange with them after each change. Resumes after a lost connection. */
  function follow(onChange) {
    let records = new Map();
    let cursor;
    let attempt = 0;
    let isLive = false;
    function connect() {
      const start = cursor ? "&since=" + cursor : "&since=now&snapshot=true";
      const socket = new WebSocket(ENDPOINT.replace(/^http/, "ws") + start);
      const snapshot = new Map();
      let silence;
      // The server sends a message every 25 seconds.
      const expectMessage = () => { clearTimeout(silence); silence = setTimeout(() => end("The connection was lost."), 60_000); };
      function end(reason) {
        clearTimeout(silence);
        socket.onmessage = socket.onclose = null;
        socket.close();
        isLive = false;
        show(reason + " Connecting again…");
        setTimeout(connect, Math.min(30_000, 1000 * 2 ** attempt++) * (0.5 + Math.random() / 2));
      }
      socket.onmessage = (event) => {
        const message = JSON.parse(event.data);
        attempt = 0;
        expectMessage();
        if (message.type === "GAP") { cursor = undefined; return end("Some changes were missed."); }
        if (message.type === "SNAPSHOT") {
          for (const record of message.record) snapshot.set(record.uniqueId, record);
          if (message.cursor) records = snapshot;
        }
        if (message.type === "POST" || message.type === "PUT") records.set(message.record.uniqueId, message.record);
        if (message.type === "DELETE") records.delete(message.record.uniqueId);
        cursor = message.cursor;
        if (cursor && !isLive) { isLive = true; show("Live"); }
        if (message.type !== "BEAT" && cursor) onChange([...records.values()].sort((a, b) => (a.uniqueId < b.uniqueId ? -1 : 1)));
      };
      socket.onclose = ({ code, reason }) => {
        clearTimeout(silence);
        if (code === 4000) show("The server refused the connection: " + reason);
        else end("The connection was lost.");
      };
      expectMessage();
    }
    connect();
  }`;

const escapeHtml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** A whole page in one text, which needs no other files. */
export function toHtml(target: Target, { title, note, style, body, script }: ExamplePage): string {
  const url = JSON.stringify(toHttpUrl(target)).replaceAll("<", "\\u003c");
  const follows = script.includes("follow(");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
${STYLE}${style === "" ? "" : `\n${style}`}
</style>
</head>
<body>
<header>
  <h1>${escapeHtml(title)}</h1>
  <p class="muted">${escapeHtml(note)}</p>
  <p class="muted" id="status" role="status">${follows ? "Connecting…" : ""}</p>
</header>
<main>
${body}
</main>
<script>
  // The key is public: it identifies this page and is not a secret.
  const ENDPOINT = ${url};

${CODE}${follows ? FOLLOW : ""}

${script}
</script>
</body>
</html>
`;
}
