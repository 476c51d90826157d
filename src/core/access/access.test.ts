/** Tests each check of the access decision. The checks of tokens are in access-users.test.ts. */
import { describe, expect, it } from "vitest";
import type { Grant } from "@/src/core/access/access";
import type { AccessRequest, Operation } from "@/src/core/access/access-request";
import { AppError } from "@/src/shared/errors";
import {
  codeOf,
  createResolvedEndpoint,
  FUTURE,
  NOW,
  PAST,
  request,
  type SiteOptions,
  createMemoryAccess as setUp,
} from "@/tests/support/memory/memory-access";

describe("decide", () => {
  it("grants a request that passes every check", async () => {
    const { access, world } = setUp();
    expect(await access.decide(request({ origin: "https://a.example" }))).toEqual({
      endpoint: { id: "endpoint-id", name: "some/endpoint" },
      projectId: "project-id",
      ownerId: "owner-id",
      keyId: "key-id",
      keyExpiresAt: null,
      master: false,
      user: null,
      onlyOwner: undefined,
      origin: "https://a.example",
      allowedOrigin: "https://a.example",
      via: "key",
      evidence: { key: "good", masterKeyHash: null, revision: 7, tokenGeneration: 0, needsListedOrigin: false },
    });
    expect(world.used).toEqual(["key-id"]);
  });

  it.each<[string, SiteOptions, Partial<AccessRequest>, string]>([
    ["[U3] another version", {}, { version: "2" }, "api_version_unknown"],
    ["[U3] another version before a missing key", {}, { version: "v1", key: "" }, "api_version_unknown"],
    ["[U3] no key", {}, { key: "" }, "key_missing"],
    ["[U3] an unknown key", {}, { key: "bad" }, "endpoint_or_key_invalid"],
    ["[U3] an unknown name", {}, { endpointName: "other/endpoint" }, "endpoint_or_key_invalid"],
    ["[U3] a revoked key", { key: { revokedAt: PAST } }, {}, "endpoint_or_key_invalid"],
    ["[U7] a key revoked by a node whose clock is ahead", { key: { revokedAt: FUTURE } }, {}, "endpoint_or_key_invalid"],
    ["[U3] an expired key", { key: { expiresAt: NOW } }, {}, "endpoint_or_key_invalid"],
    ["[U7] a key that has not expired", { key: { expiresAt: FUTURE } }, {}, "granted"],
    ["[U3] a revoked key before a wrong master key", { key: { revokedAt: PAST } }, { masterKey: "x" }, "endpoint_or_key_invalid"],
    ["[U6] a master key where there is none", {}, { masterKey: "x" }, "master_key_invalid"],
    ["[U6] a wrong master key", { masterKey: "m" }, { masterKey: "x" }, "master_key_invalid"],
    ["[U6] an empty master key", { masterKey: "m" }, { masterKey: "" }, "master_key_invalid"],
    [
      "[U6] a wrong master key before the origin",
      { masterKey: "m", origins: ["https://a.example"] },
      { masterKey: "x" },
      "master_key_invalid",
    ],
    ["[U6] the master key", { masterKey: "m" }, { masterKey: "m" }, "granted"],
    ["[U4] another origin", { origins: ["https://a.example"] }, { origin: "https://b.example" }, "origin_not_allowed"],
    ["[U4] an allowed origin", { origins: ["https://a.example"] }, { origin: "https://a.example" }, "granted"],
    ["[U4] an allowed origin in capitals", { origins: ["https://a.example"] }, { origin: "HTTPS://A.example" }, "granted"],
    [
      "[U4] an origin that only begins like an allowed one",
      { origins: ["https://a.example"] },
      { origin: "https://a.example.org" },
      "origin_not_allowed",
    ],
    ["[U4] the opaque origin where origins are listed", { origins: ["https://a.example"] }, { origin: "null" }, "origin_not_allowed"],
    ["[U4] no origin where origins are listed", { origins: ["https://a.example"] }, {}, "granted"],
    ["[U4] no origin where one is required", { disallowNoOrigin: true }, {}, "origin_required"],
    ["[U4] any origin where one is required and none listed", { disallowNoOrigin: true }, { origin: "https://b.example" }, "granted"],
    [
      "[U6] another origin with the master key",
      { origins: ["https://a.example"], masterKey: "m" },
      { origin: "https://b.example", masterKey: "m" },
      "granted",
    ],
    ["[U6] no origin with the master key", { disallowNoOrigin: true, masterKey: "m" }, { masterKey: "m" }, "granted"],
    ["[S1] a secure endpoint without a token", { endpoint: { secure: true } }, {}, "access_token_missing"],
    ["[S1] a secure endpoint with an unknown token", { endpoint: { secure: true } }, { accessToken: "t" }, "access_token_invalid"],
    ["[S1] a secure endpoint with the master key", { endpoint: { secure: true }, masterKey: "m" }, { masterKey: "m" }, "granted"],
    ["[L4] an authentication endpoint without a token", { endpoint: { kind: "authentication" } }, {}, "access_token_missing"],
    [
      "[U4] the origin before the scope",
      { origins: ["https://a.example"], key: { scope: "write" } },
      { origin: "https://b.example" },
      "origin_not_allowed",
    ],
    ["[U7] the scope before the token", { endpoint: { secure: true }, key: { scope: "write" } }, {}, "key_scope_insufficient"],
  ])("%s", async (_rule, options, changes, code) => {
    const { access, world } = setUp(options);
    expect(await codeOf(access.decide(request(changes)))).toBe(code);
    expect(world.used).toHaveLength(code === "granted" ? 1 : 0);
  });

  it.each<["read" | "write" | "read_write", Operation[]]>([
    ["read", ["read", "subscribe"]],
    ["write", ["create", "update", "delete"]],
    ["read_write", ["read", "subscribe", "create", "update", "delete"]],
  ])("[U7] scope %s allows %j", async (scope, allowed) => {
    const { access } = setUp({ key: { scope }, masterKey: "m" });
    for (const operation of ["read", "create", "update", "delete", "subscribe"] as const) {
      const expected = allowed.includes(operation) ? "granted" : "key_scope_insufficient";
      expect(await codeOf(access.decide(request({ operation })))).toBe(expected);
      // The master key gives the owner's rights. It does not replace a project key.
      expect(await codeOf(access.decide(request({ operation, masterKey: "m" })))).toBe(expected);
    }
  });

  it("a ticket opens the stream of its endpoint, regardless of origin and token", async () => {
    const { access, world } = setUp({ endpoint: { secure: true }, origins: ["https://a.example"], disallowNoOrigin: true });
    const subscribe = { version: "1", endpointName: "some/endpoint", operation: "subscribe", ticket: "ticket" } as const;
    expect(await access.decide(subscribe)).toMatchObject({
      via: "ticket",
      keyId: null,
      keyExpiresAt: null,
      endpoint: { id: "endpoint-id" },
    });
    expect(world.used).toEqual([]);
    expect(await codeOf(access.decide({ ...subscribe, ticket: "used" }))).toBe("ticket_invalid");
    expect(await codeOf(access.decide({ ...subscribe, endpointName: "other/endpoint" }))).toBe("ticket_invalid");
    expect(await codeOf(access.decide({ ...subscribe, version: "2" }))).toBe("api_version_unknown");
    expect(await codeOf(access.decide({ ...subscribe, operation: "read" }))).toBe("key_missing");
  });
});

