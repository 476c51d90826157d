/** Tests which requests are collected for the request log (G32). */
import { beforeEach, describe, expect, it } from "vitest";
import { AppError } from "@/src/shared/errors";
import type { LoggedRequest } from "./ports";
import { createRequestLog, type RequestLog } from "./request-log";

let stored: LoggedRequest[];
let failure: Error | undefined;
let log: RequestLog;

beforeEach(() => {
  stored = [];
  failure = undefined;
  const add = async (requests: readonly LoggedRequest[]) => {
    if (failure) throw failure;
    stored.push(...requests);
  };
  log = createRequestLog({ store: { add, findRecorded: async () => [] }, clock: { now: () => new Date(0) } });
});

function fail(projectId: string, count: number, at = 0): void {
  for (let n = 0; n < count; n++) {
    if (!log.wants(projectId, true)) continue;
    const request = {
      at: at + n,
      projectId,
      endpointId: "e",
      keyId: null,
      requestId: `${projectId} ${n}`,
      method: "GET",
      path: "/",
      status: 400,
    };
    log.add({
      ...request,
      code: "parameter_invalid",
      detail: null,
      durationMs: 1,
      bytesIn: 0,
      bytesOut: 0,
      origin: null,
      address: "",
      seqs: [],
    });
  }
}

const countOf = (projectId: string) => stored.filter((request) => request.projectId === projectId).length;

describe("the request log", () => {
  it("[G32] has at most 100 requests of a project in a second, and 1,000 of all", async () => {
    for (let n = 0; n < 12; n++) fail(`p${n}`, 150);
    await log.sync();
    expect(stored).toHaveLength(1_000);
    expect(countOf("p0")).toBeLessThanOrEqual(100);
  });

  it("[G32] a flood of ten projects leaves out no other one, and takes places from the project with most", async () => {
    for (let n = 0; n < 10; n++) fail(`flood ${n}`, 500);
    fail("quiet", 5);
    for (let n = 0; n < 30; n++) fail(`one ${n}`, 1);
    await log.sync();
    expect([countOf("quiet"), countOf("one 0"), countOf("one 29"), stored.length]).toEqual([5, 1, 1, 1_000]);
    for (let n = 0; n < 10; n++) expect(countOf(`flood ${n}`)).toBeGreaterThanOrEqual(96);
  });

  it("[G32] twenty projects that flood it have equal shares, the first requests of each", async () => {
    for (let n = 0; n < 20; n++) fail(`p${n}`, 100);
    for (let round = 0; round < 100; round++) for (let n = 0; n < 20; n++) fail(`p${n}`, 1, 1_000);
    await log.sync();
    for (let n = 0; n < 20; n++) expect(Math.abs(countOf(`p${n}`) - 50)).toBeLessThanOrEqual(1);
    expect(stored.some(({ requestId }) => requestId === "p0 0")).toBe(true);
  });

  it("[G32] keeps what could not be stored for the next time, once, and goes on collecting", async () => {
    fail("a", 2);
    failure = new AppError("database_unavailable");
    await expect(log.sync()).rejects.toMatchObject({ code: "database_unavailable" });
    fail("b", 1, 10);
    failure = undefined;
    await log.sync();
    await log.sync();
    expect(stored.map(({ requestId }) => requestId)).toEqual(["a 0", "a 1", "b 0"]);
  });

  it("[G32] drops what the database cannot store", async () => {
    fail("a", 1);
    failure = new Error("invalid input");
    await expect(log.sync()).rejects.toThrow("invalid input");
    failure = undefined;
    fail("b", 1);
    await log.sync();
    expect(stored.map(({ projectId }) => projectId)).toEqual(["b"]);
  });
});
