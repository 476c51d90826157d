/** Tests that the memory held for slow clients is limited by caller, by account and in total (R15), and for a limited time (R16). */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { connectRaw, parseRaw, type RawConnection } from "@/tests/support/clients/raw-http";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { unlessBusy } from "@/tests/support/unless-busy";
import { until } from "@/tests/support/until";

const MIB = 1024 * 1024;
/** 16 MiB for responses: 4 MiB for an account, 2 MiB for a caller. Half of that for bodies. */
const MEMORY_BYTES = 64 * MIB;
/** More than two pieces of a list together. */
const RECORD_LENGTH = 900_000;

let server: DataServer;
let seed: Seed;
const connections: RawConnection[] = [];

beforeAll(async () => {
  server = await createDataServer({ memoryBytes: MEMORY_BYTES, uploadTimeoutMs: 600_000, sandboxTimeoutMs: 15_000 });
});
beforeEach(async () => {
  seed = await server.seed();
});
afterEach(async () => {
  for (const { socket } of connections.splice(0)) socket.destroy();
  const { responses, bodies, inputs } = server.held;
  await until("everything was given back", () => responses.held === 0 && bodies.held === 0 && inputs.held === 0);
});
afterAll(async () => {
  await server.close();
});

async function connect(text: string): Promise<RawConnection> {
  const connection = await connectRaw(server.port, text);
  connections.push(connection);
  return connection;
}

/** Sends a request and reads the whole response. An unread response is held. */
async function ask(path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; text(): Promise<string> }> {
  const response = await fetch(`${server.origin}${path}`, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text: async () => text };
}

