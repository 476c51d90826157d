/** Tests origins and CORS (U4, U5). */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDataServer, type DataServer, type Seed } from "@/tests/support/servers/data-server";

const ALLOWED = "https://app.example";
const OTHER = "https://evil.example";
const CORS_HEADERS = [
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-allow-methods",
  "access-control-allow-headers",
  "access-control-expose-headers",
  "access-control-max-age",
  "access-control-allow-private-network",
];

let server: DataServer;

beforeAll(async () => {
  server = await createDataServer();
});
afterAll(() => server.close());

interface Answer {
  status: number | undefined;
  headers: Record<string, unknown>;
  /** Only the CORS headers. */
  cors: Record<string, unknown>;
  code: unknown;
}

/** `fetch` cannot set the headers that browsers set. */
async function send(method: string, path: string, headers: Record<string, string>, body?: string): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const type = body === undefined ? {} : { "Content-Type": "application/json" };
    httpRequest(`${server.origin}${path}`, { method, headers: { ...type, ...headers } }, resolve)
      .on("error", reject)
      .end(body);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString();
  const parsed: unknown = text === "" ? undefined : JSON.parse(text);
  const headerEntries = Object.entries(response.headers);
  return {
    status: response.statusCode,
    headers: response.headers,
    cors: Object.fromEntries(headerEntries.filter(([name]) => CORS_HEADERS.includes(name))),
    code: typeof parsed === "object" && parsed !== null && "code" in parsed ? parsed.code : undefined,
  };
}

const preflight = (path: string, origin: string, method = "POST"): Promise<Answer> =>
  send("OPTIONS", path, {
    Origin: origin,
    "Access-Control-Request-Method": method,
    "Access-Control-Request-Headers": "content-type,x-master-key",
  });

const readable = {
  "access-control-allow-origin": ALLOWED,
  "access-control-expose-headers":
    "Authorization, Content-Disposition, Content-Range, ETag, Idempotent-Replayed, Link, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id",
};
const vouched = { ...readable, "access-control-allow-credentials": "true" };
const preflightHeaders = {
  "access-control-allow-methods": "GET, HEAD, POST, PUT, DELETE, OPTIONS",
  "access-control-allow-headers":
    "Content-Type, Authorization, X-API-Key, X-Master-Key, If-Match, If-None-Match, If-Range, Range, Idempotency-Key, Last-Event-ID",
};

const listing = (): Promise<Seed> => server.seed({ allowedOrigins: [ALLOWED, "http://localhost:3000"] });

