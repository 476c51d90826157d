/** A server with two workers and a process for the dashboard (RESTED_WORKERS=2). New connections go to the workers in turn. */
import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import { expect, test } from "playwright/test";
import { signUpFirstAdmin } from "../support/dashboard";
import { readDatabaseUrl } from "../support/database";
import { type RunningServer, startServer } from "../support/server";
import { openStream, type StreamClient } from "../support/stream";

const DEMO = "/api/1/ce/examples/unsecure-endpoint?key=d59eb2859c284168ac48aef65046d5dd";
const TOKEN = "a-management-token-of-the-test-0123456789";
const WORKERS = { RESTED_WORKERS: "2", RESTED_DEMO: "1" };
const ADMIN = { RESTED_ADMIN_EMAIL: "admin@example.com", RESTED_ADMIN_PASSWORD: "correct horse battery", RESTED_ADMIN_TOKEN: TOKEN };

interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

/** Sends a request on a connection of its own, so that consecutive requests reach different workers. */
function send(
  url: string,
  { method = "GET", headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

const post = (server: RunningServer, value: unknown, path = DEMO) =>
  send(server.url + path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });

const manage = (server: RunningServer, path: string, method = "GET", value?: object) =>
  send(`${server.url}/api/manage/${path}`, {
    method,
    headers: { Authorization: `Bearer ${TOKEN}`, ...(value ? { "Content-Type": "application/json" } : {}) },
    ...(value ? { body: JSON.stringify(value) } : {}),
  });

const json = <T>({ body }: Answer): T => JSON.parse(body.toString());

/** The pids of a process by its name in the log, oldest first. */
function findPids(server: RunningServer, name: string): number[] {
  const lines = server
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"));
  return lines
    .map((line) => JSON.parse(line))
    .flatMap((entry) => (entry.msg === "a process serves" && entry.process === name ? [entry.pid] : []));
}

/** Undefined for messages without a record, such as the first of a resumable stream. */
const numberOf = ({ record }: Partial<StreamClient["messages"][number]>) => (record?.data as { n: number } | undefined)?.n;
const numbersOf = (stream: StreamClient) => stream.messages.map(numberOf).filter((n) => n !== undefined);
const until = (stream: StreamClient, n: number) => stream.until((message) => numberOf(message) === n);

/** Opens a stream and closes it. Returns the code with which the server refused it, or "open". */
async function tryStream(server: RunningServer): Promise<number | string> {
  const stream = await openStream(`${server.wsUrl}${DEMO}&since=now`);
  const outcome = await stream
    .until(() => true)
    .then(
      () => "open",
      async () => (await stream.closed).code,
    );
  stream.close();
  return outcome;
}

test("[W28] [W20] a stream on each worker receives the writes of both once and in order, and resumes on the other", async () => {
  const server = await startServer({ env: WORKERS });
  try {
    const streams = await Promise.all(Array.from({ length: 4 }, () => openStream(`${server.wsUrl}${DEMO}&since=now`)));
    for (let n = 0; n < 40; n++) expect((await post(server, { n })).status).toBe(201);
    for (const stream of streams) {
      await until(stream, 39);
      expect(numbersOf(stream)).toEqual(Array.from({ length: 40 }, (_, n) => n));
    }
    const { cursor } = await until(streams[0] as StreamClient, 19);
    // Of two consecutive connections, each worker has one.
    const resumed = await Promise.all([1, 2].map(() => openStream(`${server.wsUrl}${DEMO}&since=${cursor}`)));
    for (const stream of resumed) {
      await until(stream, 39);
      expect(numbersOf(stream)).toEqual(Array.from({ length: 20 }, (_, n) => n + 20));
    }
    for (const stream of [...streams, ...resumed]) stream.close();
  } finally {
    await server.dispose();
  }
});

test("[W28] [U7] [G12] when the response to a revocation has arrived, no worker accepts the key", async () => {
  const server = await startServer({ env: { ...WORKERS, ...ADMIN } });
  try {
    const project = json<{ id: string }>(await manage(server, "projects", "POST", { name: "Keys of test" }));
    await manage(server, `projects/${project.id}/endpoints`, "POST", { name: "keys/of-test" });
    for (let round = 0; round < 10; round++) {
      const { id, key } = json<{ id: string; key: string }>(
        await manage(server, `projects/${project.id}/keys`, "POST", { name: `Key ${round}`, scope: "read_write" }),
      );
      const path = `/api/1/ce/keys/of-test?key=${key}`;
      // A new key is valid on every worker at once, and then it is cached there.
      for (let n = 0; n < 4; n++) expect((await post(server, { n }, path)).status).toBe(201);
      expect((await manage(server, `keys/${id}`, "DELETE")).status).toBe(200);
      const answers = await Promise.all([1, 2, 3, 4].map(() => post(server, {}, path)));
      expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400]);
    }
  } finally {
    await server.dispose();
  }
});

