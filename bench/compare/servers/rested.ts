/** Rested as it runs in production: the build of a checkout, with its dashboard and its built-in PostgreSQL, in a temporary data folder. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { shuffle, toRequest, toUpgrade } from "../../load/requests";
import { STAMP } from "../../load/run-load";
import { readStartFlags } from "../../support/start-flags";
import { BODY, BULK, CHANGED, MERGED, SIZES, type Sizes, STAMPED } from "../bodies";
import { type CaseLoad, findFreePort, HOST, requestJson, STREAM_QUEUE_BYTES, type Subject, startProgram } from "../subject";

/** The records of one request while data is prepared. */
const PIECE = 1_000;

interface StoredRecord {
  uniqueId: string;
}

/** Quotas and limits off, because one client sends everything. */
const LIMITS_OFF = {
  RESTED_RATE_LIMIT: "0",
  RESTED_MANAGEMENT_RATE_LIMIT: "0",
  RESTED_REGISTRATIONS_PER_MINUTE: "0",
  RESTED_CONNECTIONS_MAX: "0",
  RESTED_CONNECTIONS_PER_ADDRESS_MAX: "0",
  RESTED_REQUESTS_PER_ADDRESS_MAX: "0",
  RESTED_STREAMS_MAX: "0",
  RESTED_STREAMS_PER_ACCOUNT_MAX: "0",
  RESTED_STREAMS_PER_KEY_MAX: "0",
  RESTED_STREAMS_PER_ADDRESS_MAX: "0",
};

export interface RestedSubject extends Subject {
  /** Its data folder. */
  dir: string;
  /** The id of the endpoint of the case `create`, with dashes, and of a record in the endpoint of `get-one`. */
  ids: { created: string; read: string; records: readonly string[] };
}