describe("requests", () => {
  it("[U5] return a listed origin with credentials, on responses and errors", async () => {
    const seed = await listing();
    const answers = [
      await send("GET", seed.path, { Origin: ALLOWED }),
      await send("HEAD", seed.path, { Origin: ALLOWED }),
      await send("POST", seed.path, { Origin: ALLOWED }, "{}"),
      await send("POST", seed.path, { Origin: ALLOWED }, "{"),
      await send("DELETE", seed.path, { Origin: ALLOWED }),
      await send("GET", `${seed.path}&masterKey=wrong`, { Origin: ALLOWED }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 201, 400, 400, 403]);
    for (const { cors, headers } of answers) {
      expect(cors).toEqual(vouched);
      expect(headers.vary).toBe("Origin");
    }
  });

  it("[U5] return the header for the origin of the request", async () => {
    const seed = await listing();
    expect((await send("GET", seed.path, { Origin: "http://localhost:3000" })).cors["access-control-allow-origin"]).toBe(
      "http://localhost:3000",
    );
  });

  it("[U5] [S6] return any origin if none is listed, but without credentials", async () => {
    const open = await server.seed();
    for (const origin of [ALLOWED, OTHER, "null"]) {
      expect((await send("GET", open.path, { Origin: origin })).cors).toEqual({ ...readable, "access-control-allow-origin": origin });
      const before = await preflight(open.path, origin);
      expect([before.status, before.cors]).toEqual([
        204,
        { ...readable, ...preflightHeaders, "access-control-allow-origin": origin, "access-control-max-age": "7200" },
      ]);
    }
  });

  it.each(["GET", "POST", "PUT", "DELETE"])(
    "[U4] [U5] %s of another origin is refused, without CORS headers, and does nothing",
    async (method) => {
      const seed = await listing();
      for (const origin of [OTHER, "http://app.example", "https://app.example:8443", "https://app.example.evil.example", "null"]) {
        const answer = await send(
          method,
          `${seed.path}&uniqueId=${"0".repeat(32)}`,
          { Origin: origin },
          method === "POST" || method === "PUT" ? "{}" : undefined,
        );
        expect([answer.status, answer.code, answer.cors, answer.headers.vary]).toEqual([403, "origin_not_allowed", {}, "Origin"]);
      }
      expect(await server.count(seed)).toEqual({ records: 0, changes: 0 });
    },
  );

  it("[U4] without an origin are allowed unless one is required", async () => {
    const answer = await send("GET", (await listing()).path, {});
    expect([answer.status, answer.cors, answer.headers.vary]).toEqual([200, {}, "Origin"]);
    const strict = await server.seed({ disallowNoOrigin: true });
    expect((await send("POST", strict.path, {}, "{}")).code).toBe("origin_required");
    expect(await server.count(strict)).toEqual({ records: 0, changes: 0 });
    expect((await send("GET", strict.path, { Origin: OTHER })).status).toBe(200);
  });

  it("[U5] [U9] with a revoked key can read the reason if their origin is allowed", async () => {
    const seed = await server.seed({ allowedOrigins: [ALLOWED], revokedAt: new Date() });
    const answer = await send("GET", seed.path, { Origin: ALLOWED });
    expect([answer.code, answer.cors]).toEqual(["endpoint_or_key_invalid", vouched]);
    expect((await send("GET", seed.path, { Origin: OTHER })).cors).toEqual({});
  });

  it("[U5] [U9] that name no project can read the reason, without credentials", async () => {
    for (const path of ["/api/1/ce/some/endpoint", "/api/1/ce/some/endpoint?key=unknown", "/api/7/ce/some/endpoint?key=unknown"]) {
      const { cors, headers } = await send("GET", path, { Origin: OTHER });
      expect(cors).toEqual({
        "access-control-allow-origin": OTHER,
        "access-control-expose-headers": vouched["access-control-expose-headers"],
      });
      expect(headers.vary).toBe("Origin");
    }
  });

  const APPS = ["capacitor://localhost", "ionic://localhost", "tauri://localhost", "chrome-extension://abcdefghijklmnopabcdefghijklmnop"];

  it.each(APPS)("[U4] [U5] return the listed origin %s of an app, with credentials", async (origin) => {
    const seed = await server.seed({ allowedOrigins: [origin] });
    const answer = await send("GET", seed.path, { Origin: origin });
    expect([answer.status, answer.cors]).toEqual([200, { ...vouched, "access-control-allow-origin": origin }]);
    for (const other of ["null", "file://", "https://localhost", `${origin}x`, `${origin}:1`])
      expect((await send("GET", seed.path, { Origin: other })).code).toBe("origin_not_allowed");
  });

  it("[U4] [S6] return null and file:// if a list allows them, never with credentials", async () => {
    const seed = await server.seed({ allowedOrigins: [ALLOWED], allowNullOrigin: true });
    for (const origin of ["null", "file://"]) {
      const answer = await send("GET", seed.path, { Origin: origin });
      expect([answer.status, answer.cors]).toEqual([200, { ...readable, "access-control-allow-origin": origin }]);
      expect((await preflight(seed.path, origin)).cors).not.toHaveProperty("access-control-allow-credentials");
    }
    expect((await send("GET", seed.path, { Origin: OTHER })).code).toBe("origin_not_allowed");
    const unlisted = await server.seed({ allowNullOrigin: true });
    expect((await send("GET", unlisted.path, { Origin: OTHER })).status).toBe(200);
  });

  it("[U5] [U6] with the master key return any origin", async () => {
    const seed = await server.seed({ allowedOrigins: [ALLOWED], masterKey: "master" });
    const answer = await send("GET", seed.path, { Origin: OTHER, "X-Master-Key": "master" });
    expect([answer.status, answer.cors]).toEqual([200, { ...readable, "access-control-allow-origin": OTHER }]);
    expect((await send("GET", seed.path, { Origin: OTHER, "X-Master-Key": "wrong" })).cors).toEqual({});
  });
});

