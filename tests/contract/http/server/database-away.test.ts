/** Tests a database that becomes unavailable and comes back (E3). */
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { expectProblem } from "@/tests/support/expect-problem";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";
import { createSeverableProxy, type SeverableProxy } from "@/tests/support/servers/severable-proxy";
import { until } from "@/tests/support/until";

let proxy: SeverableProxy;
let server: DataServer;
let seed: Seed;

beforeAll(async () => {
  proxy = await createSeverableProxy(inject("postgres"));
  server = await createDataServer({ via: proxy });
  seed = await server.seed();
});
afterAll(async () => {
  await server.close();
  await proxy.close();
});

const send = (method: string, query = "", headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.origin}${seed.path}${query}`, {
    method,
    headers: { "Content-Type": "application/json", ...headers },
    ...(method === "POST" || method === "PUT" ? { body: "{}" } : {}),
  });

describe("without the database", () => {
  it("[E3] every operation is 503 with Retry-After, finished operations stay, and everything works again afterwards", async () => {
    const created = await send("POST");
    expect(created.status).toBe(201);
    const { uniqueId } = (await created.json()) as { uniqueId: string };
    const origin = "https://app.example";

    await proxy.sever();
    const refused = [
      await send("GET"),
      await send("GET", `&uniqueId=${uniqueId}`),
      await send("POST"),
      await send("PUT", `&uniqueId=${uniqueId}`),
      await send("PUT", `&uniqueId=${uniqueId}&strategy=merge`),
      await send("DELETE", `&uniqueId=${uniqueId}`, { Origin: origin }),
      await fetch(`${server.origin}/api/1/ce/not/cached?key=${seed.key}`, { headers: { Origin: origin } }),
    ];
    for (const response of refused) {
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      await expectProblem(response, "database_unavailable");
    }
    // The browser must be able to read the error, whether or not the project could be looked up.
    for (const response of refused.slice(-2)) expect(response.headers.get("access-control-allow-origin")).toBe(origin);
    const preflight = await fetch(`${server.origin}/api/1/ce/not/cached?key=${seed.key}`, {
      method: "OPTIONS",
      headers: { Origin: origin },
    });
    expect(preflight.status).toBe(204);
    expect(await server.count(seed)).toEqual({ records: 1, changes: 1 });

    await proxy.restore();
    await until("the database to answer again", async () => (await send("GET")).ok);
    expect(await (await send("GET")).json()).toMatchObject([{ uniqueId }]);
    expect((await send("POST")).status).toBe(201);
    expect(await server.count(seed)).toEqual({ records: 2, changes: 2 });
  });

  it("[E2] logs the reason, and does not reveal it to clients", () => {
    expect(server.logged.some((line) => line.startsWith("warn a request failed"))).toBe(true);
    expect(server.logged.join("\n")).not.toContain(seed.key);
  });
});
