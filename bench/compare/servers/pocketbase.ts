/**
 * PocketBase with its default settings, except that batches are enabled (for `bulk`), its SQL output for developers is off, and successful requests are
 * not logged, as in Rested.
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { shuffle, toRequest } from "../../load/requests";
import { STAMP } from "../../load/run-load";
import { BODY, BULK, CHANGED, MERGED, SIZES, STAMPED } from "../bodies";
import { type CaseLoad, findFreePort, HOST, requestJson, type Subject, startProgram } from "../subject";

const EMAIL = "bench@example.com";
/** Records of one batch while data is prepared. */
const BATCH = 500;
const FIELDS = [
  { name: "sensor", type: "text" },
  { name: "temperature", type: "number" },
  { name: "humidity", type: "number" },
  { name: "at", type: "text" },
  { name: "tags", type: "json" },
  { name: "nested", type: "json" },
  { name: "created", type: "autodate", onCreate: true },
  { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
];
const PUBLIC = { listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "" };

interface Stored {
  id: string;
}

export async function startPocketBase({ file, dir }: { file: string; dir: string }): Promise<Subject> {
  fs.mkdirSync(dir, { recursive: true });
  const port = await findFreePort();
  const data = ["--dir", path.join(dir, "pb_data"), "--dev=false"];
  const password = randomBytes(16).toString("hex");
  execFileSync(file, ["superuser", "upsert", EMAIL, password, ...data], { cwd: dir, stdio: "ignore" });
  const logFile = path.join(dir, "server.log");
  const { pid, stop } = await startProgram({ file, args: ["serve", "--http", `${HOST}:${port}`, ...data], cwd: dir, port, logFile });
  try {
    const cases = await prepare(`http://${HOST}:${port}`, password);
    return { name: "PocketBase", version: readVersion(file), port, pid, cases, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The version of the Go module from which the program was built. Empty if the program does not show it. */
function readVersion(file: string): string {
  try {
    const text = execFileSync("go", ["version", "-m", file], { encoding: "utf8" });
    return /github\.com\/pocketbase\/pocketbase\s+v(\S+)/.exec(text)?.[1] ?? "";
  } catch {
    return "";
  }
}

async function prepare(origin: string, password: string): Promise<Record<string, CaseLoad>> {
  const { token } = await requestJson<{ token: string }>(`${origin}/api/collections/_superusers/auth-with-password`, {
    method: "POST",
    body: { identity: EMAIL, password },
  });
  const headers = { Authorization: token };
  const call = <Result>(method: string, target: string, body: unknown) => requestJson<Result>(origin + target, { method, body, headers });
  await call("PATCH", "/api/settings", {
    batch: { enabled: true, maxRequests: BATCH, timeout: 30 },
    rateLimits: { enabled: false },
    logs: { maxDays: 0 },
  });
  const collection = async (name: string, rules: object = PUBLIC, fields: readonly object[] = FIELDS): Promise<string> => {
    await call("POST", "/api/collections", { name, type: "base", fields, ...rules });
    return `/api/collections/${name}/records`;
  };
  const fill = async (target: string, count: number, body: object = BODY): Promise<string[]> => {
    const ids: string[] = [];
    while (ids.length < count) {
      const requests = Array(Math.min(BATCH, count - ids.length)).fill({ method: "POST", url: target, body });
      const answers = await call<{ body: Stored }[]>("POST", "/api/batch", { requests });
      ids.push(...answers.map((answer) => answer.body.id));
    }
    return ids;
  };

  const created = await collection("created");
  const read = await collection("read");
  const updated = await collection("updated");
  const bulk = await collection("bulk");
  const streamed = await collection("streamed");
  const locked = await collection("locked", { ...PUBLIC, listRule: null });
  const stored = await fill(read, SIZES.records);
  const ids = stored.slice(0, SIZES.ids);
  const changed = await fill(updated, SIZES.ids);
  const [merged] = await fill(updated, 1);
  const many: string[] = [];
  for (let n = 0; n < SIZES.endpoints; n++) many.push(await collection(`many${n}`));

  const user = await call<Stored>("POST", "/api/collections/users/records", {
    email: "user@example.com",
    password,
    passwordConfirm: password,
  });
  const users = await call<Stored>("GET", "/api/collections/users", undefined);
  const isOwner = "@request.auth.id != '' && owner = @request.auth.id";
  const secure = await collection("secure", { ...PUBLIC, listRule: isOwner, viewRule: isOwner }, [
    ...FIELDS,
    { name: "owner", type: "relation", collectionId: users.id, maxSelect: 1 },
  ]);
  const owned = await fill(secure, SIZES.ids, { ...BODY, owner: user.id });
  const session = await requestJson<{ token: string }>(`${origin}/api/collections/users/auth-with-password`, {
    method: "POST",
    body: { identity: "user@example.com", password },
  });

  const json = JSON.stringify(BODY);
  const create = toRequest("POST", created, { body: json });
  const createStreamed = toRequest("POST", streamed, { body: json });
  const getOne = ids.map((id) => toRequest("GET", `${read}/${id}`));
  const stream = { kind: "pocketbase", opening: toRequest("GET", "/api/realtime"), subscribe: "streamed/*", ready: "PB_CONNECT" } as const;
  const list = `${read}?perPage=50&skipTotal=1`;
  const pages = Array.from({ length: SIZES.records / 50 }, (_, n) => toRequest("GET", `${list}&page=${n + 1}`));
  const toBatch = (items: readonly object[]) => JSON.stringify({ requests: items.map((body) => ({ method: "POST", url: bulk, body })) });
  return {
    create: { requests: [create], statuses: [200] },
    "create-lone": { requests: [create], statuses: [200], connections: 1 },
    "create-endpoints": { requests: many.map((target) => toRequest("POST", target, { body: json })), statuses: [200] },
    "create-streams": { requests: [createStreamed], statuses: [200], streams: stream },
    "get-one": { requests: shuffle(getOne), statuses: [200] },
    "get-one-secure": {
      requests: shuffle(owned.map((id) => toRequest("GET", `${secure}/${id}`, { headers: { Authorization: session.token } }))),
      statuses: [200],
    },
    "list-same": { requests: [toRequest("GET", list)], statuses: [200] },
    "list-pages": { requests: shuffle(pages), statuses: [200] },
    "update-force": {
      requests: shuffle(changed.map((id) => toRequest("PATCH", `${updated}/${id}`, { body: JSON.stringify(CHANGED) }))),
      statuses: [200],
    },
    "update-merge": { requests: [toRequest("PATCH", `${updated}/${merged}`, { body: JSON.stringify(MERGED) })], statuses: [200] },
    bulk: {
      requests: [toRequest("POST", "/api/batch", { body: toBatch(BULK) })],
      statuses: [200],
      recordsEach: BULK.length,
      connections: 8,
    },
    "no-key": { requests: [toRequest("GET", locked)], statuses: [403] },
    mixed: { requests: shuffle([...getOne, ...Array<string>(Math.round(getOne.length / 4)).fill(createStreamed)]), statuses: [200] },
    deliver: {
      requests: [toRequest("POST", streamed, { body: JSON.stringify(STAMPED(STAMP)) })],
      statuses: [200],
      watch: stream,
    },
  };
}