/** `checkout` has been built. `node`: the Node.js binary. */
export async function startRested(options: {
  name: string;
  checkout: string;
  node: string;
  nodeArgs?: readonly string[];
  env?: Readonly<Record<string, string>>;
  dir: string;
  /** Of its data. Default: SIZES. */
  sizes?: Sizes;
}): Promise<RestedSubject> {
  const { name, checkout, node, nodeArgs = [], env = {}, dir, sizes = SIZES } = options;
  fs.mkdirSync(dir, { recursive: true });
  const port = await findFreePort();
  const adminToken = randomBytes(32).toString("hex");
  const { pid, stop } = await startProgram({
    file: node,
    args: [...readStartFlags(checkout), ...nodeArgs, path.join(checkout, "dist/server.js")],
    cwd: checkout,
    port,
    logFile: path.join(dir, "server.log"),
    env: {
      ...LIMITS_OFF,
      NODE_ENV: "production",
      HOST,
      PORT: String(port),
      RESTED_DATA_DIR: dir,
      RESTED_DEMO: "0",
      RESTED_LOG_LEVEL: "warn",
      RESTED_QUEUE_BYTES_MAX: String(STREAM_QUEUE_BYTES),
      RESTED_ADMIN_EMAIL: "bench@example.com",
      RESTED_ADMIN_PASSWORD: randomBytes(16).toString("hex"),
      RESTED_ADMIN_TOKEN: adminToken,
      ...env,
    },
  });
  try {
    const { cases, fanOut, ids } = await prepare(`http://${HOST}:${port}`, adminToken, sizes);
    const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
    return { name, version: `Node.js ${version.slice(1)}`, port, pid, cases, fanOut, ids, dir, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function prepare(
  origin: string,
  adminToken: string,
  sizes: Sizes,
): Promise<Pick<RestedSubject, "ids"> & Required<Pick<Subject, "cases" | "fanOut">>> {
  const headers = { Authorization: `Bearer ${adminToken}` };
  const manage = <Result>(target: string, body: unknown) =>
    requestJson<Result>(`${origin}/api/manage${target}`, { method: "POST", body, headers });
  const project = await manage<{ id: string; keys: { key: string }[] }>("/projects", { name: "bench" });
  const key = project.keys[0]?.key ?? "";
  const endpoint = async (name: string, more: object = {}) => {
    const { id } = await manage<{ id: string }>(`/projects/${project.id}/endpoints`, { name, ...more });
    return { id, target: `/api/1/ce/${name}?key=${key}` };
  };
  const post = <Result>(target: string, body: unknown, more: Readonly<Record<string, string>> = {}) =>
    requestJson<Result>(origin + target, { method: "POST", body, headers: more });

  const created = await endpoint("bench/created");
  const read = await endpoint("bench/read");
  const updated = await endpoint("bench/updated");
  const bulk = await endpoint("bench/bulk");
  const streamed = await endpoint("bench/streamed");
  const fanned = await endpoint("bench/fan-out");
  const watched = await endpoint("bench/watched");
  const stored: StoredRecord[] = [];
  while (stored.length < sizes.records) stored.push(...(await post<StoredRecord[]>(`${read.target}&bulk=true`, Array(PIECE).fill(BODY))));
  const changed = await post<StoredRecord[]>(`${updated.target}&bulk=true`, Array(sizes.ids).fill(BODY));
  const [merged] = await post<StoredRecord[]>(`${updated.target}&bulk=true`, [BODY]);
  const ids = stored.slice(0, sizes.ids).map(({ uniqueId }) => uniqueId);

  const many: string[] = [];
  for (let n = 0; n < sizes.endpoints; n++) many.push((await endpoint(`bench/many-${n}`)).target);
  const keys: string[] = [];
  for (let n = 0; n < sizes.keys; n++) keys.push((await manage<{ key: string }>(`/projects/${project.id}/keys`, { name: `key ${n}` })).key);

  await endpoint("bench/users", { kind: "authentication" });
  const secure = await endpoint("bench/secure", { secure: true });
  const login = { username: "bench", password: "a password of the bench" };
  const users = `/api/1/ce/bench/users?key=${key}`;
  await post(users, login);
  const session = await fetch(`${origin}${users}&login=true&noATCookie=true`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(login),
  });
  const token = { Authorization: session.headers.get("authorization") ?? "" };
  const owned = await post<StoredRecord[]>(`${secure.target}&bulk=true`, Array(sizes.ids).fill(BODY), token);

  const json = JSON.stringify(BODY);
  const create = toRequest("POST", created.target, { body: json });
  const mixedCreate = toRequest("POST", streamed.target, { body: json });
  const getOne = ids.map((id) => toRequest("GET", `${read.target}&uniqueId=${id}`));
  const ready = "HTTP/1.1 101";
  const stream = { kind: "websocket", opening: toUpgrade(streamed.target), ready } as const;
  const cases: Record<string, CaseLoad> = {
    create: { requests: [create], statuses: [201] },
    "create-lone": { requests: [create], statuses: [201], connections: 1 },
    "create-endpoints": { requests: many.map((target) => toRequest("POST", target, { body: json })), statuses: [201] },
    "create-streams": { requests: [toRequest("POST", streamed.target, { body: json })], statuses: [201], streams: stream },
    "get-one": { requests: shuffle(getOne), statuses: [200] },
    "get-one-keys": {
      requests: shuffle(keys.map((each, n) => toRequest("GET", `/api/1/ce/bench/read?key=${each}&uniqueId=${ids[n % ids.length]}`))),
      statuses: [200],
    },
    "get-one-secure": {
      requests: shuffle(owned.map(({ uniqueId }) => toRequest("GET", `${secure.target}&uniqueId=${uniqueId}`, { headers: token }))),
      statuses: [200],
    },
    "list-same": { requests: [toRequest("GET", `${read.target}&limit=50`)], statuses: [200] },
    "list-pages": { requests: shuffle(await readPages(origin, `${read.target}&limit=50`)), statuses: [200] },
    "update-force": {
      requests: shuffle(
        changed.map(({ uniqueId }) => toRequest("PUT", `${updated.target}&uniqueId=${uniqueId}`, { body: JSON.stringify(CHANGED) })),
      ),
      statuses: [200],
    },
    "update-merge": {
      requests: [toRequest("PUT", `${updated.target}&uniqueId=${merged?.uniqueId}&strategy=merge`, { body: JSON.stringify(MERGED) })],
      statuses: [200],
    },
    bulk: {
      requests: [toRequest("POST", `${bulk.target}&bulk=true`, { body: JSON.stringify(BULK) })],
      statuses: [201],
      recordsEach: BULK.length,
      connections: 8,
    },
    "no-key": { requests: [toRequest("GET", "/api/1/ce/bench/read")], statuses: [403] },
    mixed: { requests: shuffle([...getOne, ...Array<string>(Math.round(getOne.length / 4)).fill(mixedCreate)]), statuses: [200, 201] },
    deliver: {
      requests: [toRequest("POST", watched.target, { body: JSON.stringify(STAMPED(STAMP)) })],
      statuses: [201],
      watch: { kind: "websocket", opening: toUpgrade(watched.target), ready },
    },
  };
  const fanOut = {
    publish: { requests: [toRequest("POST", fanned.target, { body: json })], statuses: [201] },
    stream: { kind: "websocket", opening: toUpgrade(fanned.target), ready },
  } as const;
  return { cases, fanOut, ids: { created: created.id, read: read.id, records: ids } };
}

/** The requests for each page, from the links of one page to the next. */
async function readPages(origin: string, first: string): Promise<string[]> {
  const requests: string[] = [];
  for (let target: string | undefined = first; target !== undefined; ) {
    requests.push(toRequest("GET", target));
    const response: Response = await fetch(origin + target);
    await response.text();
    const next: string | undefined = /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
    target = next === undefined ? undefined : next.replace(/^https?:\/\/[^/]+/, "");
  }
  return requests;
}