test("[W28] [U8] [U14] [W21] limits of requests and streams count on all workers together", async () => {
  const server = await startServer({ env: { ...WORKERS, RESTED_RATE_LIMIT: "40", RESTED_STREAMS_PER_KEY_MAX: "3" } });
  try {
    const streams: StreamClient[] = [];
    for (let n = 0; n < 3; n++) streams.push(await openStream(server.wsUrl + DEMO));
    // Alone, one of two workers would have room for another.
    const tryTwo = async () => [await tryStream(server), await tryStream(server)];
    await expect.poll(tryTwo).toEqual([1013, 1013]);
    const statuses: number[] = [];
    for (let n = 0; n < 100; n++) statuses.push((await post(server, { n })).status);
    const allowed = statuses.filter((status) => status === 201).length;
    // The streams counted too. Alone, each worker would allow 40.
    expect(allowed).toBeGreaterThan(0);
    expect(allowed).toBeLessThan(60);
    expect(statuses.at(-1)).toBe(429);
    for (const stream of streams) stream.close();
  } finally {
    await server.dispose();
  }
});

test("[W28] [L2] [L3] attempts to log in count on all workers together, and a token that was revoked on one ends on all", async () => {
  const server = await startServer({ env: { ...WORKERS, ...ADMIN } });
  try {
    const project = json<{ id: string }>(await manage(server, "projects", "POST", { name: "Users of test" }));
    await manage(server, `projects/${project.id}/endpoints`, "POST", { name: "app/users", kind: "authentication" });
    const { key } = json<{ key: string }>(
      await manage(server, `projects/${project.id}/keys`, "POST", { name: "App", scope: "read_write" }),
    );
    const path = `/api/1/ce/app/users?key=${key}`;
    const user = { username: "ada", password: "correct horse" };
    expect((await post(server, user, path)).status).toBe(201);
    const login = await post(server, user, `${path}&login=true&noATCookie=true`);
    const headers = { Authorization: login.headers.authorization ?? "" };
    const read = () => send(server.url + path, { headers });
    for (let n = 0; n < 4; n++) expect((await read()).status).toBe(200);
    const logout = await send(`${server.url}${path}&logout=true`, { method: "POST", headers });
    expect(logout.status).toBe(200);
    for (let n = 0; n < 4; n++) expect((await read()).status).toBe(401);
    const statuses: number[] = [];
    for (let n = 0; n < 7; n++) {
      statuses.push((await post(server, { ...user, password: "wrong password" }, `${path}&login=true&noATCookie=true`)).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  } finally {
    await server.dispose();
  }
});

test("[W28] [E3] a worker that is killed loses no acknowledged write, and is replaced; the streams of the other stay open", async () => {
  const server = await startServer({ env: WORKERS });
  try {
    const streams = await Promise.all(Array.from({ length: 4 }, () => openStream(`${server.wsUrl}${DEMO}&since=now`)));
    const acknowledged: number[] = [];
    const killed = findPids(server, "worker 1")[0] ?? 0;
    for (let n = 0; n < 60; n++) {
      if (n === 30) process.kill(killed, "SIGKILL");
      // A connection that the killed worker had accepted is reset. Its write is not acknowledged.
      const answer = await post(server, { n }).catch(() => undefined);
      if (answer?.status === 201) acknowledged.push(n);
    }
    await expect.poll(() => findPids(server, "worker 1").length).toBe(2);
    const processes = async () => json<{ processes: object }>(await send(`${server.url}/api/health`)).processes;
    await expect.poll(processes).toEqual({ running: 3, configured: 3 });
    const last = acknowledged.at(-1) ?? 0;
    const open = streams.filter((stream) => stream.isOpen());
    // Usually two: the workers take turns with all connections of the server, of which these are four.
    expect([1, 2, 3]).toContain(open.length);
    for (const stream of open) {
      await until(stream, last);
      expect(numbersOf(stream)).toEqual(expect.arrayContaining(acknowledged));
    }
    for (const stream of streams.filter((stream) => !stream.isOpen())) {
      const resumed = await openStream(`${server.wsUrl}${DEMO}&since=${stream.messages.at(-1)?.cursor}`);
      await until(resumed, last);
      const received = [...numbersOf(stream), ...numbersOf(resumed)];
      expect(received).toEqual(expect.arrayContaining(acknowledged));
      expect(new Set(received).size).toBe(received.length);
      resumed.close();
    }
    expect(server.output()).toContain("a process ended unexpectedly; it is started again");
    for (const stream of open) stream.close();
  } finally {
    await server.dispose();
  }
});

test("[W28] while the process with the dashboard is replaced, the workers serve, and its addresses respond with 503", async () => {
  const server = await startServer({ env: { ...WORKERS, ...ADMIN } });
  try {
    process.kill(findPids(server, "dashboard")[0] ?? 0, "SIGKILL");
    await expect.poll(async () => (await manage(server, "projects").catch(() => undefined))?.status).toBe(503);
    expect((await post(server, { a: 1 })).status).toBe(201);
    const refused = await manage(server, "projects");
    if (refused.status === 503) {
      expect(json<{ code: string }>(refused).code).toBe("server_busy");
      expect(refused.headers["retry-after"]).toBeDefined();
    }
    await expect.poll(async () => (await manage(server, "projects")).status, { timeout: 30_000 }).toBe(200);
  } finally {
    await server.dispose();
  }
});

test("[W28] [E7] SIGTERM drains all workers, closes the streams with 1012, and ends all processes", async () => {
  const server = await startServer({ env: { ...WORKERS, RESTED_DRAIN_MS: "1000" } });
  try {
    const streams = await Promise.all(Array.from({ length: 4 }, () => openStream(server.wsUrl + DEMO)));
    const pids = ["dashboard", "worker 1", "worker 2"].flatMap((name) => findPids(server, name));
    expect(pids).toHaveLength(3);
    const ended = server.stop();
    await expect.poll(async () => json<{ status: string }>(await send(`${server.url}/api/health`)).status).toBe("draining");
    expect((await post(server, { n: 0 })).headers.connection).toBe("close");
    for (const stream of streams) expect((await stream.closed).code).toBe(1012);
    expect(await ended).toBe(0);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  } finally {
    await server.dispose();
  }
});

test("[W28] [G1] [G15] pages, sign-in, files and the management API work through every worker", async ({ page }) => {
  const server = await startServer({ env: WORKERS });
  try {
    const { endpoint } = await signUpFirstAdmin(page, server);
    await page.goto(`${server.url}/endpoints/${endpoint.id}`);
    const bytes = randomBytes(3_000_000);
    const hash = (data: Buffer) => createHash("sha256").update(data).digest("hex");
    const cookies = await page.context().cookies();
    const headers = { Origin: server.url, Cookie: cookies.map(({ name, value }) => `${name}=${value}`).join("; ") };
    for (let round = 0; round < 4; round++) {
      const files = `${server.url}/api/manage/endpoints/${endpoint.id}/files`;
      const upload = await send(`${files}?name=${round}.bin`, {
        method: "POST",
        headers: { ...headers, "Content-Type": "application/octet-stream" },
        body: bytes,
      });
      expect(upload.status).toBe(201);
      const file = await send(`${files}/${json<{ uniqueId: string }>(upload).uniqueId}`, { headers });
      expect(hash(file.body)).toBe(hash(bytes));
      const login = await send(`${server.url}/login`);
      expect([200, 307]).toContain(login.status);
      // A client cannot claim to be a worker.
      const fake = await send(`${server.url}/api/manage/projects`, { headers: { "X-Rested-Worker-Secret": "guess" } });
      expect(json<{ code: string }>(fake).code).toBe("session_missing");
    }
  } finally {
    await server.dispose();
  }
});

test("[W28] [G23] the process with the dashboard counts the requests of an address on all workers once", async () => {
  const server = await startServer({ env: { ...WORKERS, RESTED_MANAGEMENT_RATE_LIMIT: "80" } });
  try {
    const answers: Answer[] = [];
    for (let n = 0; n < 30; n++) answers.push(await send(`${server.url}/api/manage/projects`));
    const codes = answers.map((answer) => json<{ code: string }>(answer).code);
    expect(codes.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => "session_missing"));
    expect(codes.at(-1)).toBe("rate_limited");
    expect(answers.at(-1)?.headers["retry-after"]).toBeDefined();
  } finally {
    await server.dispose();
  }
});

test("[W28] [W20] two servers with workers on one database deliver each other's writes once and in order", async () => {
  // Two servers start, one after the other.
  test.setTimeout(120_000);
  const first = await startServer({ env: WORKERS });
  try {
    const second = await startServer({ env: { ...WORKERS, DATABASE_URL: await readDatabaseUrl(first.dataDir) } });
    try {
      const servers = [first, second, first, second];
      const streams = await Promise.all(servers.map(({ wsUrl }) => openStream(`${wsUrl}${DEMO}&since=now`)));
      for (let n = 0; n < 20; n++) await post(n % 2 === 0 ? first : second, { n });
      for (const stream of streams) {
        await until(stream, 19);
        expect(numbersOf(stream)).toEqual(Array.from({ length: 20 }, (_, n) => n));
        stream.close();
      }
    } finally {
      await second.dispose();
    }
  } finally {
    await first.dispose();
  }
});

test("[W28] a start that fails names the reason once, and leaves no process", async () => {
  const server = await startServer({ env: WORKERS });
  try {
    const port = Number(new URL(server.url).port);
    const failure = await startServer({ port, env: WORKERS }).then(
      () => "",
      (error: Error) => error.message,
    );
    expect(failure).toContain("Rested could not start.");
    expect(failure.split("is in use").length - 1).toBe(1);
  } finally {
    await server.dispose();
  }
});
