/** Tests the rate limits of streams (U8). */
import { afterEach, describe, expect, it } from "vitest";
import { createRealtimeServer, type RealtimeServer } from "@/tests/support/servers/realtime-server";

let server: RealtimeServer;
afterEach(() => server.close());

describe("opening streams", () => {
  it("[U8] counts with the key's other requests, and is closed with 1013 when there are too many", async () => {
    server = await createRealtimeServer({ rateLimit: 3 });
    const seed = await server.seed();
    const headers = { "X-Forwarded-For": "198.51.100.1" };
    await server.connect(seed.path, { headers });
    expect((await fetch(`${server.httpOrigin}${seed.path}`, { headers })).headers.get("ratelimit-remaining")).toBe("1");
    const last = await server.connect(seed.path, { headers });
    const refused = await server.connect(seed.path, { headers });
    expect(await refused.closed).toEqual({ code: 1013, reason: "Too many requests: the limit is 3 per minute. Try again in 60 seconds." });
    // Open streams stay open.
    const other = { "X-Forwarded-For": "198.51.100.2" };
    const posted = await fetch(`${server.httpOrigin}${seed.path}`, {
      method: "POST",
      headers: { ...other, "Content-Type": "application/json" },
      body: "1",
    });
    expect(posted.status).toBe(201);
    expect((await last.at(0)).type).toBe("POST");
  });

  it("[U8] handshakes that name nothing are counted by address", async () => {
    server = await createRealtimeServer({ rateLimit: 1 });
    const path = `/api/1/ce/things/of-test?key=${"0".repeat(32)}`;
    const codes: number[] = [];
    for (let n = 0; n < 3; n++) codes.push((await (await server.connect(path)).closed).code);
    expect(codes).toEqual([4000, 1013, 1013]);
  });
});
