/** Tests that a management request is decided by the rights at the time when its body has arrived (S9), over a real socket: head, change of rights, body. */
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { encode } from "next-auth/jwt";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSession } from "@/src/management/accounts/sessions";
import { type Answer, HOST, type ManageServer, ORIGIN, type Person, startManageServer } from "@/tests/support/servers/manage-server";

let server: ManageServer;
let web: http.Server;
let port: number;
let ada: Person;
let projectId: string;
let endpointId: string;
let count = 0;

beforeAll(async () => {
  server = await startManageServer();
  web = http.createServer();
  web.on("checkContinue", (request, response) => void answer(request, response));
  web.listen(0, "127.0.0.1");
  await once(web, "listening");
  ({ port } = web.address() as AddressInfo);
});
afterAll(async () => {
  web.close();
  await server.stop();
});
beforeEach(async () => {
  count += 1;
  ada = await server.createPerson(`Ada${count}`);
  const started = (await ada.call("POST", "/api/manage/start", { body: { name: "Readings" } })).body;
  [projectId, endpointId] = [started.project.id, started.endpoint.id];
});

/** Passes a request to the route, and asks for the body when the route begins to read it, which it does only after it has authorized the head. */
async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  let pieces: AsyncIterator<Buffer> | undefined;
  const bytes = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!pieces) response.writeContinue();
        pieces ??= request[Symbol.asyncIterator]();
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
  const headers: Record<string, string> = {};
  for (const name of ["authorization", "cookie", "sec-fetch-site", "origin"]) {
    const value = request.headers[name];
    if (typeof value === "string") headers[name] = value;
  }
  const raw = { contentType: request.headers["content-type"] ?? "", bytes };
  const { status, text } = await server.call(request.method ?? "", request.url ?? "", { raw, headers });
  response.writeHead(status, { "Content-Type": "application/json", Connection: "close" }).end(text);
}

interface Late {
  method?: string;
  path: string;
  type?: string;
  body: string;
  headers?: Record<string, string>;
}

/** Sends the head and half of the body, and the other half after `meanwhile`. */
async function sendLate(
  { method = "POST", path, type = "application/json", body, headers = { authorization: `Bearer ${ada.token}` } }: Late,
  meanwhile: () => unknown = () => undefined,
): Promise<Pick<Answer, "status" | "body">> {
  const request = http.request({
    host: "127.0.0.1",
    port,
    method,
    path,
    headers: { Host: HOST, "Content-Type": type, "Content-Length": Buffer.byteLength(body), Expect: "100-continue", ...headers },
  });
  request.flushHeaders();
  await once(request, "continue");
  const half = Math.floor(body.length / 2);
  request.write(body.slice(0, half));
  await meanwhile();
  request.end(body.slice(half));
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  let text = "";
  for await (const piece of response) text += String(piece);
  return { status: response.statusCode ?? 0, body: JSON.parse(text) };
}

const at = (rest: string) => `/api/manage/endpoints/${endpointId}/${rest}`;
const WRITES: [name: string, late: () => Late][] = [
  ["an import", () => ({ path: at("import"), type: "application/x-ndjson", body: '{"n":1}\n{"n":2}\n' })],
  ["a file", () => ({ path: at("files?name=a.txt"), type: "text/plain", body: "the bytes of the file" })],
  ["a record", () => ({ path: at("records"), body: '{"n":1}' })],
  ["a change of the endpoint", () => ({ method: "PATCH", path: `/api/manage/endpoints/${endpointId}`, body: '{"secure":true}' })],
];

/** The records, the files and the setting that the writes change. */
async function stored() {
  const { db } = server.runtime;
  const endpoint = await db.endpoint.findUnique({ where: { id: endpointId }, select: { secure: true } });
  return {
    records: await db.record.count({ where: { endpointId } }),
    files: await db.storedFile.count({ where: { endpointId } }),
    secure: endpoint?.secure ?? false,
  };
}
const NOTHING = { records: 0, files: 0, secure: false };

const setToken = (data: object) => server.runtime.db.managementToken.updateMany({ where: { userId: ada.id }, data });

describe.each(WRITES)("%s whose rights are lost before its body has arrived", (_, late) => {
  it.each<[name: string, status: number, code: string, lose: () => Promise<unknown>]>([
    ["the token is revoked", 401, "management_token_invalid", () => setToken({ revokedAt: new Date() })],
    ["the token expires", 401, "management_token_invalid", () => setToken({ expiresAt: new Date(Date.now() - 1000) })],
    ["the token may only read", 403, "token_scope_insufficient", () => setToken({ scope: "read" })],
    ["the token is limited to other projects", 404, "not_found", () => setToken({ allProjects: false, projectIds: [] })],
    ["the project is deleted", 404, "not_found", () => ada.call("DELETE", `/api/manage/projects/${projectId}`)],
    ["the endpoint is deleted", 404, "not_found", () => ada.call("DELETE", `/api/manage/endpoints/${endpointId}`)],
  ])("[S9] %s: it is refused, and nothing is stored", async (_name, status, code, lose) => {
    const answered = await sendLate(late(), lose);
    expect([answered.status, answered.body.code]).toEqual([status, code]);
    expect(await stored()).toEqual(NOTHING);
  });

  it("[S9] the session is revoked: it is refused, and nothing is stored", async () => {
    const { db, clock, secret } = server.runtime;
    const sid = await createSession({ db, clock, userId: ada.id, userAgent: null, address: null });
    const cookie = `rested.session=${await encode({ token: { sid }, secret })}`;
    const headers = { cookie, origin: ORIGIN, "sec-fetch-site": "same-origin" };
    const answered = await sendLate({ ...late(), headers }, () => ada.call("DELETE", `/api/manage/account/sessions/${sid}`));
    expect([answered.status, answered.body.code]).toEqual([401, "session_missing"]);
    expect(await stored()).toEqual(NOTHING);
    const again = await createSession({ db, clock, userId: ada.id, userAgent: null, address: null });
    const kept = { ...headers, cookie: `rested.session=${await encode({ token: { sid: again }, secret })}` };
    expect((await sendLate({ ...late(), headers: kept })).status).toBeLessThan(300);
  });

  it("[S9] rights that remain: it is stored", async () => {
    const others = () => setToken({ allProjects: false, projectIds: [projectId] });
    expect((await sendLate(late(), others)).status).toBeLessThan(300);
    expect(await stored()).not.toEqual(NOTHING);
  });
});

describe("a schema that is new before the body has arrived", () => {
  it.each(WRITES.slice(0, 2))("[S9] applies to %s", async (_, late) => {
    const schema = { type: "object", required: ["m"] };
    const change = () => server.runtime.db.endpoint.update({ where: { id: endpointId }, data: { schema } });
    expect((await sendLate(late(), change)).body.code).toBe("schema_mismatch");
    expect(await stored()).toEqual(NOTHING);
  });
});
