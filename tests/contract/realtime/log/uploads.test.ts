/** Tests the messages that subscribers receive for an upload of several files (W2, W9), over real sockets. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FORM_TYPE, filePart, toForm } from "@/tests/support/clients/form";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
beforeAll(async () => {
  server = await createRealtimeServer();
});
afterAll(() => server.close());

async function upload(path: string, texts: readonly string[]): Promise<string> {
  const body = toForm([...texts.map((text) => filePart(text)), { name: "album", body: "summer" }]);
  const answer = await fetch(`${server.httpOrigin}${path}`, { method: "POST", headers: { "Content-Type": FORM_TYPE }, body });
  expect(answer.status).toBe(201);
  return answer.text();
}

describe("uploads on the stream", () => {
  it("[W2] one file is a message like any other; several are one message whose record is the array that HTTP answered", async () => {
    const seed = await server.seed();
    const client = await server.connect(seed.path);
    const one = await upload(seed.path, ["alone"]);
    const several = await upload(seed.path, ["a", "b", "c"]);
    const id = await server.post(seed, "after");
    expect((await client.at(2)).record?.uniqueId).toBe(id);
    expect(client.texts.slice(0, 2)).toEqual([`{"type":"POST","record":${one}}`, `{"type":"POST","record":${several}}`]);
  });

  it("[W2] the same when another node received it", async () => {
    const other = await createRealtimeServer({ database: server.database });
    try {
      const seed = await server.seed();
      const client = await other.connect(seed.path);
      const several = await upload(seed.path, ["a", "b"]);
      await other.tick();
      await client.take(1);
      expect(client.texts).toEqual([`{"type":"POST","record":${several}}`]);
    } finally {
      await other.close();
    }
  });

  it("[W9] with cursors each record is a message, and a client that reconnects receives the ones it missed", async () => {
    const seed = await server.seed();
    const client = await server.connect(`${seed.path}&since=now`);
    const records: unknown[] = JSON.parse(await upload(seed.path, ["a", "b", "c"]));
    const [, first, ...others] = await client.take(4);
    expect([first, ...others].map((message) => message?.record)).toEqual(records);
    const again = await server.connect(`${seed.path}&since=${first?.cursor}`);
    const [, ...missed] = await again.take(3);
    expect(missed).toEqual(others);
  });
});
