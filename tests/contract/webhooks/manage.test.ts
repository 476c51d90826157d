/** Tests webhooks in the management API (H1, H6): fields, ownership, tokens, limits and secrets. */
import { randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WEBHOOKS_PER_PROJECT_MAX } from "@/src/shared/management/webhooks";
import { type ManageServer, startManageServer } from "@/tests/support/servers/manage-server";
import { createWorldOn, WEBHOOK_CONFIG, type WebhookWorld } from "@/tests/support/webhooks/webhook-world";

let server: ManageServer;
let world: WebhookWorld;

beforeAll(async () => {
  server = await startManageServer(WEBHOOK_CONFIG);
});
afterAll(() => server.stop());
beforeEach(async () => {
  world = await createWorldOn(server);
});
afterEach(() => world.close());

const create = (body: object) => world.call("POST", `projects/${world.projectId}/webhooks`, { url: world.receiver.url, ...body });

describe("webhooks", () => {
  it("[H1] show who created them, and nobody if that is not known", async () => {
    const { id, createdBy } = (await create({})).body;
    expect(createdBy).toEqual({ id: world.ada.id, name: expect.stringMatching(/^Ada/) });
    const { webhook } = server.runtime.db;
    for (const createdById of [null, randomUUID()]) {
      await webhook.update({ where: { id }, data: { createdById } });
      expect((await world.call("GET", `webhooks/${id}`)).body.createdBy).toBeNull();
    }
  });

  it("[H1] POST responds with the webhook and its secret, which no other response contains", async () => {
    const answer = await create({ endpoints: ["readings"], operations: ["POST", "DELETE"], filter: "data.t > 1" });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        projectId: world.projectId,
        url: world.receiver.url,
        endpoints: ["readings"],
        operations: ["POST", "DELETE"],
        filter: "data.t > 1",
        state: "active",
        pausedReason: null,
        lag: 0,
        parked: 0,
        blocked: false,
        secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
      },
    });
    const { secret, id, ...shown } = answer.body;
    const others = [
      await world.call("GET", `projects/${world.projectId}/webhooks`),
      await world.call("GET", `webhooks/${id}`),
      await world.call("PATCH", `webhooks/${id}`, { filter: null }),
      await world.call("POST", `webhooks/${id}/pause`),
      await world.call("POST", `webhooks/${id}/resume`),
      await world.call("POST", `webhooks/${id}/replay`, { from: "now" }),
      await world.call("GET", `webhooks/${id}/deliveries`),
    ];
    for (const { status, text } of others) {
      expect(status, text).toBe(200);
      expect(text).not.toContain(secret);
      expect(text).not.toContain('"secret"');
    }
    expect(others[0]?.body).toEqual([{ id, ...shown }]);
    expect((await world.call("DELETE", `webhooks/${id}`)).status).toBe(204);
    expect((await world.call("GET", `webhooks/${id}`)).status).toBe(404);
  });

  it("[H6] the database contains no secret that can be read", async () => {
    const { secret, id } = (await create({})).body;
    await world.call("POST", `webhooks/${id}/rotate-secret`, { graceSeconds: 60 });
    const [row] = await server.runtime.db.$queryRaw<[{ text: string }]>`SELECT w::text AS text FROM "Webhook" w WHERE w.id = ${id}::uuid`;
    const raw = Buffer.from(secret.slice("whsec_".length), "base64").toString("hex");
    for (const form of [secret, raw, Buffer.from(secret).toString("hex")]) expect(row.text).not.toContain(form);
    expect(server.logged.map((entry) => JSON.stringify(entry)).join("\n")).not.toContain(secret);
  });

  it.each([
    [{ url: "nonsense" }, "url", "Enter an address"],
    [{ url: "ftp://example.com/" }, "url", "Enter an address"],
    [{ url: "https://user:password@example.com/" }, "url", "Remove the user name"],
    [{ url: "https://example.com/#part" }, "url", "Remove the part"],
    [{ url: "https://example.com:25/" }, "url", "Use port 80 or 443"],
    [{ url: "https://169.254.169.254/latest" }, "url", "Use a public address"],
    [{ url: "https://[::1]/" }, "url", "Use a public address"],
    [{ url: "https://10.0.0.1/" }, "url", "Use a public address"],
    [{ url: `https://example.com/${"x".repeat(2_048)}` }, "url", "2048 characters"],
    [{ endpoints: ["readings", "missing"] }, "endpoints", "no endpoint missing"],
    [{ endpoints: [] }, "endpoints", "null for all endpoints"],
    [{ operations: [] }, "operations", "at least one"],
    [{ operations: ["POST", "POST"] }, "operations", "once"],
    [{ operations: ["GET"] }, "operations.0", "POST, PUT, DELETE"],
    [{ from: "yesterday" }, "from", "Use now, a cursor, or a time"],
    [{ from: "2999-01-01T00:00:00Z" }, "from", "has passed"],
    [{ from: `${"0".repeat(32)}-1` }, "from", "not of an endpoint"],
    [{ secret: "whsec_mine" }, "secret", "Unknown field"],
  ])("[H1] %o is rejected", async (body, field, message) => {
    const answer = await create(body);
    expect(answer).toMatchObject({ status: 400, body: { code: "fields_invalid", fields: { [field]: expect.stringContaining(message) } } });
    expect((await world.call("GET", `projects/${world.projectId}/webhooks`)).body).toEqual([]);
  });

  it("[H1] an expression that cannot be parsed is rejected with its position", async () => {
    expect(await create({ filter: "data.(" })).toMatchObject({ status: 400, body: { code: "jsonata_invalid" } });
    const { id } = (await create({})).body;
    expect(await world.call("PATCH", `webhooks/${id}`, { filter: "(" })).toMatchObject({ status: 400, body: { code: "jsonata_invalid" } });
  });

  it("[H1] PATCH changes only what it names; endpoints that are added begin now", async () => {
    const other = (await world.call("POST", `projects/${world.projectId}/endpoints`, { name: "other" })).body.id;
    const hook = await world.hook({ endpoints: ["readings"], filter: "true" });
    await world.call("POST", `endpoints/${other}/records`, "before");
    const changed = await world.call("PATCH", `webhooks/${hook.id}`, { endpoints: ["other", "readings"] });
    expect(changed.body).toMatchObject({ endpoints: ["other", "readings"], filter: "true", url: hook.url, lag: 0 });
    await server.runtime.webhooks.poll();
    await world.call("POST", `endpoints/${other}/records`, "after");
    expect((await world.receiver.take(1))[0]?.event.record.data).toBe("after");
    expect((await world.call("PATCH", `webhooks/${hook.id}`, { endpoints: null })).body.endpoints).toBeNull();
  });

  it("[H1] [G6] webhooks of other accounts do not exist", async () => {
    const { id } = (await create({})).body;
    const eve = await server.createPerson(`Eve${id.slice(0, 8)}`);
    const delivery = "00000000-0000-4000-8000-000000000000";
    for (const [method, path, body] of [
      ["GET", `projects/${world.projectId}/webhooks`],
      ["POST", `projects/${world.projectId}/webhooks`, { url: "https://example.com/" }],
      ["GET", `webhooks/${id}`],
      ["PATCH", `webhooks/${id}`, {}],
      ["DELETE", `webhooks/${id}`],
      ["POST", `webhooks/${id}/pause`],
      ["POST", `webhooks/${id}/resume`],
      ["POST", `webhooks/${id}/replay`, { from: "now" }],
      ["POST", `webhooks/${id}/rotate-secret`, { graceSeconds: 0 }],
      ["GET", `webhooks/${id}/deliveries`],
      ["POST", `webhooks/${id}/deliveries/${delivery}/resend`],
    ] as const) {
      const answer = await eve.call(method, `/api/manage/${path}`, body ? { body } : {});
      expect([answer.status, answer.body.code], `${method} ${path}`).toEqual([404, "not_found"]);
    }
    expect((await world.call("GET", `webhooks/${id}`)).body.state).toBe("active");
    expect((await world.call("POST", `webhooks/${id}/deliveries/nonsense/resend`)).status).toBe(404);
  });

  it("[H1] [G21] a token that reads sees no path of a URL and changes nothing, and one for another project finds nothing", async () => {
    const { id } = (await create({})).body;
    const other = (await world.call("POST", "projects", { name: "Other" })).body.id;
    const createToken = async (body: object) => (await world.call("POST", "account/tokens", { name: "t", ...body })).body.token;
    const call = (token: string, method: string, path: string) =>
      server.call(method, `/api/manage/${path}`, { headers: { authorization: `Bearer ${token}` } });
    const reader = await createToken({ scope: "read", projectIds: [world.projectId] });
    for (const path of [`webhooks/${id}`, `projects/${world.projectId}/webhooks`]) {
      const answer = await call(reader, "GET", path);
      expect(answer.status).toBe(200);
      expect(answer.text).not.toContain("token=abc");
    }
    expect(await call(reader, "POST", `webhooks/${id}/pause`)).toMatchObject({ status: 403, body: { code: "token_scope_insufficient" } });
    const stranger = await createToken({ projectIds: [other] });
    expect((await call(stranger, "GET", `webhooks/${id}`)).status).toBe(404);
  });

  it("[H1] a project has a limited number of webhooks, also if they are created at once", async () => {
    const answers = await Promise.all(Array.from({ length: WEBHOOKS_PER_PROJECT_MAX + 3 }, () => create({})));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(WEBHOOKS_PER_PROJECT_MAX);
    const refused = answers.filter(({ status }) => status !== 201);
    for (const answer of refused)
      expect(answer).toMatchObject({ status: 403, body: { code: "quota_exceeded", detail: expect.stringContaining("20 webhooks") } });
  });

  it("[H5] [G6] the list of deliveries has pages, and rejects parameters that are not valid", async () => {
    const { id } = await world.hook();
    for (let n = 0; n < 5; n += 1) await world.write(n);
    const list = async (query: string) => (await world.call("GET", `webhooks/${id}/deliveries?${query}`)).body;
    await world.polling("five deliveries", async () => (await list("")).deliveries.length === 5);
    const seqs: number[] = [];
    let page = await list("limit=2");
    for (; page.next; page = await list(`limit=2&before=${page.next}`))
      seqs.push(...page.deliveries.map(({ seq }: { seq: number }) => seq));
    seqs.push(...page.deliveries.map(({ seq }: { seq: number }) => seq));
    expect(seqs.toSorted()).toEqual([1, 2, 3, 4, 5]);
    for (const query of ["limit=0", "limit=201", "state=lost", "before=", "before=1"]) {
      const answer = await world.call("GET", `webhooks/${id}/deliveries?${query}`);
      expect([answer.status, answer.body.code], query).toEqual([400, "parameter_invalid"]);
    }
  });

  it("[H1] deleting a project deletes its webhooks", async () => {
    const { id } = await world.hook();
    await world.write(1);
    await world.receiver.take(1);
    await world.call("DELETE", `projects/${world.projectId}`);
    expect(await server.runtime.db.webhook.count({ where: { id } })).toBe(0);
    expect(await server.runtime.db.webhookDelivery.count({ where: { webhookId: id } })).toBe(0);
  });
});

