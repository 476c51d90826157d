/** The chat example, run as its README describes: the cookie flow over HTTPS and the header flow over HTTP, in two browsers. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { type Browser, expect, type Page, test, type WebSocketRoute } from "playwright/test";
import { generate } from "selfsigned";
import { toAccessTokenCookie } from "@/src/shared/streams/protocol";
import { enter, openAlone, servePage } from "../support/example-pages";
import { type RunningServer, startServer } from "../support/server";

const PAGE = "examples/chat/index.html";

const ADMIN_TOKEN = "9d1c7b04e6f2a8351c0db97ef64a28531b7c";
const ADMIN = {
  RESTED_ADMIN_EMAIL: "admin@example.com",
  RESTED_ADMIN_PASSWORD: "correct horse battery",
  RESTED_ADMIN_TOKEN: ADMIN_TOKEN,
};

async function manage(server: RunningServer, apiPath: string, body: object): Promise<{ id: string; keys?: { key: string }[] }> {
  const payload = JSON.stringify(body);
  const headers = { Authorization: `Bearer ${ADMIN_TOKEN}`, "Content-Type": "application/json" };
  const client = server.url.startsWith("https:") ? https : http;
  const text = await new Promise<string>((resolve, reject) => {
    const request = client.request(
      `${server.url}/api/manage/${apiPath}`,
      { method: "POST", headers, rejectUnauthorized: false },
      async (response) => {
        let body = "";
        for await (const chunk of response) body += String(chunk);
        if (response.statusCode === 201) resolve(body);
        else reject(new Error(`${response.statusCode} ${body}`));
      },
    );
    request.on("error", reject);
    request.end(payload);
  });
  return JSON.parse(text);
}

/** Creates the project of the example's README and returns its id and key. `pageUrl` is the URL of the page. */
async function createProject(server: RunningServer, pageUrl: string): Promise<{ id: string; key: string }> {
  const project = await manage(server, "projects", { name: "Chat example", allowedOrigins: [pageUrl] });
  for (const endpoint of [
    { name: "chat/users", kind: "authentication" },
    { name: "chat/room", secure: true, othersCanRead: true },
    { name: "chat/private", secure: true },
  ])
    await manage(server, `projects/${project.id}/endpoints`, endpoint);
  return { id: project.id, key: project.keys?.[0]?.key ?? "" };
}

async function send(page: Page, place: "Everybody" | "Only me", text: string): Promise<void> {
  await page.getByRole("button", { name: place }).click();
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: text })).toBeVisible();
}

/** Resolves when a WebSocket that the page opens after this call receives a matching message. */
function findMessage(page: Page, pattern: RegExp): Promise<void> {
  return new Promise((resolve) => {
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => {
        if (pattern.test(payload.toString())) resolve();
      }),
    );
  });
}

