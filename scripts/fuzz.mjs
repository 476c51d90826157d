/**
 * `npm run test:fuzz`: runs schemathesis on both OpenAPI documents against a new server. Takes the options of schemathesis, such as
 * `-- --max-examples 200 --seed 1`.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { build } from "./setup/build.mjs";
import { withLock } from "./setup/lock.mjs";
import { withoutSettings } from "./setup/settings.mjs";
import { enterProject, setUp } from "./setup/setup.mjs";
import { main, step } from "./setup/step.mjs";
import { ensurePython } from "./setup/tool-cache.mjs";

const SCHEMATHESIS = "schemathesis==4.32.5";
const START_TIMEOUT_MS = 60_000;
/** The number of examples for each operation. */
const EXAMPLES = 50;

/** The checks of every response. The other checks of schemathesis are about valid and invalid input, which the server's own rules decide. */
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "unsupported_method",
  "allow_header_conformance",
];

/** Ids from responses are not used in requests, because deletions would end the account's own project and token. */
const NO_FOUND_IDS = ["examples", "coverage", "fuzzing"]
  .map((phase) => `[phases.${phase}]\nextra-data-sources.responses = false\n`)
  .join("\n");

await main(async () => {
  enterProject();
  await withLock("setup", async () => {
    await setUp();
    await step("Building the dashboard and the server", build);
  });
  let python;
  await step("Looking for schemathesis", async () => {
    python = await ensurePython("schemathesis", [SCHEMATHESIS]);
    return "missing" in python ? "missing" : "found";
  });
  if ("missing" in python) throw new Error(`The documents were not fuzzed: ${python.missing}.`);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rested-fuzz-"));
  const server = await startServer(dir);
  try {
    process.exitCode = await fuzzAll({ bin: python.bin, dir, server });
  } finally {
    await server.stop();
    fs.rmSync(dir, { recursive: true, force: true });
  }
});

/** Returns the exit code: 0 if every check passed. */
async function fuzzAll({ bin, dir, server }) {
  const world = await createWorld(server);
  const runs = [
    { name: "project, with a key", document: world.document, headers: { "X-API-Key": world.key } },
    {
      name: "project, with the master key",
      document: world.document,
      headers: { "X-API-Key": world.key, "X-Master-Key": world.masterKey },
    },
    { name: "management", document: world.management, headers: { Authorization: `Bearer ${world.token}` }, operations: world.operations },
    // Separately and last, because they end tokens and sessions, including the sender's.
    {
      name: "management, what ends sign-ins",
      document: world.management,
      headers: { Authorization: `Bearer ${await world.createToken()}` },
      only: world.ending,
    },
  ];
  const failed = [];
  for (const run of runs) {
    // Requests after the end of the account's token or project would all be refused, and prove nothing.
    if (run.only && !(await world.isAlive())) failed.push("the account’s token, project and endpoints are still there");
    console.log(`\n── ${run.name}`);
    if ((await fuzz({ bin, dir, server, ending: world.ending, ...run })) !== 0) failed.push(run.name);
  }
  console.log(failed.length === 0 ? `\nAll ${runs.length} runs passed.` : `\nFailed: ${failed.join("; ")}.`);
  return failed.length === 0 ? 0 : 1;
}

