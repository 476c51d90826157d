/** The management API of a fresh database, called as Next calls it: by method and path, on the route files themselves. */
import { readdirSync } from "node:fs";
import path from "node:path";
import type { Config } from "@/src/config/config";
import type { Log } from "@/src/core/log";
import type { ChangeNotification } from "@/src/core/streams/ports";
import { createSetupToken } from "@/src/management/keys/secrets";
import type { NodeOptions } from "@/src/runtime/compose";
import { getRuntime, installRuntime, type Runtime, uninstallRuntime } from "@/src/runtime/registry";
import type { TestDatabase } from "./database";
import { type FilesFolder, startTestNode } from "./test-node";

export const HOST = "rested.test:3000";
export const ORIGIN = `http://${HOST}`;

/** A response whose body was read. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body; undefined when there is none. Typed loosely: tests assert on it. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read responses of every shape
  body: any;
}

export interface Call {
  /** A value that is sent as JSON; or what `raw` says. */
  body?: unknown;
  raw?: { contentType: string; bytes: BodyInit };
  headers?: Record<string, string>;
  /** Aborts when the client has gone. */
  signal?: AbortSignal;
}

export interface Person {
  id: string;
  email: string;
  /** A management token. */
  token: string;
  call(method: string, path: string, call?: Call): Promise<Answer>;
}

export interface ManageServer {
  runtime: Runtime;
  databaseUrl: string;
  /** The change notifications to subscribers. */
  notifications: ChangeNotification[];
  /** The log entries at `info` and above. */
  logged: { context: object; message: string }[];
  /** Where its files are. */
  folder: FilesFolder;
  setupToken: string;
  /** Moves the injected clock. */
  advance(ms: number): void;
  call(method: string, path: string, call?: Call): Promise<Answer>;
  /** An account with a management token, made behind the API. */
  createPerson(name: string): Promise<Person>;
  stop(): Promise<void>;
}

/** Only one at a time: it installs the process's runtime. `shared`: another server's database, which stays when this one stops. */
export async function startManageServer(
  overrides: Partial<Config> = {},
  shared?: TestDatabase,
  mail?: NodeOptions["mail"],
): Promise<ManageServer> {
  const logged: { context: object; message: string }[] = [];
  const note = (context: object, message: string) => void logged.push({ context, message });
  const log: Log = { debug: () => undefined, info: note, warn: note, error: note };
  let offsetMs = 0;
  const clock = { now: () => new Date(Date.now() + offsetMs) };
  const testNode = await startTestNode({ config: { managementRateLimit: 0, ...overrides }, database: shared, clock, log, mail });
  const { database, folder } = testNode;
  const { runtime } = testNode.node;
  const notifications: ChangeNotification[] = [];
  testNode.notifications.subscribe((notification) => notifications.push(notification));
  installRuntime(runtime);
  process.env.AUTH_TRUST_HOST = "1";

  return {
    runtime,
    databaseUrl: database.url,
    notifications,
    logged,
    folder,
    setupToken: createSetupToken(runtime.secret),
    advance: (ms) => {
      offsetMs += ms;
    },
    call: callRoute,
    createPerson: (name) => createPerson(name),
    stop: async () => {
      uninstallRuntime();
      await testNode.close();
    },
  };
}

async function createPerson(name: string): Promise<Person> {
  const { db, clock } = getRuntime();
  const { createToken } = await import("@/src/management/accounts/tokens");
  const email = `${name.toLowerCase()}@example.com`;
  const { id } = await db.user.create({ data: { name, email } });
  const { token } = await createToken({ db, clock, userId: id, input: { name: "test" } });
  return {
    id,
    email,
    token,
    call: (method, url, call = {}) => callRoute(method, url, { ...call, headers: { authorization: `Bearer ${token}`, ...call.headers } }),
  };
}

/** Finds the route file as Next does and calls its export. */
async function callRoute(method: string, url: string, call: Call = {}): Promise<Answer> {
  const address = new URL(url, ORIGIN);
  const { file, params } = findRoute(address.pathname);
  const routes: Record<string, (request: Request, context: { params: Promise<object | undefined> }) => Promise<Response>> = await import(
    file
  );
  const route = routes[method];
  if (!route) throw new Error(`${file} does not export ${method}`);
  const sent = call.raw ?? (call.body === undefined ? undefined : { contentType: "application/json", bytes: JSON.stringify(call.body) });
  const request = new Request(address, {
    method,
    headers: {
      host: HOST,
      "x-forwarded-host": HOST,
      "x-forwarded-proto": "http",
      "x-forwarded-for": "192.0.2.1",
      ...(sent ? { "content-type": sent.contentType } : {}),
      ...call.headers,
    },
    ...(sent ? { body: sent.bytes, duplex: "half" } : {}),
    ...(call.signal ? { signal: call.signal } : {}),
  });
  const response = await route(request, { params: Promise.resolve(Object.keys(params).length > 0 ? params : undefined) });
  // As it was sent: `text()` would leave out a byte order mark.
  const text = Buffer.from(await response.arrayBuffer()).toString();
  const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, headers: response.headers, text, body: isJson && text !== "" ? JSON.parse(text) : undefined };
}

interface RouteFile {
  file: string;
  segments: string[];
}

const API = path.resolve("app/api");
const ROUTE_FILES: RouteFile[] = readdirSync(API, { recursive: true, encoding: "utf8" })
  .filter((name) => path.basename(name) === "route.ts")
  .map((name) => ({ file: path.join(API, name), segments: path.dirname(name).split(path.sep) }));

/** Next's order: a plain segment before `[name]` before `[...name]` before `[[...name]]`. */
function findRoute(pathname: string): { file: string; params: Record<string, string | string[]> } {
  const parts = pathname
    .replace(/^\/api\/?/, "")
    .split("/")
    .filter((part) => part !== "");
  const found = ROUTE_FILES.flatMap((route) => {
    const params = matchSegments(route.segments, parts);
    return params ? [{ ...route, params }] : [];
  }).sort((a, b) => rank(a.segments) - rank(b.segments));
  if (!found[0]) throw new Error(`There is no route for ${pathname}`);
  return found[0];
}

function matchSegments(segments: readonly string[], parts: readonly string[]): Record<string, string | string[]> | undefined {
  const params: Record<string, string | string[]> = {};
  for (const [index, segment] of segments.entries()) {
    const rest = /^\[{1,2}\.\.\.(\w+)\]{1,2}$/.exec(segment)?.[1];
    if (rest !== undefined) return index < parts.length || segment.startsWith("[[") ? { ...params, [rest]: parts.slice(index) } : undefined;
    const part = parts[index];
    if (part === undefined) return undefined;
    const name = /^\[(\w+)\]$/.exec(segment)?.[1];
    if (name !== undefined) params[name] = decodeURIComponent(part);
    else if (segment !== part) return undefined;
  }
  return segments.length === parts.length ? params : undefined;
}

function rank(segments: readonly string[]): number {
  const plain = segments.filter((segment) => !segment.startsWith("[")).length;
  return (segments.some((segment) => segment.includes("...")) ? 100 : 0) + segments.length - 2 * plain;
}

/** Every route below /api/manage, with `{name}` for parameters: for rules that hold for all of them. */
export const MANAGE_PATHS: readonly string[] = ROUTE_FILES.map(({ segments }) => segments)
  .filter(([first]) => first === "manage")
  .map((segments) => `/api/${segments.map((segment) => segment.replace(/^\[(\w+)\]$/, "{$1}")).join("/")}`)
  .sort();