describe("secrets", () => {
  it("[H6] after a rotation both secrets verify until the grace period ends, then only the new one", async () => {
    const hook = await world.hook();
    const rotated = await world.call("POST", `webhooks/${hook.id}/rotate-secret`, { graceSeconds: 3_600 });
    expect(rotated).toMatchObject({ status: 201, body: { id: hook.id, previousSecretUntil: expect.any(String) } });
    expect(rotated.body.secret).not.toBe(hook.secret);
    await world.write(1);
    const [both] = await world.receiver.take(1);
    for (const secret of [hook.secret, rotated.body.secret]) new Webhook(secret).verify(both?.text ?? "", both?.headers ?? {});
    await server.runtime.db.$executeRaw`UPDATE "Webhook" SET "previousSecretUntil" = now() WHERE id = ${hook.id}::uuid`;
    await world.write(2);
    const [, one] = await world.receiver.take(2);
    new Webhook(rotated.body.secret).verify(one?.text ?? "", one?.headers ?? {});
    expect(() => new Webhook(hook.secret).verify(one?.text ?? "", one?.headers ?? {})).toThrow("No matching signature");
    const last = await world.call("POST", `webhooks/${hook.id}/rotate-secret`, { graceSeconds: 0 });
    expect(last.body.previousSecretUntil).toBeNull();
  });

  it("[H6] a webhook whose secret cannot be decrypted sends nothing unsigned; a rotation repairs it", async () => {
    const hook = await world.hook();
    await server.runtime.db.$executeRaw`UPDATE "Webhook" SET secret = '\\x0102'::bytea WHERE id = ${hook.id}::uuid`;
    await world.write(1);
    const paused = await world.polling("a paused webhook", async () => {
      const found = (await world.call("GET", `webhooks/${hook.id}`)).body;
      return found.state === "paused" && found;
    });
    expect(paused).toMatchObject({ pausedReason: "secret_unreadable", pausedDetail: expect.stringContaining("Rotate") });
    expect(world.receiver.received).toEqual([]);
    const { secret } = (await world.call("POST", `webhooks/${hook.id}/rotate-secret`, { graceSeconds: 0 })).body;
    await world.call("POST", `webhooks/${hook.id}/resume`);
    const [received] = await world.receiver.take(1);
    new Webhook(secret).verify(received?.text ?? "", received?.headers ?? {});
  });
});
