import { describe, expect, it } from "vitest";
import type { Write, WriteResult } from "@/src/core/records/ports";
import { createEndpointQueue } from "@/src/db/records/endpoint-queue";
import { createGroupCommit } from "@/src/db/records/group-commit";
import { AppError } from "@/src/shared/errors";

const ENDPOINT = "endpoint";
const toWrite = (id: string, data = "1"): Write => ({ type: "POST", id, contentType: "json", data });

function toResult({ id }: Write, seq: number): WriteResult {
  const record = { id, version: 1, data: "1", createdAt: "", updatedAt: "" };
  return { outcome: "ok", change: { endpointId: ENDPOINT, seq, type: "POST", record, owner: null, at: "" } };
}

const toIds = (results: WriteResult[]) => results.map((result) => (result.outcome === "ok" ? result.change.record.id : result.outcome));

/** A record commit whose statements end on request. */
function createCommit({ waitMsMax = 10_000 }: { waitMsMax?: number } = {}) {
  const statements: Array<{ endpointId: string; ids: string[]; finish: () => void; fail: (error: unknown) => void }> = [];
  let seq = 0;
  const queue = createEndpointQueue({ waitMsMax });
  const commit = createGroupCommit({
    queue,
    commit: (endpointId, writes) =>
      new Promise<WriteResult[]>((resolve, reject) => {
        const finish = () => resolve(writes.map((write) => toResult(write, ++seq)));
        statements.push({ endpointId, ids: writes.map(({ id }) => id), finish, fail: reject });
      }),
  });
  const tick = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { statements, commit, queue, tick };
}

