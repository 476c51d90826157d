/** Tests saved views of records (G42), and how a record is found by its id (G43). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { VIEWS_PER_ENDPOINT_MAX } from "@/src/shared/management/record-views";
import { type ManageServer, type Person, startManageServer } from "../../../support/servers/manage-server";

let server: ManageServer;
let ada: Person;
let eve: Person;
let projectId: string;
let endpointId: string;
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
  eve = await server.createPerson("Eve");
});
afterAll(() => server.stop());
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  const { project, endpoint } = (await ada.call("POST", "/api/manage/start", { body: { name: "Orders" } })).body;
  [projectId, endpointId] = [project.id, endpoint.id];
});

const views = (id = "") => `/api/manage/endpoints/${endpointId}/views${id && `/${id}`}`;
const create = (body: object) => ada.call("POST", views(), { body });

describe("saved views", () => {
  it("[G42] are created, listed by name, changed and deleted", async () => {
    const open = { name: " Open ", search: "ada", filter: ['status = "open"'], order: "-updated", hidden: ["created"] };
    const columns = [{ path: ["status"], width: 200 }, { path: ["user", "name"] }];
    const created = await create({ ...open, columns });
    expect(created).toMatchObject({ status: 201, body: { ...open, name: "Open", columns } });
    expect((await create({ name: "All" })).body).toMatchObject({ search: "", filter: [], order: "-created", columns: null, hidden: [] });
    const { id } = created.body;
    const changed = await ada.call("PATCH", views(id), { body: { order: "created", columns: null } });
    expect(changed).toMatchObject({ status: 200, body: { name: "Open", search: "ada", order: "created", columns: null } });
    expect((await ada.call("GET", views())).body.map(({ name }: { name: string }) => name)).toEqual(["All", "Open"]);
    expect((await ada.call("DELETE", views(id))).status).toBe(204);
    expect((await ada.call("DELETE", views(id))).body.code).toBe("not_found");
    expect((await ada.call("GET", views())).body).toHaveLength(1);
  });

  it("[G42] have different names, also after a change", async () => {
    await create({ name: "Open" });
    expect(await create({ name: "Open" })).toMatchObject({
      status: 409,
      body: { code: "name_taken", fields: { name: expect.any(String) } },
    });
    const { id } = (await create({ name: "Done" })).body;
    expect(await ada.call("PATCH", views(id), { body: { name: "Open" } })).toMatchObject({ status: 409, body: { code: "name_taken" } });
  });

  it("[G42] are limited in number, also if many are created at once", async () => {
    const answers = await Promise.all(Array.from({ length: VIEWS_PER_ENDPOINT_MAX + 3 }, (_, index) => create({ name: `View ${index}` })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(VIEWS_PER_ENDPOINT_MAX);
    expect(answers.filter(({ body }) => body.code === "quota_exceeded")).toHaveLength(3);
  });

  it.each([
    ["no name", {}, "name"],
    ["a long name", { name: "x".repeat(61) }, "name"],
    ["a wrong filter", { name: "x", filter: ["age >="] }, "filter"],
    ["a narrow column", { name: "x", columns: [{ path: ["a"], width: 1 }] }, "columns.0.width"],
    ["an unknown order", { name: "x", order: "size" }, "order"],
    ["an unknown field", { name: "x", owner: "me" }, "owner"],
  ])("[G42] refuse %s, and name the field", async (_, body, field) => {
    expect(await create(body)).toMatchObject({ status: 400, body: { code: "fields_invalid", fields: { [field]: expect.any(String) } } });
  });

  it("[G42] of one endpoint cannot be reached through another", async () => {
    const { id } = (await create({ name: "Open" })).body;
    const other = (await ada.call("POST", `/api/manage/projects/${projectId}/endpoints`, { body: { name: "other" } })).body.id;
    for (const method of ["PATCH", "DELETE"]) {
      const answer = await ada.call(
        method,
        `/api/manage/endpoints/${other}/views/${id}`,
        method === "PATCH" ? { body: { name: "x" } } : {},
      );
      expect(answer.body.code).toBe("not_found");
    }
    expect((await ada.call("GET", views())).body).toMatchObject([{ name: "Open" }]);
  });

  it("[G42] are deleted with their endpoint", async () => {
    await create({ name: "Open" });
    expect((await ada.call("DELETE", `/api/manage/endpoints/${endpointId}`)).status).toBe(204);
    expect((await ada.call("GET", views())).body.code).toBe("not_found");
  });
});

describe("a record's endpoint", () => {
  it("[G43] is found by the id of the record, in the same project only", async () => {
    const { uniqueId } = (await ada.call("POST", `/api/manage/endpoints/${endpointId}/records`, { body: { a: 1 } })).body;
    const find = (id: string, project = projectId) => ada.call("GET", `/api/manage/projects/${project}/records/${id}`);
    expect(await find(uniqueId)).toMatchObject({ status: 200, body: { uniqueId, endpointId, endpoint: "orders", kind: "data" } });
    const other = (await ada.call("POST", "/api/manage/projects", { body: { name: "Other" } })).body.id;
    expect((await find(uniqueId, other)).body.code).toBe("record_not_found");
    expect((await find("0".repeat(32))).body.code).toBe("record_not_found");
    expect((await find("nonsense")).body.code).toBe("unique_id_invalid");
    expect((await eve.call("GET", `/api/manage/projects/${projectId}/records/${uniqueId}`)).body.code).toBe("not_found");
  });
});
