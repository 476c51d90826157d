/** Creates what the benchmark needs on an empty server, by its API: two accounts, each with projects, endpoints, records and users. */
import { FUNCTIONS } from "./payloads";
import { json, type Outgoing, send } from "./send";

/** An endpoint and its URL. */
export interface Target {
  id: string;
  /** Includes `?key=…`. */
  url: string;
}

export interface Account {
  email: string;
  password: string;
  /** The session cookie of the dashboard. */
  cookie: string;
  /** A management token. */
  token: string;
}

export interface World {
  origin: string;
  neighbour: Account & { projectId: string; data: Target; users: Target };
  /** Eight projects of one account; the first has more endpoints. */
  hostile: Account & { projectId: string; data: Target[]; users: Target; patterns: Target[]; functions: Target[]; big: Target };
}

export const APP_USER = { username: "ada", password: "correct horse" };
const PROJECTS = 8;
const BIG_RECORDS = 40_000;
/** The records of each endpoint with an access function. */
const FUNCTION_RECORDS = 1_000;

/** Needs a server with open sign-up, and the set-up link that it printed at its first start. */
export async function createWorld(origin: string, setupUrl: string): Promise<World> {
  const setupToken = new URL(setupUrl).searchParams.get("token");
  const admin = { name: "Neighbour", email: "neighbour@example.com", password: "correct horse battery" };
  await call(origin, "setup", { ...post({ token: setupToken, ...admin }), address: "10.1.0.1", headers: own(origin) });
  const neighbour = await signIn(origin, admin, "10.1.0.1");
  const other = { name: "Hostile", email: "hostile@example.com", password: "correct horse battery" };
  await call(origin, "signup", { ...post(other), address: "10.2.0.1", headers: own(origin) });
  const hostile = await signIn(origin, other, "10.2.0.1");

  const peaceful = await createProject(origin, neighbour, "neighbour project");
  const data = await peaceful.addEndpoint({ name: "bench/data" });
  const users = await peaceful.addEndpoint({ name: "bench/users", kind: "authentication" });
  for (let n = 0; n < 20; n += 1) {
    await expectOk(send(data.url, { ...post({ n, sensor: "kitchen", note: "x".repeat(100) }), address: "10.1.0.1" }), "POST");
  }
  await expectOk(send(users.url, { ...post(APP_USER), address: "10.1.0.1" }), "registration");

  const projects = [];
  for (let n = 0; n < PROJECTS; n += 1) projects.push(await createProject(origin, hostile, `hostile project ${n}`));
  const [first] = projects;
  if (!first) throw new Error("There is no project.");
  const schema = { type: "object", properties: { text: { type: "string", pattern: "^(a+)+$" } } };
  const big = await first.addEndpoint({ name: "bench/big" });
  await importRecords(origin, hostile, big, BIG_RECORDS);
  const functions = await Promise.all(
    projects.map((project, n) => project.addEndpoint({ name: "bench/functions", accessFunction: FUNCTIONS[n % FUNCTIONS.length] })),
  );
  for (const target of functions) await importRecords(origin, hostile, target, FUNCTION_RECORDS);
  return {
    origin,
    neighbour: { ...neighbour, projectId: peaceful.id, data, users },
    hostile: {
      ...hostile,
      projectId: first.id,
      data: await Promise.all(projects.map((project) => project.addEndpoint({ name: "bench/data" }))),
      users: await first.addEndpoint({ name: "bench/users", kind: "authentication" }),
      patterns: await Promise.all(projects.map((project) => project.addEndpoint({ name: "bench/patterns", schema }))),
      functions,
      big,
    },
  };
}

/** Imports a number of records as NDJSON, as the owner. Settles with the status. */
export async function importRecords(origin: string, account: Account, target: Target, count: number): Promise<number> {
  const lines = Array.from({ length: count }, (_, n) => JSON.stringify({ n, sensor: `room ${n % 50}`, note: "x".repeat(60) }));
  const { status } = await send(`${origin}/api/manage/endpoints/${target.id}/import`, {
    method: "POST",
    headers: { ...bearer(account), "Content-Type": "application/x-ndjson" },
    body: lines.join("\n"),
    address: "10.2.0.1",
  });
  return status;
}

export function bearer({ token }: Account): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}

export async function addEndpoint(origin: string, account: Account, projectId: string, key: string, body: object): Promise<Target> {
  const endpoint = await call(origin, `projects/${projectId}/endpoints`, {
    ...post(body),
    headers: bearer(account),
    address: "10.2.0.1",
  });
  return { id: endpoint.id, url: `${origin}/api/1/ce/${endpoint.name}?key=${key}` };
}

async function createProject(origin: string, account: Account, name: string) {
  const project = await call(origin, "projects", { ...post({ name }), headers: bearer(account), address: "10.2.0.1" });
  const { key } = (project.keys as unknown[])[0] as { key: string };
  return { id: project.id, addEndpoint: (body: object) => addEndpoint(origin, account, project.id, key, body) };
}

async function signIn(origin: string, { email, password }: { email: string; password: string }, address: string): Promise<Account> {
  const csrf = await expectOk(send(`${origin}/api/auth/csrf`, { address }), "csrf");
  const { csrfToken } = JSON.parse(csrf.text) as { csrfToken: string };
  const form = new URLSearchParams({ csrfToken, email, password, json: "true" }).toString();
  const answer = await send(`${origin}/api/auth/callback/credentials`, {
    method: "POST",
    headers: { ...own(origin), "Content-Type": "application/x-www-form-urlencoded", Cookie: toCookie(csrf.headers["set-cookie"]) },
    body: form,
    address,
  });
  const cookie = toCookie(answer.headers["set-cookie"]);
  const token = await call(origin, "account/tokens", { ...post({ name: "bench" }), headers: { ...own(origin), Cookie: cookie }, address });
  return { email, password, cookie, token: String(token.token) };
}

function toCookie(setCookies: readonly string[] = []): string {
  return setCookies.map((cookie) => cookie.split(";")[0]).join("; ");
}

const own = (origin: string) => ({ Origin: origin });
const post = (value: unknown) => ({ method: "POST", ...json(value) });

async function call(origin: string, path: string, options: Outgoing): Promise<Record<string, unknown> & { id: string; name: string }> {
  const headers = { "Content-Type": "application/json", ...options.headers };
  const { text } = await expectOk(send(`${origin}/api/manage/${path}`, { ...options, headers }), path);
  return JSON.parse(text);
}

async function expectOk(sent: ReturnType<typeof send>, what: string): ReturnType<typeof send> {
  const answer = await sent;
  if (answer.status < 200 || answer.status > 299) throw new Error(`${what}: ${answer.status} ${answer.text}`);
  return answer;
}