describe("createGroupCommit", () => {
  it("[R14] sends the requests of a turn together, and so those that arrive meanwhile, in order, each with its own results", async () => {
    const { statements, commit, tick } = createCommit();
    const first = commit(ENDPOINT, [toWrite("a")]);
    await tick();
    expect(statements.map(({ ids }) => ids)).toEqual([["a"]]);
    const second = commit(ENDPOINT, [toWrite("b"), toWrite("c")]);
    const third = commit(ENDPOINT, [toWrite("d")]);
    expect(statements).toHaveLength(1);
    statements[0]?.finish();
    expect(toIds(await first)).toEqual(["a"]);
    await tick();
    expect(statements[1]?.ids).toEqual(["b", "c", "d"]);
    statements[1]?.finish();
    expect(toIds(await second)).toEqual(["b", "c"]);
    expect(toIds(await third)).toEqual(["d"]);
  });

  it("serves endpoints concurrently, and joins what arrives in one turn", async () => {
    const { statements, commit, tick } = createCommit();
    void commit("one", [toWrite("a")]);
    void commit("two", [toWrite("b")]);
    void commit("one", [toWrite("c")]);
    await tick();
    expect(statements.map(({ endpointId, ids }) => [endpointId, ...ids])).toEqual([
      ["one", "a", "c"],
      ["two", "b"],
    ]);
  });

  it("limits a statement by writes and by bytes, but never splits a request", async () => {
    const { statements, commit, tick } = createCommit();
    void commit(ENDPOINT, [toWrite("first")]);
    await tick();
    for (let n = 0; n < 200; n++) void commit(ENDPOINT, [toWrite(`w${n}`)]);
    const large = Array.from({ length: 300 }, (_, n) => toWrite(`l${n}`, "x".repeat(10_000)));
    void commit(ENDPOINT, large);
    for (let n = 0; n < 4; n++) {
      statements[n]?.finish();
      await tick();
    }
    expect(statements.map(({ ids }) => ids.length)).toEqual([1, 128, 72, 300]);
  });

  it("sends the next statement before the requests of the last one continue", async () => {
    const { statements, commit, tick } = createCommit();
    const first = commit(ENDPOINT, [toWrite("a")]);
    await tick();
    void commit(ENDPOINT, [toWrite("b")]);
    const sent = first.then(() => statements.length);
    statements[0]?.finish();
    expect(await sent).toBe(2);
  });

  it("tries the requests of a failed statement one by one, so that one cannot make another fail", async () => {
    const { statements, commit, tick } = createCommit();
    void commit(ENDPOINT, [toWrite("first")]);
    await tick();
    const good = commit(ENDPOINT, [toWrite("good")]);
    const bad = commit(ENDPOINT, [toWrite("bad")]);
    const rejected = expect(bad).rejects.toThrow("not this one");
    statements[0]?.finish();
    await tick();
    statements[1]?.fail(new Error("not this one"));
    await tick();
    expect(statements[2]?.ids).toEqual(["good"]);
    statements[2]?.finish();
    await tick();
    expect(statements[3]?.ids).toEqual(["bad"]);
    statements[3]?.fail(new Error("not this one"));
    expect(toIds(await good)).toEqual(["good"]);
    await rejected;
  });

  it("[E3] reports an unavailable database to all requests at once, and serves the next one", async () => {
    const { statements, commit, tick } = createCommit();
    const first = commit(ENDPOINT, [toWrite("a")]);
    await tick();
    const answers = Promise.allSettled([first, ...["b", "c"].map((id) => commit(ENDPOINT, [toWrite(id)]))]);
    statements[0]?.finish();
    await tick();
    statements[1]?.fail(new AppError("database_unavailable"));
    expect((await answers).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    expect(statements).toHaveLength(2);
    const next = commit(ENDPOINT, [toWrite("d")]);
    await tick();
    statements[2]?.finish();
    expect(toIds(await next)).toEqual(["d"]);
  });

  it("[E4] is queued among the endpoint's other writers, and writes together what arrived in the meantime", async () => {
    const { statements, commit, queue, tick } = createCommit();
    let release = (): void => undefined;
    const other = queue.run(ENDPOINT, () => new Promise<void>((resolve) => (release = resolve)));
    const waiting = ["a", "b", "c"].map((id) => commit(ENDPOINT, [toWrite(id)]));
    await tick();
    expect([statements.length, queue.running, queue.waiting]).toEqual([0, 1, 1]);
    release();
    await other;
    await tick();
    expect(statements.map(({ ids }) => ids)).toEqual([["a", "b", "c"]]);
    statements[0]?.finish();
    expect((await Promise.all(waiting)).map(toIds)).toEqual([["a"], ["b"], ["c"]]);
  });

  it("[E4] rejects requests that wait too long, and writes none of them", async () => {
    const { statements, commit, queue, tick } = createCommit({ waitMsMax: 1 });
    let release = (): void => undefined;
    const other = queue.run(ENDPOINT, () => new Promise<void>((resolve) => (release = resolve)));
    const answers = await Promise.allSettled([commit(ENDPOINT, [toWrite("a")]), commit(ENDPOINT, [toWrite("b")])]);
    for (const answer of answers)
      expect(answer).toMatchObject({ status: "rejected", reason: { code: "server_busy", retryAfterSeconds: 1 } });
    release();
    await other;
    await tick();
    expect([statements.length, queue.running, queue.waiting]).toEqual([0, 0, 0]);
  });

  it("[R14] rejects a request that would exceed the limit of the queue", async () => {
    const { commit } = createCommit();
    const large = "x".repeat(16 * 1024 * 1024);
    for (let n = 0; n < 5; n++) void commit(ENDPOINT, [toWrite(`w${n}`, large)]);
    await expect(commit(ENDPOINT, [toWrite("too much", large)])).rejects.toMatchObject({ code: "server_busy" });
  });

  it("[R14] counts bytes, not characters", async () => {
    const { commit } = createCommit();
    // The first request is being written. Two of the others fit by bytes; by characters all three would.
    const large = "漢".repeat(8 * 1024 * 1024);
    for (let n = 0; n < 3; n++) void commit(ENDPOINT, [toWrite(`w${n}`, large)]);
    await expect(commit(ENDPOINT, [toWrite("too much", large)])).rejects.toMatchObject({ code: "server_busy" });
  });

  it("[R14] [R8] counts a minimum for each write", async () => {
    const { commit } = createCommit();
    const many = Array.from({ length: 10_000 }, () => toWrite("tiny"));
    const waiting = Array.from({ length: 30 }, () => commit(ENDPOINT, many));
    await expect(Promise.race(waiting)).rejects.toMatchObject({ code: "server_busy" });
    for (const one of waiting) one.catch(() => undefined);
  });
});