describe("preflights", () => {
  it("[U5] of an allowed origin are granted, and may be cached", async () => {
    const seed = await listing();
    for (const method of ["POST", "PUT", "DELETE"]) {
      const answer = await preflight(seed.path, ALLOWED, method);
      expect(answer.status).toBe(204);
      expect(answer.cors).toEqual({ ...vouched, ...preflightHeaders, "access-control-max-age": "7200" });
      expect(answer.headers.vary).toBe("Origin, Access-Control-Request-Headers, Access-Control-Request-Private-Network");
      expect(answer.headers["content-length"]).toBeUndefined();
    }
  });

  it("[U5] of another origin are refused, without CORS headers", async () => {
    const answer = await preflight((await listing()).path, OTHER);
    expect([answer.status, answer.code, answer.cors]).toEqual([403, "origin_not_allowed", {}]);
  });

  it("[U5] do not use a key: neither scope nor token nor revocation affect them", async () => {
    for (const options of [{ scope: "read" as const }, { secure: true }, { revokedAt: new Date() }]) {
      const seed = await server.seed({ allowedOrigins: [ALLOWED], ...options });
      expect((await preflight(seed.path, ALLOWED)).cors).toMatchObject(vouched);
      await server.definitions.flushUse();
      const { rows } = await server.pool.query(`SELECT "lastUsedAt" FROM "ApiKey" WHERE "id" = $1`, [seed.keyId]);
      expect(rows).toEqual([{ lastUsedAt: null }]);
    }
  });

  it("[U5] [U9] that name no project are granted without credentials, so that the error can be read, and are not cached", async () => {
    const answer = await preflight("/api/1/ce/some/endpoint?key=unknown", OTHER);
    expect(answer.status).toBe(204);
    expect(answer.cors).toEqual({
      "access-control-allow-origin": OTHER,
      "access-control-expose-headers": vouched["access-control-expose-headers"],
      ...preflightHeaders,
    });
  });

  it("[U5] [U6] with the master key in the URL are granted to any origin", async () => {
    const seed = await server.seed({ allowedOrigins: [ALLOWED], masterKey: "master" });
    expect((await preflight(`${seed.path}&masterKey=master`, OTHER)).cors["access-control-allow-origin"]).toBe(OTHER);
    expect((await preflight(`${seed.path}&masterKey=wrong`, OTHER)).cors).toEqual({});
  });

  it("[U5] allow all valid header names that a page requests", async () => {
    const seed = await listing();
    const asked = "authorization,baggage,cache-control,traceparent,x-requested-with";
    const names = (headers: string) =>
      send("OPTIONS", seed.path, { Origin: ALLOWED, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": headers });
    expect((await names(asked)).cors["access-control-allow-headers"]).toBe(
      `${preflightHeaders["access-control-allow-headers"]}, baggage, cache-control, traceparent, x-requested-with`,
    );
    expect((await names("bad name,x(,x-good")).cors["access-control-allow-headers"]).toBe(
      `${preflightHeaders["access-control-allow-headers"]}, x-good`,
    );
    expect((await names(`x-${"a".repeat(5000)}`)).cors["access-control-allow-headers"]).toBe(
      preflightHeaders["access-control-allow-headers"],
    );
  });

  it("[U9] of requests whose key is a header are granted with credentials, and the request decides", async () => {
    const seed = await listing();
    const path = `/api/1/ce/${seed.endpointName}`;
    const ask = (origin: string, headers: string) =>
      send("OPTIONS", path, { Origin: origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": headers });
    for (const origin of [ALLOWED, OTHER])
      expect((await ask(origin, "content-type,x-api-key")).cors).toMatchObject({
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-max-age": "7200",
      });
    expect((await ask("null", "x-api-key")).cors).not.toHaveProperty("access-control-allow-credentials");
    expect((await ask(ALLOWED, "x-api-keys")).cors).not.toHaveProperty("access-control-allow-credentials");
    expect((await send("GET", path, { Origin: ALLOWED, "X-API-Key": seed.key })).cors).toEqual(vouched);
    const refused = await send("GET", path, { Origin: OTHER, "X-API-Key": seed.key });
    expect([refused.code, refused.cors]).toEqual(["origin_not_allowed", {}]);
  });

  it("[U5] give pages of public sites access to a private network only if the project allows the origin", async () => {
    const seed = await listing();
    const ask = (path: string, origin: string) =>
      send("OPTIONS", path, {
        Origin: origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Private-Network": "true",
      });
    expect((await ask(seed.path, ALLOWED)).cors["access-control-allow-private-network"]).toBe("true");
    expect((await ask(seed.path, OTHER)).cors).toEqual({});
    expect((await ask("/api/1/ce/some/endpoint?key=unknown", OTHER)).cors).not.toHaveProperty("access-control-allow-private-network");
  });

  it("[R12] OPTIONS without an origin lists the methods", async () => {
    const answer = await send("OPTIONS", (await listing()).path, {});
    expect([answer.status, answer.headers.allow, answer.cors]).toEqual([204, "GET, HEAD, POST, PUT, DELETE, OPTIONS", {}]);
  });
});