async function fuzz({ bin, dir, server, document, headers, operations = [], only, ending }) {
  const file = path.join(dir, "document.json");
  const config = path.join(dir, "schemathesis.toml");
  fs.writeFileSync(file, JSON.stringify(document));
  fs.writeFileSync(config, [NO_FOUND_IDS, ...operations.map(toConfig)].join("\n"));
  const chosen = only
    ? only.flatMap((id) => ["--include-operation-id", id])
    : // The response of a stream does not end.
      [...ending.flatMap((id) => ["--exclude-operation-id", id]), "--exclude-operation-id-regex", "Events$"];
  const args = [
    ...["--config-file", config, "run", file, "--url", server.origin, "--checks", CHECKS.join(",")],
    ...["--phases", "examples,coverage,fuzzing", "--max-examples", String(EXAMPLES), "--continue-on-failure"],
    ...["--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "30"],
    ...Object.entries(headers).flatMap(([name, value]) => ["--header", `${name}: ${value}`]),
    ...chosen,
    ...process.argv.slice(2),
  ];
  const child = spawn(path.join(bin, "st"), args, { cwd: dir, stdio: ["ignore", "inherit", "inherit"] });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}

/** Ids that exist, so that requests do not only result in "not found". */
function toConfig({ ids, parameters }) {
  const lines = Object.entries(parameters).map(([name, value]) => `"${name}" = ${JSON.stringify(value)}`);
  return ids.map((id) => `[[operations]]\ninclude-operation-id = ${JSON.stringify(id)}\nparameters = { ${lines.join(", ")} }\n`).join("\n");
}

/** Creates an account with a project that has endpoints of every kind. */
async function createWorld({ origin, adminToken }) {
  const call = async (method, target, { body, headers = { Authorization: `Bearer ${adminToken}` } } = {}) => {
    const response = await fetch(`${origin}${target}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${target}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };
  const createToken = async () => (await call("POST", "/api/manage/account/tokens", { body: { name: "fuzz" } })).token;
  const project = await call("POST", "/api/manage/projects", { body: { name: "Fuzzed project" } });
  const [{ key, id: keyId }] = project.keys;
  const schema = {
    type: "object",
    required: ["t"],
    properties: { t: { $ref: "#/$defs/celsius" }, note: { type: "string", maxLength: 20 } },
    $defs: { celsius: { type: "number", minimum: -273.15, maximum: 1000 } },
  };
  const create = (body) => call("POST", `/api/manage/projects/${project.id}/endpoints`, { body });
  await create({ name: "garden/readings", schema });
  // A response can lack a field that the schema requires, if a rule hides it.
  await create({ name: "garden/orders", schema, rules: { hide: ["t"] } });
  const notes = await create({ name: "notes-of-all" });
  await create({ name: "secrets", secure: true, othersCanRead: true });
  const people = await create({ name: "people", kind: "authentication" });
  const { masterKey } = await call("POST", `/api/manage/projects/${project.id}/master-key`);
  const ofKey = { "X-API-Key": key };
  const record = await call("POST", "/api/1/ce/notes-of-all", { body: { hello: "world" }, headers: ofKey });
  const user = await call("POST", "/api/1/ce/people", { body: { username: "ada", password: "correct horse" }, headers: ofKey });
  const token = await createToken();
  const management = await call("GET", "/api/manage/openapi.json", { headers: {} });
  const listed = Object.entries(management.paths).flatMap(([target, methods]) =>
    Object.values(methods).map(({ operationId }) => ({ target, operationId })),
  );
  /** Operations that delete are sent with ids that do not exist. */
  const idsBelow = (start) =>
    listed
      .filter(({ target, operationId }) => target.startsWith(start) && !/^(delete|revoke|remove|rotate|end)/.test(operationId))
      .map(({ operationId }) => operationId);
  const ofUsers = idsBelow("/api/manage/endpoints/{id}/users");
  const ofRecords = idsBelow("/api/manage/endpoints/{id}").filter((id) => !ofUsers.includes(id));
  return {
    key,
    masterKey,
    token,
    createToken,
    management,
    document: await call("GET", `/api/manage/projects/${project.id}/openapi.json`),
    operations: [
      { ids: idsBelow("/api/manage/projects/{id}"), parameters: { "path.id": project.id } },
      { ids: idsBelow("/api/manage/keys/{id}"), parameters: { "path.id": keyId } },
      { ids: ofRecords, parameters: { "path.id": notes.id, "path.uniqueId": record.uniqueId, "path.seq": 1 } },
      { ids: ofUsers, parameters: { "path.id": people.id, "path.uniqueId": user.uniqueId } },
    ].filter(({ ids }) => ids.length > 0),
    ending: ["revokeToken", "revokeSession", "signOutElsewhere", "changePassword"],
    isAlive: async () => {
      const headers = { Authorization: `Bearer ${token}` };
      const answers = await Promise.all(
        [`/api/manage/projects/${project.id}`, `/api/manage/endpoints/${notes.id}`].map((target) =>
          fetch(`${origin}${target}`, { headers }),
        ),
      );
      return answers.every(({ ok }) => ok);
    },
  };
}

/** Starts a server on a free port with a new database and without rate limits. */
async function startServer(dir) {
  const port = await findFreePort();
  const adminToken = randomBytes(24).toString("hex");
  const log = fs.openSync(path.join(dir, "server.log"), "a");
  const env = {
    ...withoutSettings(process.env),
    NODE_ENV: "production",
    NEXT_TELEMETRY_DISABLED: "1",
    HOST: "127.0.0.1",
    PORT: String(port),
    RESTED_DATA_DIR: path.join(dir, "data"),
    RESTED_ADMIN_EMAIL: "fuzz@example.com",
    RESTED_ADMIN_PASSWORD: randomBytes(12).toString("hex"),
    RESTED_ADMIN_TOKEN: adminToken,
    RESTED_LOG_LEVEL: "error",
    RESTED_RATE_LIMIT: "0",
    RESTED_MANAGEMENT_RATE_LIMIT: "0",
    RESTED_REGISTRATIONS_PER_MINUTE: "0",
    RESTED_SANDBOX_CPU_MS_PER_MINUTE: "60000",
    RESTED_BODY_TIMEOUT_MS: "10000",
  };
  const child = spawn(process.execPath, ["--enable-source-maps", "dist/server.js"], { env, stdio: ["ignore", log, log] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const origin = `http://127.0.0.1:${port}`;
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    const text = fs.readFileSync(path.join(dir, "server.log"), "utf8").trim();
    if (text !== "") console.log(`\nThe server logged:\n${text.slice(-4000)}`);
    fs.closeSync(log);
  };
  for (const deadline = Date.now() + START_TIMEOUT_MS; ; await delay(200)) {
    const answer = await fetch(`${origin}/api/health`).catch(() => undefined);
    if (answer?.ok) return { origin, adminToken, stop };
    if (child.exitCode === null && Date.now() < deadline) continue;
    await stop();
    throw new Error("The server did not start.");
  }
}

function findFreePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