describe("echoOrigin", () => {
  it("[U5] [S6] returns the origin if it may read responses (any origin with the master key), and whether it is listed", () => {
    const { access } = setUp();
    const resolved = createResolvedEndpoint({ origins: ["https://a.example"], masterKey: "m" });
    expect(access.echoOrigin(resolved, { origin: "https://a.example" })).toEqual({ origin: "https://a.example", listed: true });
    expect(access.echoOrigin(resolved, { origin: "https://b.example" })).toBeUndefined();
    expect(access.echoOrigin(resolved, { origin: "https://b.example", masterKey: "m" })).toEqual({
      origin: "https://b.example",
      listed: false,
    });
    expect(access.echoOrigin(resolved, { origin: "https://b.example", masterKey: "x" })).toBeUndefined();
    expect(access.echoOrigin(resolved, {})).toBeUndefined();
    for (const origin of ["https://b.example", "null"]) {
      expect(access.echoOrigin(createResolvedEndpoint(), { origin })).toEqual({ origin, listed: false });
      expect(access.echoOrigin(createResolvedEndpoint({ origins: [origin] }), { origin })).toEqual({ origin, listed: origin !== "null" });
    }
  });
});

describe("recheck", () => {
  const origin = "https://a.example";

  it.each<[string, SiteOptions, Partial<AccessRequest>, SiteOptions | undefined, string | undefined]>([
    ["nothing changed", {}, {}, {}, undefined],
    ["the key was revoked", {}, {}, { key: { revokedAt: PAST } }, "key_revoked"],
    ["the key has expired", { key: { expiresAt: FUTURE } }, {}, { key: { expiresAt: PAST } }, "key_expired"],
    ["the endpoint was deleted", {}, {}, undefined, "endpoint_deleted"],
    ["the endpoint was renamed", {}, {}, { endpoint: { name: "new/name" } }, "access_changed"],
    ["another endpoint has its name now", {}, {}, { endpoint: { id: "another" } }, "endpoint_deleted"],
    ["the endpoint became secure", {}, {}, { endpoint: { secure: true } }, "endpoint_secured"],
    ["its origin was removed from the list", { origins: [origin] }, { origin }, { origins: ["https://b.example"] }, "origin_removed"],
    ["its origin stayed in the list", { origins: [origin] }, { origin }, { origins: ["https://b.example", origin] }, undefined],
    ["an origin is required now", {}, {}, { disallowNoOrigin: true }, "access_changed"],
    ["the key may no longer read", {}, {}, { key: { scope: "write" } }, "access_changed"],
    [
      "the master key stayed",
      { masterKey: "m", endpoint: { secure: true } },
      { masterKey: "m" },
      { masterKey: "m", endpoint: { secure: true } },
      undefined,
    ],
    ["the master key was replaced", { masterKey: "m" }, { masterKey: "m" }, { masterKey: "n" }, "access_changed"],
    ["the master key was removed", { masterKey: "m" }, { masterKey: "m" }, {}, "access_changed"],
    [
      "origins changed under a master key",
      { masterKey: "m" },
      { masterKey: "m", origin },
      { masterKey: "m", origins: ["https://b.example"] },
      undefined,
    ],
  ])("[W6] %s", async (_what, before, changes, after, code) => {
    const { access, world } = setUp(before);
    const grant: Grant = await access.decide(request({ operation: "subscribe", ...changes }));
    world.resolved = after && createResolvedEndpoint(after);
    expect((await access.recheck(grant))?.code).toBe(code);
  });

  it("[W6] a stream opened with a ticket ends when its endpoint or the ticket's sign-in ends, or when the project gets a new owner", async () => {
    const { access, world } = setUp();
    const grant = await access.decide({ version: "1", endpointName: "some/endpoint", operation: "subscribe", ticket: "ticket" });
    world.resolved = createResolvedEndpoint({ endpoint: { secure: true, name: "new/name" }, origins: [origin] });
    expect(await access.recheck(grant)).toBeUndefined();
    world.signInIds.clear();
    expect((await access.recheck(grant))?.code).toBe("session_ended");
    world.signInIds.add("session-id");
    world.resolved.project.ownerId = "another";
    expect((await access.recheck(grant))?.code).toBe("access_changed");
    world.resolved = undefined;
    expect(await access.recheck(grant)).toBeInstanceOf(AppError);
    expect((await access.recheck(grant))?.code).toBe("endpoint_deleted");
  });
});
