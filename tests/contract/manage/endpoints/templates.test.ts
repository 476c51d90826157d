/** Tests templates (G45): what they create, and that they create everything or nothing. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TEMPLATE_ENDPOINTS } from "@/src/management/projects/template-endpoints";
import { TEMPLATE_IDS } from "@/src/shared/text/templates";
import { type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
});

const start = (body: object) => ada.call("POST", "/api/manage/start", { body });
const addTo = (projectId: string, template: unknown) =>
  ada.call("POST", `/api/manage/projects/${projectId}/templates`, { body: { template } });
const listEndpoints = async (projectId: string): Promise<{ name: string }[]> =>
  (await ada.call("GET", `/api/manage/projects/${projectId}/endpoints`)).body;

describe("templates", () => {
  it.each(TEMPLATE_IDS)("[G45.1] [G45.2] %s creates a project with endpoints, schema, rules and sample records", async (template) => {
    const answer = await start({ name: "My project", template });
    expect(answer.status, answer.text).toBe(201);
    const { project, endpoint, key } = answer.body;
    const [main] = TEMPLATE_ENDPOINTS[template];
    expect(project).toMatchObject({ name: "My project", counts: { endpoints: TEMPLATE_ENDPOINTS[template].length } });
    expect(key).toMatchObject({ scope: "read_write", projectId: project.id });
    expect((await listEndpoints(project.id)).map(({ name }) => name)).toEqual(TEMPLATE_ENDPOINTS[template].map(({ name }) => name));
    const stored = (await ada.call("GET", `/api/manage/endpoints/${endpoint.id}`)).body;
    expect(stored).toMatchObject({
      name: main?.name,
      kind: "data",
      secure: false,
      schema: main?.schema,
      recordCount: main?.samples.length,
    });
    expect(endpoint).toMatchObject({
      id: stored.id,
      name: stored.name,
      schema: stored.schema,
      rules: stored.rules,
      recordCount: stored.recordCount,
    });
    for (const [operation, rule] of Object.entries(main?.rules ?? {})) expect(stored.rules[operation]).toBe(rule);
    const { records } = (await ada.call("GET", `/api/manage/endpoints/${endpoint.id}/records?order=created`)).body;
    expect(records.map(({ data }: { data: unknown }) => data)).toEqual(expect.arrayContaining([...(main?.samples ?? [])]));
    expect((await ada.call("GET", `/api/manage/endpoints/${endpoint.id}/changes`)).body.changes).toHaveLength(main?.samples.length ?? 0);
  });

  it.each(TEMPLATE_IDS)("[G45.2] [A1] [R10] the API accepts the schema, the rules and each sample of %s", async (template) => {
    const { endpoint } = (await start({ name: "First" })).body;
    for (const { schema, rules, samples } of TEMPLATE_ENDPOINTS[template]) {
      const changed = await ada.call("PATCH", `/api/manage/endpoints/${endpoint.id}`, { body: { schema, rules } });
      expect(changed.status, changed.text).toBe(200);
      const examples: unknown[] = Array.isArray(schema.examples) ? schema.examples : [];
      expect(examples).toHaveLength(1);
      for (const body of [...samples, ...examples]) {
        const checked = await ada.call("POST", `/api/manage/endpoints/${endpoint.id}/schema-check`, { body: { schema, body } });
        expect(checked.body).toEqual({ valid: true, problems: {} });
      }
    }
  });

  it("[G45.3] a template is added to a project, next to others, and its records are published", async () => {
    const { project } = (await start({ name: "Weather" })).body;
    const before = server.notifications.length;
    const answer = await addTo(project.id, "sensors");
    expect(answer).toMatchObject({ status: 201, body: { name: "sensors/readings", projectId: project.id } });
    expect((await addTo(project.id, "chat")).status).toBe(201);
    expect((await listEndpoints(project.id)).map(({ name }) => name).sort()).toEqual(["chat/messages", "sensors/readings", "weather"]);
    const named = server.notifications.slice(before).flatMap((each): string[] => {
      if (each.kind === "changes") return each.changes.map(({ endpointId }) => endpointId);
      return each.kind === "endpoint" ? [each.endpointId] : [];
    });
    expect(named).toContain(answer.body.id);
  });

  it("[G45.4] a name that is taken leaves the project as it was", async () => {
    const { project } = (await start({ name: "Talk", template: "chat" })).body;
    const again = await addTo(project.id, "chat");
    expect(again).toMatchObject({ status: 409, body: { code: "name_taken", detail: expect.stringContaining("chat/messages") } });
    expect(await listEndpoints(project.id)).toHaveLength(1);
  });

  it("[G45.4] [G20] over a quota, no project and no endpoint is left", async () => {
    const { db } = server.runtime;
    const full = (await start({ name: "Full" })).body.project;
    await db.$executeRaw`UPDATE "Project" SET "quotas" = '{"endpoints":1}' WHERE "id" = ${full.id}::uuid`;
    expect(await addTo(full.id, "feedback")).toMatchObject({ status: 403, body: { code: "quota_exceeded" } });
    expect(await listEndpoints(full.id)).toHaveLength(1);
  });

  it("[G45.5] an unknown template, and none, are refused", async () => {
    const { project } = (await start({ name: "Weather" })).body;
    for (const template of ["blog", "", null, 1, undefined]) {
      const answer = await addTo(project.id, template);
      expect(answer).toMatchObject({
        status: 400,
        body: { code: "fields_invalid", fields: { template: expect.any(String) } },
      });
    }
    expect(await start({ name: "Weather", template: "blog" })).toMatchObject({
      status: 400,
      body: { fields: { template: expect.any(String) } },
    });
  });
});
