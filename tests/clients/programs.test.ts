/** Runs the programs that the API page shows against a real server, in every language whose toolchain is on this machine. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type LanguageId, type Program, SAMPLE_DATA, type Task } from "@/src/ui/snippets/programs/program";
import { toPrograms } from "@/src/ui/snippets/programs/to-programs";
import type { Seed } from "@/tests/support/servers/data-server";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";
import { createSeverableProxy, type SeverableProxy } from "@/tests/support/servers/severable-proxy";
import { until } from "@/tests/support/until";
import { cleanUp, findRunners, type Run, type RunningProgram } from "./support/program-runners";

const LANGUAGES = ["curl", "fetch", "websocket", "event-source", "python", "go", "java", "kotlin"] as const;
/** A compiler on a busy machine. */
const TIMEOUT_MS = 180_000;
const OTHER_EPOCH = "0".repeat(32);

const runners = await findRunners();
for (const language of LANGUAGES) {
  const runner = runners[language];
  if (typeof runner !== "function") console.warn(`Programs in ${language} are not run: ${runner.missing}.`);
}

let server: RealtimeServer;
let proxy: SeverableProxy;

beforeAll(async () => {
  server = await createRealtimeServer();
}, TIMEOUT_MS);
beforeEach(async () => {
  proxy = await createSeverableProxy({ host: "127.0.0.1", port: server.port });
});
afterEach(() => proxy.close());
afterAll(async () => {
  await cleanUp();
  await server.close();
});

const hasTask = (language: LanguageId, task: Task) => toPrograms(toTarget("x", "y"), task).some((program) => program.language === language);

function toTarget(endpointName: string, key: string) {
  return { origin: proxy ? `http://${proxy.host}:${proxy.port}` : "http://x", endpointName, key, needsToken: false, sample: SAMPLE_DATA };
}

async function run(language: LanguageId, task: Task, { endpointName, key }: Seed): Promise<RunningProgram> {
  const program = toPrograms(toTarget(endpointName, key), task).find((each): each is Program => each.language === language);
  if (!program) throw new Error(`${language} has no program for ${task}`);
  return (runners[language] as Run)(program);
}

const runnable = (task: Task) => LANGUAGES.filter((language) => typeof runners[language] === "function" && hasTask(language, task));

/** The JSON behind `label: ` in the output. */
function read(output: string, label: string): unknown {
  const line = output.split("\n").find((each) => each.startsWith(`${label}: `));
  if (line === undefined) throw new Error(`There is no ${label} in the output:\n${output}`);
  return JSON.parse(line.slice(label.length + 2));
}

const print = (program: RunningProgram, what: string) =>
  until(what, () => program.output().includes(what) || undefined, { timeoutMs: 60_000 }).catch((error: Error) => {
    throw new Error(`${error.message}\n${program.output()}`);
  });

const linesOf = (program: RunningProgram, pattern: RegExp) =>
  program
    .output()
    .split("\n")
    .filter((line) => pattern.test(line));

/** Runs the program at an endpoint that has a record, and returns its output. Runs it again while the machine is too busy for the filter. */
async function runRecords(language: LanguageId): Promise<string> {
  for (let tries = 1; ; tries++) {
    const seed = await server.seed();
    await server.post(seed, { room: "cellar", temperature: 9 });
    const program = await run(language, "records", seed);
    const code = await program.ended;
    const output = program.output();
    if (output.includes("server_busy") && tries < 5) continue;
    expect(code, output).toBe(0);
    return output;
  }
}

describe("programs of the API page", () => {
  it.each(runnable("records"))(
    "[R1] [R2] [R3] [R4] [R5] [R6] %s stores, reads, lists, filters, replaces and deletes a record",
    async (language) => {
      const output = await runRecords(language);
      const one = expect.objectContaining({ data: SAMPLE_DATA });
      const other = expect.objectContaining({ data: { room: "cellar", temperature: 9 } });
      expect(read(output, "stored")).toEqual(one);
      expect(read(output, "read")).toEqual([one]);
      expect(read(output, "newest")).toEqual([one, other]);
      expect(read(output, "filtered")).toEqual([one]);
      expect(read(output, "replaced")).toEqual(one);
      expect(read(output, "deleted")).toEqual(one);
    },
    TIMEOUT_MS,
  );

  it.each(runnable("users"))(
    "[L1] [L2] [L3] [L4] %s registers, logs in, reads the user and logs out",
    async (language) => {
      const seed = await server.seed({ kind: "authentication" });
      const program = await run(language, "users", seed);
      expect(await program.ended, program.output()).toBe(0);
      const output = program.output();
      const user = expect.objectContaining({ data: { username: "ada" } });
      expect(read(output, "registered")).toEqual(user);
      expect(read(output, "read")).toEqual([user]);
      expect(read(output, "logged out")).toEqual({});
    },
    TIMEOUT_MS,
  );

  it.each(runnable("stream"))(
    "[W9] [W10] [W11] %s receives the stored records and every change once, resumes, and starts over after a gap",
    async (language) => {
      const seed = await server.seed();
      await server.post(seed, { stored: 1 });
      await server.post(seed, { stored: 2 });
      const program = await run(language, "stream", seed);
      try {
        // Each language prints the number of the stored records; curl prints the messages themselves.
        const snapshot = (count: number) => (language === "curl" ? `"stored":${count}` : `${count} records`);
        const change = (n: number) => new RegExp(`POST.*"n": ?${n}\\b`);
        const printed = (n: number) =>
          until(`change ${n}`, () => linesOf(program, change(n)).length > 0 || undefined, { timeoutMs: 60_000 }).catch((error: Error) => {
            throw new Error(`${error.message}\n${program.output()}`);
          });
        await print(program, snapshot(2));
        await server.post(seed, { n: 1 });
        await printed(1);

        await proxy.sever();
        await server.post(seed, { n: 2 });
        await server.post(seed, { n: 3 });
        await print(program, language === "event-source" ? "" : "disconnected");
        await proxy.restore();
        await printed(3);
        await server.post(seed, { n: 4 });
        await printed(4);
        for (const n of [1, 2, 3, 4]) expect(linesOf(program, change(n)), program.output()).toHaveLength(1);
        expect(linesOf(program, /\d records$|"stored":2/), program.output()).toHaveLength(1);

        await proxy.sever();
        await server.pool.query(`UPDATE "Endpoint" SET "epoch" = $2 WHERE "id" = $1`, [seed.endpointId, OTHER_EPOCH]);
        await server.tick();
        await proxy.restore();
        await print(program, "gap");
        if (language === "curl")
          await until("the records again", () => linesOf(program, /"stored":2/).length === 2 || undefined, { timeoutMs: 60_000 });
        else await print(program, "6 records");

        await server.pool.query(`UPDATE "ApiKey" SET "revokedAt" = now() WHERE "key" = $1`, [seed.key]);
        await server.tick();
        await until("the end of the stream", () => /refused|error response|endpoint_or_key_invalid/.test(program.output()) || undefined, {
          timeoutMs: 60_000,
        });
        if (language !== "websocket" && language !== "event-source") expect(await program.ended).toBe(1);
      } finally {
        await program.stop();
      }
    },
    TIMEOUT_MS,
  );
});