const post = ({ path }: Seed, body: string) => ask(path, { method: "POST", headers: { "Content-Type": "text/plain" }, body });

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`;

function pass(seconds: number): void {
  server.clock.at = new Date(server.clock.at.getTime() + seconds * 1000);
  server.slowClients.sweep();
}

/** A list that no system buffers completely for a client that does not read. */
async function fill(to: Seed): Promise<void> {
  for (let count = 0; count < 24; count += 1) expect((await post(to, "x".repeat(RECORD_LENGTH))).status).toBe(201);
}

async function openUnread(path: string, count = 1): Promise<RawConnection> {
  const connection = await connect(get(path).repeat(count));
  connection.socket.pause();
  return connection;
}

async function expectBusy(response: Awaited<ReturnType<typeof ask>>): Promise<void> {
  expect(response.headers.get("retry-after")).toBe("5");
  await expectProblem(response, "server_busy");
}

describe("unread responses", () => {
  it("[R15] of a caller are limited: one more is 503 with Retry-After, and others continue", async () => {
    await fill(seed);
    await openUnread(seed.path);
    await until("the first list is held", () => server.held.responses.held > RECORD_LENGTH);
    const { held } = server.held.responses;
    await expectBusy(await ask(seed.path));
    await until("the refused list holds nothing", () => server.held.responses.held === held);
    // Small responses, writes, and other callers are not affected.
    expect((await ask(`${seed.path}&uniqueId=${"0".repeat(32)}`)).status).toBe(200);
    expect((await post(seed, "small")).status).toBe(201);
    const other = await server.seed();
    await post(other, "x".repeat(RECORD_LENGTH));
    const answer = await ask(other.path);
    expect([answer.status, (await answer.text()).length > RECORD_LENGTH]).toEqual([200, true]);
  });

  it("[R16] a list that is read too slowly is cut off, and its memory is released", async () => {
    await fill(seed);
    const { socket } = await openUnread(seed.path);
    await until("the list is held", () => server.held.responses.held > RECORD_LENGTH);
    // The system buffers some bytes before the client has to be waited for.
    await until("the list is cut off", () => {
      pass(10);
      return server.held.responses.held === 0;
    });
    socket.resume();
    await until("the connection has gone", () => socket.closed);
    expect((await ask(`${seed.path}&limit=1`)).status).toBe(200);
  });

  it("[R15] count in bytes, not in characters", async () => {
    const connection = await openUnread(`${seed.path}&jsonata=${encodeURIComponent('$pad("",600000,"漢")')}`, 16);
    // JSON in quotes. Only one fits.
    expect(await until("a result is held", () => server.held.responses.held > 0 && server.held.responses.held)).toBe(1_800_002);
    connection.socket.destroy();
    await until("it is given back", () => server.held.responses.held === 0);
  });

  it("[R15] unread results of expressions are refused before they fill the memory", async () => {
    const path = `${seed.path}&jsonata=${encodeURIComponent('$pad("",1900000,"x")')}`;
    const asked = 16;
    const countRefused = () => server.logged.filter((line) => line.includes("server_busy")).length;
    const refusedBefore = countRefused();
    const connection = await connect(get(path).repeat(asked));
    connection.socket.pause();
    await until("an answer is held", () => server.held.responses.held > MIB);
    const other = await server.seed();
    let othersRefused = 0;
    const answer = await unlessBusy(
      () => ask(`${other.path}&jsonata=1`),
      ({ status }) => {
        if (status === 503) othersRefused += 1;
        return status === 503;
      },
    );
    expect(await answer.text()).toBe("1");
    expect(server.held.responses.held).toBeLessThanOrEqual(2 * MIB);
    // Before it reads on, which frees memory.
    await until("some are refused", () => countRefused() > refusedBefore + othersRefused);
    connection.socket.resume();
    const statuses = await until("all are answered", () => {
      const found = connection.received().match(/HTTP\/1\.1 \d+/g) ?? [];
      return found.length === asked && found;
    });
    expect(new Set(statuses)).toEqual(new Set(["HTTP/1.1 200", "HTTP/1.1 503"]));
  });
});

describe("a connection that ends with requests in its pipeline", () => {
  it.each<[string, () => Promise<string>]>([
    ["lists", async () => seed.path],
    ["results of expressions", async () => `${seed.path}&limit=1&jsonata=${encodeURIComponent('$pad("",900000,"x")')}`],
    [
      "files",
      async () => {
        const form = toForm([filePart(Buffer.alloc(5_000_000))]);
        const { text } = await ask(seed.path, { method: "POST", headers: { "Content-Type": FORM_TYPE }, body: form });
        return `${seed.path}&fileOnly=true&uniqueId=${JSON.parse(await text()).uniqueId}`;
      },
    ],
  ])("[R15] releases what its %s held, including requests that were never processed", async (_what, toPath) => {
    await fill(seed);
    const { socket } = await openUnread(await toPath(), 24);
    await until("answers are held", () => server.held.responses.held > 0);
    // More than one: the others wait for the first, which the client does not read.
    await until("the pipeline stands still", () => socket.readableLength > 0);
    socket.destroy();
    await until("everything was given back", () => server.held.responses.held === 0);
  });
});

describe("bodies that arrive slowly", () => {
  const head = (path: string, type: string, length: number) =>
    `POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;

  it("[R15] of a caller are limited: bodies beyond the limit get 503, and the others are stored", async () => {
    const length = 1_000_000;
    const first = await connect(`${head(seed.path, "text/plain", length)}${"x".repeat(length - 1)}`);
    await until("it is held", () => server.held.bodies.held > 900_000);
    await expectBusy(await post(seed, "x".repeat(RECORD_LENGTH)));
    expect((await post(seed, "small")).status).toBe(201);
    expect((await post(await server.seed(), "x".repeat(RECORD_LENGTH))).status).toBe(201);
    first.socket.write("x");
    await until("it is answered", () => first.received().endsWith("}"));
    expect(parseRaw(first.received()).status).toBe(201);
    expect(await server.count(seed)).toEqual({ records: 2, changes: 2 });
  });

  it("[R15] text fields of an upload count in bytes", async () => {
    const form = toForm([{ name: "漢字", body: "漢".repeat(20_000) }, filePart("x")]);
    // All of it except its end.
    const connection = await connect(head(seed.path, FORM_TYPE, form.byteLength));
    connection.socket.write(form.subarray(0, -20));
    await until("the fields are held", () => server.held.bodies.held >= 60_006);
    connection.socket.write(form.subarray(-20));
    await until("it is answered", () => connection.received().endsWith("}"));
    expect(parseRaw(connection.received()).status).toBe(201);
  });

  it("[R16] an upload that stops is 408, long before the time limit of a whole one", async () => {
    const connection = await connect(head(seed.path, FORM_TYPE, MIB));
    const received = until("the upload is refused", () => {
      pass(10);
      return connection.received().endsWith("}") && connection.received();
    });
    const { status, headers, body } = parseRaw(await received);
    await expectProblem({ status, headers, text: async () => body }, "body_timeout");
    expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
  });
});
