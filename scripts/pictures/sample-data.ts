/** A small company's data: a greenhouse with sensors, and a shop with users and orders. Everything is written through the API. */
import { type APIRequestContext, request } from "playwright";
import { ADMIN } from "@/e2e/support/dashboard";
import { connectToDatabase } from "@/e2e/support/database";
import type { RunningServer } from "@/e2e/support/server";
import { writeTrafficHistory } from "./traffic-history";

export interface SampleData {
  url: string;
  project: string;
  endpoints: { readings: string; alerts: string; orders: string; customers: string };
  /** The key of the page's snippets, and one that only reads. */
  key: string;
  readOnlyKey: string;
  /** The cookies of a signed-in browser. */
  signedIn: Awaited<ReturnType<APIRequestContext["storageState"]>>;
  emptyProject: string;
  /** Sends the readings to the URL. */
  createWebhook: (url: string) => Promise<void>;
  /** Makes the numbers over time those of the sample again, and not those of the machine that makes the pictures. */
  writeHistory: () => Promise<void>;
  dispose: () => Promise<void>;
}

const CUSTOMERS = [
  { username: "ada", contact: "ada@example.com", plan: "business", city: "London" },
  { username: "grace", contact: "grace@example.com", plan: "starter", city: "New York" },
  { username: "katherine", contact: "katherine@example.com", plan: "business", city: "Hampton" },
  { username: "linus", contact: "linus@example.com", plan: "starter", city: "Helsinki" },
  { username: "margaret", contact: "margaret@example.com", plan: "business", city: "Boston" },
];
const PASSWORD = "a long sentence of words";
/** Shown in the list of sessions. */
const BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const ROOMS = ["hall", "north house", "south house", "orchids", "seedlings"];

/** A reading of one of the sensors, as the console and the records show it. */
export function toReading(n: number): Record<string, unknown> {
  const wave = Math.sin(n / 5);
  return {
    room: ROOMS[n % ROOMS.length],
    temperature: Math.round((21.4 + wave * 3 + (n % 7) * 0.2) * 10) / 10,
    humidity: 52 + Math.round(wave * 9) + (n % 5),
    sensor: { id: `s-${String((n % 12) + 1).padStart(2, "0")}`, battery: 98 - (n % 41) },
    windowOpen: n % 6 === 0,
  };
}

export async function createSampleData(server: RunningServer): Promise<SampleData> {
  const api = await request.newContext({ baseURL: server.url, userAgent: BROWSER, extraHTTPHeaders: { Origin: server.url } });
  const manage = async (path: string, data?: unknown, method = "POST") => {
    const response = await api.fetch(`/api/manage/${path}`, data === undefined ? { method: "GET" } : { method, data });
    if (!response.ok()) throw new Error(`${path} responded with ${response.status()}: ${await response.text()}`);
    return response.status() === 204 ? undefined : response.json();
  };
  await manage("setup", { token: new URL(server.setupUrl ?? "").searchParams.get("token"), ...ADMIN });
  const { csrfToken } = await (await api.get("/api/auth/csrf")).json();
  await api.post("/api/auth/callback/credentials", { form: { csrfToken, email: ADMIN.email, password: ADMIN.password, json: "true" } });

  const emptyProject = (await manage("projects", { name: "Field trial" })).id;
  const { id: shop } = await manage("projects", { name: "Newsletter" });
  await manage(`projects/${shop}/endpoints`, { name: "newsletter/sign-ups" });
  const created = await manage("projects", {
    name: "Greenhouse",
    allowedOrigins: ["https://greenhouse.example.com", "https://shop.example.com"],
  });
  const project = created.id;
  const endpoint = async (data: Record<string, unknown>) => (await manage(`projects/${project}/endpoints`, data)).id as string;
  const customers = await endpoint({ name: "shop/customers", kind: "authentication", description: "Accounts of the shop" });
  const orders = await endpoint({ name: "shop/orders", secure: true, description: "Each customer sees their own" });
  const alerts = await endpoint({ name: "greenhouse/alerts" });
  const readings = await endpoint({
    name: "greenhouse/readings",
    description: "One record for each sensor and minute",
    schema: {
      type: "object",
      required: ["room", "temperature"],
      properties: {
        room: { type: "string", enum: ROOMS },
        temperature: { type: "number", minimum: -20, maximum: 60 },
        humidity: { type: "integer", minimum: 0, maximum: 100 },
      },
    },
  });
  const [first] = created.keys;
  await manage(`keys/${first.id}`, { name: "Web app" }, "PATCH").catch(() => undefined);
  const { key: readOnlyKey } = await manage(`projects/${project}/keys`, { name: "Wall display", scope: "read" });
  const { id: oldId } = await manage(`projects/${project}/keys`, { name: "Sensor gateway", scope: "write" });
  await manage(`keys/${oldId}/rotate`, { graceSeconds: 3_600 });

  await writeRecords({ url: server.url, key: first.key });
  const database = await connectToDatabase(server.dataDir);
  const writeHistory = async () => {
    await writeTrafficHistory(database, { project, endpoints: [readings, alerts, orders], keyId: first.id });
    await writeTrafficHistory(database, { project: shop, endpoints: [], keyId: first.id, scale: 0.2 });
  };
  await writeHistory();
  const signedIn = await api.storageState();
  return {
    url: server.url,
    project,
    endpoints: { readings, alerts, orders, customers },
    key: first.key,
    readOnlyKey,
    signedIn,
    emptyProject,
    createWebhook: (target) => manage(`projects/${project}/webhooks`, { url: target, endpoints: ["greenhouse/readings"] }),
    writeHistory,
    dispose: async () => {
      await database.end();
      await api.dispose();
    },
  };
}

/** Sends one request of an application, and returns the response's body and its access token, if it has one. */
export async function send(
  { url, key }: { url: string; key: string },
  endpoint: string,
  { method = "POST", query = "", body, token }: { method?: string; query?: string; body?: unknown; token?: string },
): Promise<{ uniqueId: string; token: string }> {
  const response = await fetch(`${url}/api/1/ce/${endpoint}?key=${key}${query}`, {
    method,
    headers: { "Content-Type": "application/json", ...(token === undefined ? {} : { Authorization: token }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const { uniqueId = "" } = response.ok && text.startsWith("{") ? JSON.parse(text) : {};
  return { uniqueId, token: response.headers.get("authorization") ?? "" };
}

async function writeRecords(target: { url: string; key: string }): Promise<void> {
  const login = "&login=true&noATCookie=true";
  let [total, token] = [0, ""];
  for (const customer of CUSTOMERS) {
    await send(target, "shop/customers", { body: { ...customer, password: PASSWORD } });
    ({ token } = await send(target, "shop/customers", { query: login, body: { username: customer.username, password: PASSWORD } }));
    for (let n = 0; n < 3; n++) {
      total++;
      const body = { number: 1_040 + total, items: [{ plant: "Fern", count: n + 1 }], total: 12.5 * (n + 1), paid: n !== 1 };
      await send(target, "shop/orders", { token, body });
    }
  }
  await send(target, "greenhouse/alerts", { body: { level: "warning", room: "orchids", text: "Humidity below 45 %" } });
  const readings = Array.from({ length: 160 }, (_, n) => toReading(n));
  await send(target, "greenhouse/readings", { query: "&bulk=true", body: readings });
}
