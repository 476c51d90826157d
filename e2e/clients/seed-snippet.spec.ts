import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import vm from "node:vm";
import { expect, type Page, test } from "playwright/test";
import { generate } from "selfsigned";
import WebSocket from "ws";
import { type RunningServer, startServer } from "../support/server";

const run = promisify(execFile);
const PATH = "/api/1/ce/examples/unsecure-endpoint?key=d59eb2859c284168ac48aef65046d5dd";

/** The snippet of the original documentation. Only the protocol and the host differ. */
const snippet = (wsUrl: string) => `
function websocketExample() {
console.log('Creating socket');
let socket = new WebSocket(
'${wsUrl}${PATH}'
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
websocketExample();
`;

interface Message {
  type: string;
  record: Record<string, unknown>;
}

/** The message has the documented members and no others. */
function expectDocumentedShape(message: Message, data: unknown) {
  expect(Object.keys(message).sort()).toEqual(["record", "type"]);
  expect(message.type).toBe("POST");
  expect(Object.keys(message.record).sort()).toEqual(["createdAt", "data", "uniqueId", "updatedAt"]);
  expect(message.record.data).toEqual(data);
  expect(message.record.uniqueId).toMatch(/^[0-9a-f]{32}$/);
  expect(message.record.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(message.record.updatedAt).toBe(message.record.createdAt);
}

async function curlPost(url: string, json: string) {
  const { stdout } = await run("curl", ["-sk", "-w", "\n%{http_code}", "-H", "Content-Type: application/json", "-d", json, url + PATH]);
  expect(stdout.trimEnd().split("\n").at(-1)).toBe("201");
}

/** Runs the snippet in a Node context. `message` resolves with the message that the snippet prints. */
function runInNode(wsUrl: string, SocketClass: unknown): { open: Promise<void>; message: Promise<Message> } {
  let onOpen = () => {};
  let onMessage = (_: Message) => {};
  const open = new Promise<void>((resolve) => {
    onOpen = resolve;
  });
  const message = new Promise<Message>((resolve) => {
    onMessage = resolve;
  });
  const console = {
    log: (text: string, data?: Message) => {
      if (text === "Socket open.") onOpen();
      if (text === "Socket server message" && data) onMessage(JSON.parse(JSON.stringify(data)));
    },
    error: () => {},
  };
  vm.runInNewContext(snippet(wsUrl), { console, WebSocket: SocketClass });
  return { open, message };
}

/** Runs the snippet in a page of the server. Resolves when its socket is open. */
async function runInPage(page: Page, server: RunningServer): Promise<{ message: Promise<Message> }> {
  const message = new Promise<Message>((resolve) => {
    page.on("console", async (line) => {
      if (line.text().startsWith("Socket server message")) resolve((await line.args()[1]?.jsonValue()) as Message);
    });
  });
  await page.goto(`${server.url}/api/health`);
  const opened = page.waitForEvent("console", (line) => line.text() === "Socket open.");
  await page.addScriptTag({ content: snippet(server.wsUrl) });
  await opened;
  return { message };
}

test("[D1] [W2] the documentation's snippet prints the documented message, in Node and in Chromium, after a curl POST", async ({
  page,
}) => {
  const server = await startServer({ env: { RESTED_DEMO: "1" } });
  try {
    const node = runInNode(server.wsUrl, WebSocket);
    await node.open;

    const { message: inPage } = await runInPage(page, server);

    await curlPost(server.url, '{"someNewData":"test"}');
    expectDocumentedShape(await node.message, { someNewData: "test" });
    expectDocumentedShape(await inPage, { someNewData: "test" });
  } finally {
    await server.dispose();
  }
});

test("[W1] the same over wss with a self-signed certificate", async ({ browser }) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "rested-tls-"));
  const { cert, private: key } = await generate([{ name: "commonName", value: "localhost" }], { keySize: 2048 });
  await writeFile(path.join(folder, "cert.pem"), cert);
  await writeFile(path.join(folder, "key.pem"), key);
  const server = await startServer({
    env: { RESTED_DEMO: "1", TLS_CERT_FILE: path.join(folder, "cert.pem"), TLS_KEY_FILE: path.join(folder, "key.pem") },
  });
  try {
    expect(server.wsUrl).toMatch(/^wss:/);
    class TrustingSocket extends WebSocket {
      constructor(url: string) {
        super(url, { rejectUnauthorized: false });
      }
    }
    const node = runInNode(server.wsUrl, TrustingSocket);
    await node.open;

    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const { message: inPage } = await runInPage(page, server);

    await curlPost(server.url, '{"someNewData":"test"}');
    expectDocumentedShape(await node.message, { someNewData: "test" });
    expectDocumentedShape(await inPage, { someNewData: "test" });
    await context.close();
  } finally {
    await server.dispose();
    await rm(folder, { recursive: true, force: true });
  }
});
