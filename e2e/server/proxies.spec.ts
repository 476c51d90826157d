/** Runs behind the proxies of docs/operating.md, with the configurations from there: a browser signs in, watches the console, streams and uploads. */
import https from "node:https";
import { expect, type Page, test } from "playwright/test";
import { createCleanup } from "@/src/runtime/cleanup";
import { findFreePort } from "@/tests/support/servers/ports";
import { until } from "@/tests/support/until";
import { ADMIN } from "../support/dashboard";
import { readDatabaseUrl } from "../support/database";
import { isInstalled, type ProxyName, PUBLIC_HOST, startProxy } from "../support/proxies";
import { type RunningServer, startServer } from "../support/server";

const DEMO = "/api/1/ce/examples/unsecure-endpoint?key=d59eb2859c284168ac48aef65046d5dd";
/** The log code for a sign-in from another origin. */
const TRACE = "cross_site_request";
const SECRET = "vQn0x4Jm8Lr2Tz6Wy1Kb5Hd9Fg3Sp7Xc";
const ALL: readonly ProxyName[] = ["nginx", "caddy", "haproxy"];
const PROXIES = ALL.filter(isInstalled);
for (const name of ALL) if (!PROXIES.includes(name)) console.warn(`${name} is not installed, so its tests are skipped.`);

test.use({
  ignoreHTTPSErrors: true,
  launchOptions: async ({ launchOptions }, use) =>
    use({ ...launchOptions, args: [...(launchOptions.args ?? []), `--host-resolver-rules=MAP ${PUBLIC_HOST} 127.0.0.1`] }),
});

for (const name of PROXIES) {
  test.describe(name, () => {
    test(`[G1] [W1] [W16] [F1] sign-in, console, WebSocket, server-sent events and uploads work behind ${name}`, async ({
      page,
      context,
    }) => {
      const port = await findFreePort();
      const upstream = await findFreePort();
      const publicUrl = `https://${PUBLIC_HOST}:${port}`;
      const server = await startServer({ port: upstream, env: { RESTED_PUBLIC_URL: publicUrl, TRUST_PROXY: "loopback" } });
      const proxy = await startProxy(name, { port, upstreams: [upstream] });
      try {
        await signUp(page, server);
        const cookie = (await context.cookies()).find((one) => one.name.endsWith("rested.session"));
        expect(cookie).toMatchObject({ name: "__Host-rested.session", secure: true, httpOnly: true });
        await expect(page.getByText("Live", { exact: true }).last()).toBeVisible();
        const curl = await page.getByText(/^curl /).innerText();
        const address = /'(http[^']+)'/.exec(curl.replaceAll("\n", ""))?.[1] ?? "";
        await page.getByRole("button", { name: "Send test record" }).click();
        await expect(page.getByRole("row", { name: /create/ })).toHaveCount(1);
        expect(address.startsWith(`${publicUrl}/api/1/ce/`)).toBe(true);
        expect(await page.evaluate(streamAndUpload, address)).toEqual({
          socket: ["POST", { n: 1 }],
          events: ["POST", { n: 1 }],
          upload: 201,
          downloaded: 3 * 1024 * 1024,
        });
      } finally {
        await proxy.stop();
        await server.dispose();
      }
    });
  });
}

test.describe("a rolling restart", () => {
  const cleanup = createCleanup();
  test.afterEach(() => cleanup.run());

  for (const name of PROXIES) {
    test(`[E7] loses no request behind ${name}: each of two servers is replaced during writes`, async () => {
      test.setTimeout(180_000);
      const databaseOwner = await startServer({ env: { RESTED_DEMO: "1" } });
      cleanup.add(databaseOwner.dispose);
      const [port, one, two] = [await findFreePort(), await findFreePort(), await findFreePort()];
      const publicUrl = `https://${PUBLIC_HOST}:${port}`;
      const env = {
        ...{ DATABASE_URL: await readDatabaseUrl(databaseOwner.dataDir), RESTED_SECRET: SECRET, RESTED_PUBLIC_URL: publicUrl },
        ...{ TRUST_PROXY: "loopback", RESTED_DRAIN_MS: "5000", RESTED_RATE_LIMIT: "0", RESTED_REQUESTS_PER_ADDRESS_MAX: "0" },
      };
      const start = async (upstream: number) => {
        const server = await startServer({ port: upstream, env });
        cleanup.add(server.dispose);
        // The cleanup does not wait for the drain.
        cleanup.add(server.kill);
        return server;
      };
      const servers = [
        { upstream: one, server: await start(one) },
        { upstream: two, server: await start(two) },
      ];
      const proxy = await startProxy(name, { port, upstreams: [one, two] });
      cleanup.add(proxy.stop);
      const writers = await startWriters(port);
      cleanup.add(async () => void (await writers.stop()));
      await writers.have(100);
      for (const { upstream, server } of servers) {
        const stopping = server.stop();
        await until("health reports draining", () => isDraining(upstream));
        await writers.have(100);
        expect(await stopping).toBe(0);
        await writers.have(100);
        const renewed = await start(upstream);
        await until("the proxy uses the new server", async () => {
          await writers.leaveTrace();
          return renewed.output().includes(TRACE);
        });
        await writers.have(100);
      }
      const { statuses, count } = await writers.stop();
      expect(statuses).toEqual({ 200: count });
    });
  }
});

