/** How responses of the API become records. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { replaceRecord } from "./records";

const ID = "0123456789abcdef0123456789abcdef";

afterEach(() => vi.unstubAllGlobals());

describe("replaceRecord", () => {
  it("[R7] returns the record from the response to the PUT, and sends no second request", async () => {
    const requests: string[] = [];
    vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
      requests.push(`${init.method} ${url} ${new Headers(init.headers).get("if-match")}`);
      if (init.method !== "PUT") throw new TypeError("network error");
      const record = `{"uniqueId":"${ID}","data":{"n":1.10},"createdAt":"2030-01-01T00:00:00.000Z","updatedAt":"2030-01-02T00:00:00.000Z"}`;
      return new Response(record, { headers: { ETag: '"2"' } });
    });
    const saved = await replaceRecord("e", { id: ID, version: 1, owner: "o" }, { contentType: "json", text: '{"n":1.10}' });
    expect(saved).toEqual({
      id: ID,
      data: '{"n":1.10}',
      createdAt: "2030-01-01T00:00:00.000Z",
      updatedAt: "2030-01-02T00:00:00.000Z",
      version: 2,
      contentType: "json",
      owner: "o",
    });
    expect(requests).toEqual([`PUT /api/manage/endpoints/e/records/${ID} "1"`]);
  });
});
