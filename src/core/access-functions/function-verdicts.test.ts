/** Tests the rounds between access functions and their finds (S8), with the real sandbox and a finder in memory. */
import { afterAll, describe, expect, it } from "vitest";
import { createSandbox } from "@/src/sandbox/sandbox";
import { AppError } from "@/src/shared/errors";
import { unlessRefusedAsBusy } from "@/tests/support/unless-busy";
import { createFunctionVerdicts, type FunctionCall } from "./function-verdicts";
import type { RecordFinder } from "./ports";

const create = (timeoutMs: number) => createSandbox({ timeoutMs, memoryBytesMax: 32 * 1024 * 1024, log: { warn: () => undefined } });
const sandbox = create(5_000);
/** For functions that do not end. */
const strict = create(300);
afterAll(async () => {
  await sandbox.close();
  await strict.close();
});

/** Finds one record with the given data for each key, and keeps the keys of each read. */
function createFinder(toData: (key: string) => unknown, perRead = Number.POSITIVE_INFINITY): RecordFinder & { reads: string[][] } {
  const reads: string[][] = [];
  return {
    reads,
    find: async ({ keys }) => {
      const first = keys.slice(0, perRead);
      reads.push([...first]);
      return first.map((key) => ({
        text: JSON.stringify({ records: [{ uniqueId: "f", data: toData(key), owner: null }] }),
        source: { endpointId: "e", seq: 1 },
      }));
    },
  };
}

const toCall = (source: string, datas: readonly unknown[], extra: Partial<FunctionCall> = {}): FunctionCall => ({
  source,
  endpointId: "endpoint",
  projectId: "project",
  ownerId: "owner",
  identity: "identity",
  common: '{"user":null,"request":{"origin":null,"key":null},"now":1}',
  cases: datas.map((data, n) => ({ operation: "read", record: JSON.stringify({ uniqueId: `r${n}`, data, owner: null }), input: "null" })),
  caller: ["owner", "project", "key"],
  ...extra,
});

const BY_ROOM = "async ({ record, find }) => { const [room] = await find('rooms', { uniqueId: record.data }); return room.data === true; }";

describe("access functions that find", () => {
  it("[S8] equal finds of one call are one, and those of all records are read together", async () => {
    const finder = createFinder((key) => key.includes('"uniqueId":"open"'));
    const { evaluate } = createFunctionVerdicts({ sandbox, finder, log: { warn: () => undefined } });
    const datas = Array.from({ length: 600 }, (_, n) => ["open", "closed"][n % 2]);
    const verdicts = await evaluate(toCall(BY_ROOM, datas));
    expect(verdicts).toEqual(datas.map((data) => ({ outcome: "verdict", allow: data === "open" })));
    expect(finder.reads.flat()).toHaveLength(2);
  });

  it("[S8] a finder may return the first results only, and finds that follow each other take several rounds", async () => {
    const finder = createFinder((key) => Number(/"uniqueId":"(\d+)"/.exec(key)?.[1]) + 1, 3);
    const { evaluate } = createFunctionVerdicts({ sandbox, finder, log: { warn: () => undefined } });
    const source = `async ({ record, find }) => {
      let n = record.data;
      for (let round = 0; round < 5; round += 1) n = (await find("n", { uniqueId: String(n) }))[0].data;
      return n === record.data + 5;
    }`;
    const verdicts = await evaluate(toCall(source, [0, 100, 200, 300, 400, 500, 600, 700]));
    expect(verdicts).toEqual(Array(8).fill({ outcome: "verdict", allow: true }));
  });

  it("[S8] many large results do not have to be in memory at once", async () => {
    const large = "x".repeat(700_000);
    const finder = createFinder(() => large);
    const { evaluate } = createFunctionVerdicts({ sandbox, finder, log: { warn: () => undefined } });
    const source = "async ({ record, find }) => (await find('large', { uniqueId: String(record.data) }))[0].data.length === 700000";
    const datas = Array.from({ length: 30 }, (_, n) => n);
    expect(await evaluate(toCall(source, datas))).toEqual(datas.map(() => ({ outcome: "verdict", allow: true })));
  });

  it("[S8] an error of the finder is passed on, so that nothing is allowed", async () => {
    const finder: RecordFinder = { find: () => Promise.reject(new Error("the database is unavailable")) };
    const { evaluate } = createFunctionVerdicts({ sandbox, finder, log: { warn: () => undefined } });
    await expect(evaluate(toCall(BY_ROOM, ["open"]))).rejects.toThrow("unavailable");
  });

  it("[S8] after three records that exceed a limit, the others are refused without being judged", async () => {
    const logged: object[] = [];
    const { evaluate } = createFunctionVerdicts({
      sandbox: strict,
      finder: createFinder(() => 1),
      log: { warn: (context) => void logged.push(context) },
    });
    const datas = [0, 1, 1, 1, 0, 0];
    const verdicts = await unlessRefusedAsBusy(() =>
      evaluate(toCall("({ record }) => { while (record.data === 1); return true; }", datas)),
    );
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(["verdict", "failed", "failed", "failed", "failed", "failed"]);
    expect(logged).toEqual([{ endpointId: "endpoint", cause: "time", line: undefined, failures: 5 }]);
  });
});

