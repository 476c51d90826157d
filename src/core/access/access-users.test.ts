/** Tests the access decision for requests that depend on users and their tokens (S1, S2, L4, W6). */
import { describe, expect, it } from "vitest";
import type { AccessRequest, Operation } from "@/src/core/access/access-request";
import type { StoredToken } from "@/src/core/access/ports";
import { ACCESS_TOKEN_COOKIE } from "@/src/shared/streams/protocol";
import {
  codeOf,
  createResolvedEndpoint,
  createToken,
  FUTURE,
  NOW,
  PAST,
  request,
  type SiteOptions,
  createMemoryAccess as setUp,
} from "@/tests/support/memory/memory-access";

const SECURE = { endpoint: { secure: true } };
const USERS = { endpoint: { kind: "authentication" as const, id: "users-id" } };
const OPERATIONS: readonly Operation[] = ["read", "create", "update", "delete", "subscribe"];

/** `accessToken`: null sends none; if absent, the valid one is sent. */
type Changes = Omit<Partial<AccessRequest>, "accessToken"> & { accessToken?: string | null };

function withToken(options: SiteOptions, token: Partial<StoredToken> = {}) {
  const { access, world } = setUp(options);
  world.tokens.set("secret", createToken(token));
  const decide = ({ accessToken = "secret", ...changes }: Changes = {}) =>
    access.decide(request({ ...changes, ...(accessToken === null ? {} : { accessToken }) }));
  return { access, world, decide };
}

describe("tokens", () => {
  it.each<[string, SiteOptions, Partial<StoredToken>, Changes, string]>([
    ["[S1] a valid token opens a secure endpoint", SECURE, {}, {}, "granted"],
    ["[S3] from whichever authentication endpoint of the project", SECURE, { endpointId: "other-users-id" }, {}, "granted"],
    ["[S1] not one of another project", SECURE, { projectId: "another" }, {}, "access_token_invalid"],
    ["[S1] not one that has expired", SECURE, { expiresAt: NOW }, {}, "access_token_invalid"],
    ["[L3] not one that was revoked", SECURE, { revokedAt: PAST }, {}, "access_token_invalid"],
    ["[L3] not one that was revoked by a node whose clock is ahead", SECURE, { revokedAt: FUTURE }, {}, "access_token_invalid"],
    ["[S1] not an unknown one", SECURE, {}, { accessToken: "other" }, "access_token_invalid"],
    ["[S1] none", SECURE, {}, { accessToken: null }, "access_token_missing"],
    ["[S1] an open endpoint ignores it", {}, { revokedAt: PAST }, {}, "granted"],
    ["[L4] a token of its own user opens an authentication endpoint", USERS, {}, {}, "granted"],
    ["[L4] [S3] not one of another authentication endpoint of the project", USERS, { endpointId: "other" }, {}, "access_token_invalid"],
    ["[L4] an authentication endpoint is never open", USERS, {}, { accessToken: null }, "access_token_missing"],
    ["[L1] registration needs none", USERS, {}, { accessToken: null, operation: "register" }, "granted"],
    ["[L2] login needs none, and ignores an invalid one", USERS, {}, { accessToken: "bad", operation: "login" }, "granted"],
    ["[L3] logout needs one", USERS, {}, { accessToken: null, operation: "logout" }, "access_token_missing"],
    ["[L3] a key that only reads can log out", { ...USERS, key: { scope: "read" } }, {}, { operation: "logout" }, "granted"],
    ["[L2] a key that only reads can log in", { ...USERS, key: { scope: "read" } }, {}, { operation: "login" }, "granted"],
    [
      "[L1] a key that only reads can't register",
      { ...USERS, key: { scope: "read" } },
      {},
      { operation: "register" },
      "key_scope_insufficient",
    ],
    [
      "[U6] the master key is enough, even with an invalid token",
      { ...SECURE, masterKey: "m" },
      { revokedAt: PAST },
      { masterKey: "m" },
      "granted",
    ],
    ["[U6] a wrong master key is an error, even with a valid token", SECURE, {}, { masterKey: "m" }, "master_key_invalid"],
  ])("%s", async (_rule, options, token, changes, code) => {
    const { decide } = withToken(options, token);
    expect(await codeOf(decide(changes))).toBe(code);
  });

  it("[S1] records the use of a token that was looked up and is valid", async () => {
    const valid = withToken(SECURE);
    await valid.decide();
    expect(valid.world.used).toEqual(["key-id", "token-id"]);
    const expired = withToken(SECURE, { expiresAt: PAST });
    expect(await codeOf(expired.decide())).toBe("access_token_invalid");
    expect(expired.world.used).toEqual([]);
    const open = withToken({});
    await open.decide();
    expect(open.world.used).toEqual(["key-id"]);
  });
});