/** The steps of both flows: a room for everyone, and private messages on every device of a user. */
async function chat(browser: Browser, address: string): Promise<{ ada: Page; bob: Page; adasPhone: Page }> {
  const ada = await openAlone(browser, address);
  await enter(ada, "ada", "Register");
  const bob = await openAlone(browser, address);
  await enter(bob, "bob", "Register");
  const adasPhone = await openAlone(browser, address);
  await enter(adasPhone, "ada", "Log in");

  await send(ada, "Everybody", "hello all");
  await expect(bob.getByRole("listitem").filter({ hasText: "hello all" })).toBeVisible();
  // Users can delete only their own messages. Everyone sees the deletion.
  await expect(bob.getByRole("button", { name: "Delete" })).toHaveCount(0);

  await adasPhone.getByRole("button", { name: "Only me" }).click();
  await bob.getByRole("button", { name: "Only me" }).click();
  await send(ada, "Only me", "ada's secret");
  await expect(adasPhone.getByRole("listitem").filter({ hasText: "ada's secret" })).toBeVisible();
  await send(bob, "Only me", "bob's secret");
  // Bob's message is after Ada's in the log and has arrived on his stream, so hers would have arrived too.
  await expect(bob.getByRole("listitem")).toHaveCount(1);
  await expect(ada.getByRole("listitem")).toHaveCount(1);

  // After a reload, the records come from the list, and each user still sees only their own.
  await bob.reload();
  await bob.getByRole("button", { name: "Only me" }).click();
  await expect(bob.getByRole("listitem")).toHaveText([/bob's secret/]);

  await ada.getByRole("button", { name: "Everybody" }).click();
  await bob.getByRole("button", { name: "Everybody" }).click();
  await ada.getByRole("listitem").filter({ hasText: "hello all" }).getByRole("button", { name: "Delete" }).click();
  await expect(bob.getByRole("listitem")).toHaveCount(0);
  return { ada, bob, adasPhone };
}

test("[L2] [S2] [W5] the chat example over http: the token in a header", async ({ browser }) => {
  const server = await startServer({ env: ADMIN });
  const host = await servePage(PAGE);
  try {
    const { key } = await createProject(server, host.url);
    const { ada, adasPhone } = await chat(browser, `${host.url}/?server=${server.url}&key=${key}`);
    expect(await ada.evaluate(() => document.cookie)).toBe("");
    expect(await ada.evaluate(() => sessionStorage.getItem("token"))).toMatch(/^[A-Za-z0-9_-]{43}$/);
    // Logging out ends only this session.
    await ada.getByRole("button", { name: "Log out" }).click();
    await expect(ada.getByLabel("Password")).toBeVisible();
    await send(adasPhone, "Only me", "still here");
  } finally {
    await host.close();
    await server.dispose();
  }
});

test("[W9] the chat example reports a response that is not from the server, and reconnects", async ({ browser }) => {
  const server = await startServer({ env: ADMIN });
  const host = await servePage(PAGE);
  try {
    const { key } = await createProject(server, host.url);
    const page = await openAlone(browser, `${host.url}/?server=${server.url}&key=${key}`);
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await enter(page, "ada", "Register");
    await send(page, "Everybody", "before");
    const headers = { "Access-Control-Allow-Origin": "*" };
    const pattern = "**/api/1/ce/chat/**";
    await page.route(pattern, (route) => route.fulfill({ status: 200, headers, contentType: "text/html", body: "<h1>Wi-Fi</h1>" }));
    await page.reload();
    await expect(page.getByRole("status")).toHaveText(/The response is not from the server/);
    await page.unroute(pattern);
    await expect(page.getByRole("listitem").filter({ hasText: "before" })).toBeVisible();
    // Only the streams are cut off, before they have sent the stored records.
    let isCutOff = true;
    await page.routeWebSocket(pattern, (socket) => {
      if (isCutOff) void socket.close({ code: 1011 });
      else socket.connectToServer();
    });
    await page.reload();
    await expect(page.getByRole("status")).toHaveText("reconnecting");
    isCutOff = false;
    await expect(page.getByRole("listitem").filter({ hasText: "before" })).toBeVisible();
    expect(errors).toEqual([]);
  } finally {
    await host.close();
    await server.dispose();
  }
});

test("[W11] the chat example misses no message that is sent while it reads the stored ones", async ({ browser }) => {
  const server = await startServer({ env: ADMIN });
  const host = await servePage(PAGE);
  try {
    const { key } = await createProject(server, host.url);
    const address = `${host.url}/?server=${server.url}&key=${key}`;
    const bob = await openAlone(browser, address);
    await enter(bob, "bob", "Register");
    await send(bob, "Everybody", "before");

    const ada = await openAlone(browser, address);
    const isSent = findMessage(ada, /"between"/);
    // Whichever way the page reads the stored messages, over HTTP or on the stream: the next one is sent after they were read.
    const isRead = findMessage(ada, /"SNAPSHOT".*"before"/);
    const isListed = new Promise<void>((resolve) => {
      void ada.route("**/api/1/ce/chat/room?*", async (route) => {
        const response = await route.fetch();
        resolve();
        await isSent;
        await route.fulfill({ response });
      });
    });
    await ada.getByLabel("Name").fill("ada");
    await ada.getByLabel("Password").fill("password of ada");
    await ada.getByRole("button", { name: "Register" }).click();
    await Promise.race([isRead, isListed]);
    await send(bob, "Everybody", "between");
    await isSent;
    await expect(ada.getByRole("listitem")).toHaveText([/before/, /between/]);
  } finally {
    await host.close();
    await server.dispose();
  }
});

test("[W10] the chat example reads the stored messages again when changes can't be replayed", async ({ browser }) => {
  const server = await startServer({ env: ADMIN });
  const host = await servePage(PAGE);
  try {
    const { key } = await createProject(server, host.url);
    const page = await openAlone(browser, `${host.url}/?server=${server.url}&key=${key}`);
    const sockets: WebSocketRoute[] = [];
    await page.routeWebSocket("**/api/1/ce/chat/room?*", (socket) => {
      socket.connectToServer();
      sockets.push(socket);
    });
    await enter(page, "ada", "Register");
    await send(page, "Everybody", "stored");
    sockets[0]?.send(JSON.stringify({ type: "GAP", from: "a-1", to: "a-2", reason: "expired", cursor: "a-2" }));
    await expect.poll(() => sockets.length).toBe(2);
    expect(new URL(sockets[1]?.url() ?? "").searchParams.get("snapshot")).toBe("true");
    await expect(page.getByRole("status")).toHaveText("live");
    await expect(page.getByRole("listitem")).toHaveText([/stored/]);
  } finally {
    await host.close();
    await server.dispose();
  }
});

test("[L2] [L3] [W6] the chat example over https: the token in a cookie that no script can read", async ({ browser }) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "rested-chat-"));
  const { cert, private: tlsKey } = await generate([{ name: "commonName", value: "localhost" }], { keySize: 2048 });
  const files = { TLS_CERT_FILE: path.join(folder, "cert.pem"), TLS_KEY_FILE: path.join(folder, "key.pem") };
  await writeFile(files.TLS_CERT_FILE, cert);
  await writeFile(files.TLS_KEY_FILE, tlsKey);
  const server = await startServer({ env: { ...ADMIN, ...files } });
  const host = await servePage(PAGE, { cert, key: tlsKey });
  try {
    const { id, key } = await createProject(server, host.url);
    const { ada } = await chat(browser, `${host.url}/?server=${server.url}&key=${key}`);
    expect(await ada.evaluate(() => document.cookie)).toBe("");
    expect(await ada.evaluate(() => sessionStorage.length)).toBe(0);
    const cookies = await ada.context().cookies(`${server.url}/api`);
    expect(cookies).toEqual([
      expect.objectContaining({ name: toAccessTokenCookie(id), httpOnly: true, secure: true, sameSite: "None", path: "/api" }),
    ]);
    // A second page of the same browser shares the session. Logging out in one closes the streams of the other.
    const second = await ada.context().newPage();
    await second.goto(ada.url());
    await expect(second.getByRole("status")).toHaveText("live");
    await ada.getByRole("button", { name: "Log out" }).click();
    await expect(second.getByLabel("Password")).toBeVisible();
    await expect(second.getByRole("status")).toHaveText(/revoked/);
  } finally {
    await host.close();
    await server.dispose();
    await rm(folder, { recursive: true, force: true });
  }
});