describe("a call for a stream", () => {
  it("[S8] [W29] judges every record, however many others exceed a limit", async () => {
    const { evaluate } = createFunctionVerdicts({ sandbox: strict, finder: createFinder(() => 1), log: { warn: () => undefined } });
    const datas = [1, 1, 1, 1, 0];
    const verdicts = await unlessRefusedAsBusy(() =>
      evaluate(toCall("({ record }) => { while (record.data === 1); return true; }", datas, { isPartial: true })),
    );
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(["failed", "failed", "failed", "failed", "verdict"]);
  });

  it("[S8] [W29] returns the first verdicts if the database is busy for the others, and fails if there are none", async () => {
    const finder: RecordFinder = { find: () => Promise.reject(new AppError("database_unavailable")) };
    const { evaluate } = createFunctionVerdicts({ sandbox, finder, log: { warn: () => undefined } });
    const source = "async ({ record, find }) => record.data === 'open' || (await find('rooms', { uniqueId: 'x' })).length > 0";
    expect(await evaluate(toCall(source, ["open", "open", "closed", "open"], { isPartial: true }))).toEqual(
      Array(2).fill({ outcome: "verdict", allow: true }),
    );
    for (const call of [toCall(source, ["closed", "open"], { isPartial: true }), toCall(source, ["open", "closed"])])
      await expect(evaluate(call)).rejects.toMatchObject({ code: "database_unavailable" });
  });
});

describe("equal calls", () => {
  it("[S8] that wait at the same time are one, and others are not", async () => {
    let judged = 0;
    const counting: Pick<typeof sandbox, "judgeFunction"> = {
      judgeFunction: (request, options) => {
        judged += 1;
        return sandbox.judgeFunction(request, options);
      },
    };
    const { evaluate } = createFunctionVerdicts({ sandbox: counting, finder: createFinder(() => true), log: { warn: () => undefined } });
    const calls = Array.from({ length: 10 }, () => evaluate(toCall("() => true", ["a"])));
    const others = [evaluate(toCall("() => true", ["b"])), evaluate(toCall("() => true", ["a"], { identity: "other" }))];
    expect(await Promise.all([...calls, ...others])).toEqual(Array(12).fill([{ outcome: "verdict", allow: true }]));
    expect(judged).toBe(3);
    await evaluate(toCall("() => true", ["a"]));
    expect(judged).toBe(4);
  });

  it("[S8] all learn what was found, and one that is aborted does not abort the others", async () => {
    const { evaluate } = createFunctionVerdicts({ sandbox, finder: createFinder(() => true), log: { warn: () => undefined } });
    const found: string[] = [];
    const controller = new AbortController();
    const first = evaluate(toCall(BY_ROOM, ["a"], { signal: controller.signal, onFound: () => found.push("first") }));
    const second = evaluate(toCall(BY_ROOM, ["a"], { onFound: () => found.push("second") }));
    controller.abort();
    expect(await second).toEqual([{ outcome: "verdict", allow: true }]);
    expect(await first).toEqual([{ outcome: "verdict", allow: true }]);
    expect(found).toEqual(["first", "second"]);
  });
});