async function isDraining(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/api/health`);
  return response.status === 503 && (await response.json()).status === "draining";
}

/**
 * Four clients that replace a record each without pausing, over persistent connections. They do not use POST: nginx, which has no health checks,
 * does not retry a POST that reaches a port while it closes.
 */
async function startWriters(port: number) {
  const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
  const statuses: Record<string, number> = {};
  let count = 0;
  let isStopped = false;
  const send = (method: string, path: string, extra: Record<string, string> = {}) =>
    new Promise<{ status: string; body: string }>((resolve) => {
      const headers = { Host: `${PUBLIC_HOST}:${port}`, "Content-Type": "application/json", ...extra };
      const request = https.request({ host: "127.0.0.1", port, path, method, headers, agent }, (response) => {
        let body = "";
        response.on("data", (chunk) => {
          body += String(chunk);
        });
        response.on("end", () => resolve({ status: String(response.statusCode), body }));
      });
      request.on("error", (error) => resolve({ status: error.message, body: "" })).end('{"n":1}');
    });
  const records = await Promise.all(Array.from({ length: 4 }, () => send("POST", DEMO)));
  const clients = records.map(async ({ body }) => {
    const { uniqueId } = JSON.parse(body);
    while (!isStopped) {
      const { status } = await send("PUT", `${DEMO}&uniqueId=${uniqueId}`);
      statuses[status] = (statuses[status] ?? 0) + 1;
      count += 1;
    }
  });
  return {
    /** Resolves after `more` further responses. */
    have: (more: number) => {
      const goal = count + more;
      return until("writes go on", () => count >= goal);
    },
    /** Sends a request that the receiving server logs. */
    leaveTrace: () => send("POST", "/api/auth/callback/credentials", { Origin: "https://other.example" }),
    stop: async () => {
      isStopped = true;
      await Promise.all(clients);
      agent.destroy();
      return { statuses, count };
    },
  };
}

async function signUp(page: Page, server: RunningServer): Promise<void> {
  await page.goto(server.setupUrl ?? "");
  await page.getByLabel("Your name").fill(ADMIN.name);
  await page.getByLabel("E-mail").fill(ADMIN.email);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("What are you storing?")).toBeFocused();
  await page.keyboard.type("Temperature readings");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/p\/[^/]+\/endpoints\/[^/]+\/live$/);
}

/** Runs in the page. Returns what both kinds of streams received, and the results of an upload and a download. */
async function streamAndUpload(address: string) {
  const socket = new WebSocket(address.replace(/^http/, "ws"));
  const events = new EventSource(address);
  const opened = [socket, events].map((stream) => new Promise((resolve) => stream.addEventListener("open", resolve)));
  await Promise.all(opened);
  const received = [socket, events].map(
    (stream) =>
      new Promise<[string, unknown]>((resolve) => {
        stream.addEventListener("message", (event) => {
          const { type, record } = JSON.parse((event as MessageEvent<string>).data);
          if (type === "POST") resolve([type, record.data]);
        });
      }),
  );
  const headers = { "Content-Type": "application/json" };
  await fetch(address, { method: "POST", headers, body: '{"n":1}' });
  const [first, second] = await Promise.all(received);
  socket.close();
  events.close();
  const form = new FormData();
  form.append("file", new Blob([new Uint8Array(3 * 1024 * 1024)], { type: "image/png" }), "a.png");
  const uploaded = await fetch(address, { method: "POST", body: form });
  const stored = await uploaded.json();
  const { uniqueId } = Array.isArray(stored) ? stored[0] : stored;
  const file = await fetch(`${address}&uniqueId=${uniqueId}&fileOnly=true`);
  return { socket: first, events: second, upload: uploaded.status, downloaded: (await file.arrayBuffer()).byteLength };
}