describe("whose records", () => {
  it.each(OPERATIONS)("[S2] %s: only the user's own records, unless the endpoint's switch allows others", async (operation) => {
    const switches: Record<string, Operation[]> = {
      none: [],
      othersCanRead: ["read", "subscribe"],
      othersCanUpdate: ["update"],
      othersCanDelete: ["delete"],
    };
    for (const [name, opened] of Object.entries(switches)) {
      const { decide } = withToken({ endpoint: { secure: true, [name]: true } });
      const grant = await decide({ operation });
      const isFree = operation === "create" || opened.includes(operation);
      expect(grant.onlyOwner, name).toBe(isFree ? undefined : "ann");
      expect(grant.user).toEqual({ id: "ann", tokenId: "token-id", tokenExpiresAt: FUTURE });
    }
  });

  it.each(OPERATIONS.filter((operation) => operation !== "create"))(
    "[L4] [S3] %s: accounts are their own users' alone, whatever the switches say",
    async (operation) => {
      const everything = { secure: true, othersCanRead: true, othersCanUpdate: true, othersCanDelete: true };
      const { decide } = withToken({ endpoint: { ...USERS.endpoint, ...everything } });
      expect((await decide({ operation })).onlyOwner).toBe("ann");
    },
  );

  it.each(OPERATIONS)("[U6] %s: all records with the master key; new records have no owner", async (operation) => {
    for (const { endpoint } of [SECURE, USERS]) {
      const grant = await withToken({ endpoint, masterKey: "m" }).decide({ operation, masterKey: "m" });
      expect(grant).toMatchObject({ master: true, user: null, onlyOwner: undefined });
    }
  });

  it("[S1] an open endpoint ignores users", async () => {
    const { decide } = withToken({});
    for (const operation of OPERATIONS) expect(await decide({ operation })).toMatchObject({ user: null, onlyOwner: undefined });
  });

  it("[W5] a ticket of the console allows all records", async () => {
    const { access } = setUp(SECURE);
    const grant = await access.decide({ version: "1", endpointName: "some/endpoint", operation: "subscribe", ticket: "ticket" });
    expect(grant).toMatchObject({ via: "ticket", user: null, onlyOwner: undefined });
  });
});

describe("recheck", () => {
  it.each<[string, SiteOptions, Partial<StoredToken> | "deleted", SiteOptions, string | undefined]>([
    ["nothing changed", SECURE, {}, SECURE, undefined],
    ["the token was revoked", SECURE, { revokedAt: PAST }, SECURE, "token_revoked"],
    ["the token was made to expire earlier", SECURE, { expiresAt: PAST }, SECURE, "token_expired"],
    ["the user was deleted", SECURE, "deleted", SECURE, "user_deleted"],
    ["others may be read now", SECURE, {}, { endpoint: { secure: true, othersCanRead: true } }, "access_changed"],
    ["others may no longer be read", { endpoint: { secure: true, othersCanRead: true } }, {}, SECURE, "access_changed"],
    [
      "others may be changed now, which a stream does not show",
      SECURE,
      {},
      { endpoint: { secure: true, othersCanUpdate: true } },
      undefined,
    ],
    ["the endpoint was opened, which shows more", SECURE, {}, {}, "access_changed"],
    ["the endpoint was opened, which shows nothing more", { endpoint: { secure: true, othersCanRead: true } }, {}, {}, undefined],
    [
      "the endpoint was opened, but the token was revoked",
      { endpoint: { secure: true, othersCanRead: true } },
      { revokedAt: PAST },
      {},
      "token_revoked",
    ],
    [
      "switches of an authentication endpoint have no effect",
      USERS,
      {},
      { endpoint: { ...USERS.endpoint, othersCanRead: true } },
      undefined,
    ],
    ["the key was revoked, too", SECURE, { revokedAt: PAST }, { ...SECURE, key: { revokedAt: PAST } }, "key_revoked"],
  ])("[W6] %s", async (_what, before, token, after, code) => {
    const { access, world, decide } = withToken(before);
    const grant = await decide({ operation: "subscribe" });
    if (token === "deleted") world.tokens.clear();
    else world.tokens.set("secret", createToken(token));
    world.resolved = createResolvedEndpoint(after);
    expect((await access.recheck(grant))?.code).toBe(code);
  });

  it.each<[string, Partial<AccessRequest>, string[], string[], string | undefined]>([
    ["cookie from a listed origin, which stayed", {}, ["https://a.example"], ["https://a.example", "https://b.example"], undefined],
    ["cookie from a listed origin, the list was emptied", {}, ["https://a.example"], [], "origin_removed"],
    ["cookie from the server's own page, the list was emptied", { publicUrl: "https://a.example" }, ["https://a.example"], [], undefined],
    ["token sent explicitly, the list was emptied", { accessToken: "secret" }, ["https://a.example"], [], undefined],
  ])("[W6] [S6] opened by a %s", async (_what, changes, before, after, code) => {
    const { access, world } = withToken({ ...SECURE, origins: before });
    const headers = { cookie: `${ACCESS_TOKEN_COOKIE}=secret`, host: "api.example" };
    const grant = await access.decide(request({ operation: "subscribe", origin: "https://a.example", headers, ...changes }));
    world.resolved = createResolvedEndpoint({ ...SECURE, origins: after });
    expect((await access.recheck(grant))?.code).toBe(code);
  });

  it("[W6] an expired token that was deleted later is reported as expired", async () => {
    const { access, world, decide } = withToken(SECURE);
    const grant = await decide({ operation: "subscribe" });
    world.tokens.clear();
    if (grant.user) grant.user.tokenExpiresAt = NOW;
    expect((await access.recheck(grant))?.code).toBe("token_expired");
  });

  it("[W6] updates the token's expiry in the grant", async () => {
    const { access, world, decide } = withToken(SECURE);
    const grant = await decide({ operation: "subscribe" });
    const expiresAt = new Date(FUTURE.getTime() + 1);
    world.tokens.set("secret", createToken({ expiresAt }));
    expect(await access.recheck(grant)).toBeUndefined();
    expect(grant.user?.tokenExpiresAt).toEqual(expiresAt);
  });
});
