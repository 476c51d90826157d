import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CallerPath } from "@/src/core/access/caller-path";
import type { Sandbox } from "@/src/core/sandbox";
import { isAppError } from "@/src/shared/errors";
import { JSONATA_BYTES_MAX, JSONATA_INPUT_BYTES_MAX } from "@/src/shared/streams/protocol";
import { limitOf, refusal } from "@/tests/support/refusal";
import { unlessBusy } from "@/tests/support/unless-busy";
import { until } from "@/tests/support/until";
import { createSandbox } from "./sandbox";

const MIB = 1024 * 1024;
const INPUT = JSON.stringify([
  { uniqueId: "a", data: { price: 2, tags: ["x", "ü"] } },
  { uniqueId: "b", data: { price: 3, tags: [] } },
]);

const toCaller = (account: string, project = "project", caller = "caller"): CallerPath => [account, project, caller];

type TestSandbox = Sandbox & { close(): Promise<void> };

const warned: string[] = [];
const create = (timeoutMs: number, memoryBytesMax = 64 * MIB): TestSandbox =>
  createSandbox({ timeoutMs, memoryBytesMax, log: { warn: (_, message) => void warned.push(message) } });

/** For expressions that end. They can take long on a busy machine. */
let patient: TestSandbox;
/** For expressions that do not end. */
let strict: TestSandbox;

beforeAll(() => {
  patient = create(10_000);
  strict = create(300);
});
afterAll(async () => {
  await patient.close();
  await strict.close();
});

/** Returns the pids of the sandbox workers that this process, or the given one, has started. */
function workers(of: number = process.pid): number[] {
  const lines = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => {
    const [, pid, parent, args = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(parent) === of && args.includes("sandbox-worker") ? [Number(pid)] : [];
  });
}

const isRunning = (pid: number): boolean =>
  execFileSync("ps", ["-eo", "pid=,stat="], { encoding: "utf8" })
    .split("\n")
    .some((line) => new RegExp(`^\\s*${pid}\\s+[^Z]`).test(line));

/** User time, in the system's ticks of 10 ms. */
const cpuTime = (pid: number): number => Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[11]);

describe("JSONata", () => {
  it.each([
    ["$sum(data.price)", "5"],
    ["$[data.price > 2].uniqueId", '"b"'],
    ["data.tags", '["x","ü"]'],
    ["{'count': $count($), 'first': $[0].data.price}", '{"count":2,"first":2}'],
    ["$base64encode('héllo') & $base64decode('aMOp')", '"aOlsbG8=hÃ©"'],
    ["$uppercase('straße 😀')", '"STRASSE 😀"'],
    ["$length('😀')", "1"],
    ["$formatNumber(12345.6, '#,###.00')", '"12,345.60"'],
    ["$fromMillis(0)", '"1970-01-01T00:00:00.000Z"'],
    ["$eval('$sum(data.price)')", "5"],
    ["$replace('2024-01', /(\\d+)-(\\d+)/, '$2/$1')", '"01/2024"'],
    ["null", "null"],
    ["function($x){$x}", '""'],
  ])("[R6] %s", async (expression, expected) => {
    expect(await patient.evaluate(expression, INPUT)).toBe(expected);
  });

  it("[R6] returns undefined if the expression selects nothing", async () => {
    expect(await patient.evaluate("nothing.here", INPUT)).toBeUndefined();
  });

  it("[R6] random numbers differ between evaluations", async () => {
    expect(await patient.evaluate("$random()", "1")).not.toBe(await patient.evaluate("$random()", "1"));
  });

  it.each([
    ["data[", "position 5", 'Expected "]"'],
    ['"abc', "position 4", "String literal"],
    ["data.price + 'x'", "position 12", "must evaluate to a number"],
    ["$error('mine')", "position 7", "mine"],
    ["$unknown()", "position 9", "non-function"],
  ])("[R6] reports the position of the error in %j", async (expression, position, message) => {
    const { code, detail } = await refusal(patient.evaluate(expression, INPUT));
    expect(code).toBe("jsonata_invalid");
    expect(detail).toContain(position);
    expect(detail).toContain(message);
    expect(detail).not.toMatch(/node_modules|\.[jt]s\b|at </);
  });

  it.each([
    ["a recursion without end, as a loop", "( $f := function($n){ $f($n + 1) }; $f(1) )"],
    ["a recursion without end", "( $f := function($n){ $f($n) + 1 }; $f(1) )"],
    ["a catastrophic regular expression", "$contains($join($map([1..40], function($i){'a'})) & 'b', /^(a+)+$/)"],
    ["a text of a gigabyte", "$pad('x', 1000000000)"],
    ["a sequence of millions", "$map([1..10000000], function($i){ {'n': $i} })"],
    ["a product of sequences", "($x := [1..5000]; $count($x.($x.($x))))"],
    ["a sort of millions", "$sort([1..3000000], function($a, $b){ $a < $b })"],
    ["nesting without end", `${"(".repeat(5000)}1${")".repeat(5000)}`],
    ["an expression that evaluates itself", "( $e := '$eval($e)'; $eval($e) )"],
  ])("[R6] stops %s", async (_, expression) => {
    // `$eval` reports the failure of a nested evaluation as its own error.
    expect((await limitOf(() => strict.evaluate(expression, INPUT))).code).toMatch(/^jsonata_(limit|invalid)$/);
    expect(await strict.evaluate("$sum(data.price)", INPUT)).toBe("5");
  });

  it("[R6] names the exceeded limit", async () => {
    const greedy = create(10_000, 16 * MIB);
    const detail = async (sandbox: Sandbox, expression: string, input = "1") =>
      (await limitOf(() => sandbox.evaluate(expression, input))).detail;
    expect(await detail(strict, "( $f := function($n){ $f($n) }; $f(1) )")).toMatch(/more than 300 ms/);
    expect(await detail(greedy, "$map([1..10000000], function($i){ {'n': $i} })")).toMatch(/more than 16 MiB of memory/);
    expect(await detail(patient, `${"(".repeat(5000)}1${")".repeat(5000)}`)).toMatch(/too deeply/);
    expect(await detail(patient, `( $x := $pad('x', 9000000); [$x, $x] )`)).toMatch(/has more than 2097152 bytes/);
    expect(await detail(patient, "x".repeat(JSONATA_BYTES_MAX + 1))).toMatch(/limit is 16 KiB/);
    expect(await detail(patient, "1", JSON.stringify("x".repeat(JSONATA_INPUT_BYTES_MAX)))).toMatch(/limit is 16 MiB/);
    await greedy.close();
  });

  it("[R6] accepts inputs and results just below the limits", async () => {
    const expression = `$ /*${"x".repeat(JSONATA_BYTES_MAX - 6)}*/`;
    const input = JSON.stringify("x".repeat(JSONATA_INPUT_BYTES_MAX - 2));
    expect([Buffer.byteLength(expression), input.length]).toEqual([JSONATA_BYTES_MAX, JSONATA_INPUT_BYTES_MAX]);
    const large = createSandbox({ timeoutMs: 10_000, memoryBytesMax: 256 * MIB, resultBytesMax: 16 * MIB, log: { warn: () => undefined } });
    expect((await large.evaluate(expression, input)) === input).toBe(true);
    await large.close();
  });

  it.each([
    "$.constructor.constructor('return process')()",
    "'x'.constructor",
    "$lookup($, '__proto__')",
    "$lookup($sum, 'constructor')",
    "$sum.constructor('return globalThis')()",
    "process",
    "require('fs')",
    "$require('fs')",
    "globalThis.process.env",
    "import('fs')",
    "$eval('globalThis.process')",
    "$merge([{'__proto__': {'polluted': 1}}]).polluted",
    "__proto__.polluted",
    "$each($, $string).constructor.constructor",
    "( $f := $sum ~> $string; $f.constructor )",
  ])("[R6] %s has no access to anything but the input", async (expression) => {
    const answer = await patient.evaluate(expression, '{"a":1}').catch((error: unknown) => error);
    if (isAppError(answer)) expect(answer.code).toBe("jsonata_invalid");
    else expect([undefined, "null", '""']).toContain(answer);
    expect(await patient.evaluate("polluted", '{"a":1}')).toBeUndefined();
  });

  it("[R6] an evaluation cannot affect the next one", async () => {
    for (let round = 0; round < 4; round += 1) {
      const marker = `left-behind-${round}`;
      await patient.evaluate(`( $x := '${marker}'; $keys := function(){ $x }; $merge([{'${marker}': $x}]) )`, `{"${marker}":1}`);
      await refusal(patient.evaluate(`$error('${marker}')`, "1"));
    }
    expect(await patient.evaluate("[$x, $keys($), $string($)]", '{"a":1}')).toBe('["a","{\\"a\\":1}"]');
  });

  it("[R6] gives many concurrent expressions their own results, hostile ones among them", async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        n % 20 === 0
          ? limitOf(() => strict.evaluate("( $f := function($n){ $f($n) }; $f(1) )", "1")).then(({ code }) => code)
          : strict.evaluate("$ * 2", String(n), { caller: toCaller(`account ${n % 3}`) }),
      ),
    );
    expect(answers).toEqual(Array.from({ length: 60 }, (_, n) => (n % 20 === 0 ? "jsonata_limit" : String(n * 2))));
  });
});

describe("JSON Schema", () => {
  const schema = JSON.stringify({
    type: "object",
    required: ["name"],
    properties: { name: { type: "string", pattern: "^[\\w\\-.]+$" }, age: { type: "integer", minimum: 0 }, "a/b": { enum: ["x"] } },
    additionalProperties: false,
  });

  it("[R10] reports which body does not match, and where", async () => {
    expect(await patient.validate(schema, ['{"name":"ada"}', '{"name":"bob","age":3}'])).toBeUndefined();
    expect(await patient.validate(schema, ['{"name":"ada"}', '{"age":-1,"a/b":"y","more":1}', "1"])).toEqual({
      index: 1,
      problems: {
        "/name": "This property is required.",
        "/more": "This property is not allowed.",
        "/age": "Must be at least 0.",
        "/a~1b": 'Must be one of: "x".',
      },
    });
    expect(await patient.validate(schema, ['"text"'])).toEqual({ index: 0, problems: { "": "Must be an object." } });
  });

  it("[R10] reports at most 20 problems, and only the first one of a long body", async () => {
    const integers = '{"items":{"type":"integer"}}';
    const many = await patient.validate(integers, [JSON.stringify(Array.from({ length: 500 }, () => "x"))]);
    expect(Object.keys(many?.problems ?? {})).toHaveLength(20);
    const long = await patient.validate(integers, [JSON.stringify(Array.from({ length: 100_000 }, () => "x"))]);
    expect(long?.problems).toEqual({ "/0": "Must be an integer." });
  });

  it("[R10] members of a body do not change its prototype", async () => {
    expect(await patient.validate('{"required":["constructor"]}', ["{}"])).toMatchObject({ index: 0 });
    expect(await patient.validate('{"additionalProperties":false}', ['{"__proto__":1}'])).toMatchObject({ index: 0 });
  });

  it.each([
    ["true"],
    ["{}"],
    ['{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.com/a","type":"string"}'],
    ['{"$id":"https://example.com/a","type":"number"}'],
    ['{"title":"Any","description":"words","default":1,"examples":[1],"x-mine":true,"format":"of-mine"}'],
    ['{"type":"string","pattern":"\\\\_x","format":"email"}'],
    ['{"$defs":{"node":{"type":"object","properties":{"next":{"$ref":"#/$defs/node"}}}},"$ref":"#/$defs/node"}'],
    ['{"type":["string","null"],"properties":{"a":{}},"required":["b"]}'],
    ['{"prefixItems":[{"type":"integer"}],"items":false,"unevaluatedProperties":false}'],
  ])("[R10] accepts the schema %s", async (text) => {
    expect(await patient.checkSchema(text)).toBeUndefined();
  });

  it.each([
    [
      '{"type":"objet"}',
      'not a JSON Schema: “type” is "objet". Use one of "array","boolean","integer","null","number","object","string", or a list of them.',
    ],
    ['{"properties":{"a":{"minLength":-1}}}', "“properties/a/minLength” is -1. Must be at least 0."],
    ['{"required":"name"}', '“required” is "name". Must be an array.'],
    ["[]", "object, true or false"],
    ["1", "object, true or false"],
    ['{"pattern":"("}', "regular expression"],
    ['{"$ref":"https://example.com/elsewhere"}', "not loaded"],
    ['{"$ref":"#/$defs/missing"}', "cannot be found"],
    ['{"$async":true}', "$async"],
    ['{"$schema":"http://json-schema.org/draft-07/schema#"}', "2020-12"],
    ['{"minLength":-1}', "minLength"],
    ['{"pattern":"^(?!x)"}', "lookahead"],
    ['{"patternProperties":{"(a)\\\\1":{}}}', "refers back to a group"],
    ['{"properties":{"a":{"pattern":"^a{1,5000}$"}}}', "more than 1000 times"],
  ])("[R10] refuses the schema %s, with the reason", async (text, why) => {
    expect(await patient.checkSchema(text)).toContain(why);
  });

  it.each([
    [
      "a catastrophic pattern that was stored before it would be refused",
      '{"pattern":"^(?=a)(a+)+$"}',
      JSON.stringify(`${"a".repeat(40)}b`),
    ],
    ["a reference to itself", '{"$ref":"#"}', "1"],
    ["uniqueness of very many", '{"uniqueItems":true}', JSON.stringify(Array.from({ length: 60_000 }, (_, n) => ({ n })))],
  ])("[R10] stops %s", async (_, text, body) => {
    expect((await limitOf(() => strict.validate(text, [body]))).code).toBe("schema_limit");
    expect(await strict.validate(schema, ['{"name":"ada"}'])).toBeUndefined();
  });
});

describe("budgets", () => {
  it("[R6] the size of a result is counted in bytes", async () => {
    const small = createSandbox({ timeoutMs: 10_000, memoryBytesMax: 64 * MIB, resultBytesMax: 1024, log: { warn: () => undefined } });
    expect(await small.evaluate("$pad('', 340, 'é')", "1")).toHaveLength(342);
    expect((await limitOf(() => small.evaluate("$pad('', 600, 'é')", "1"))).detail).toMatch(/has more than 1024 bytes/);
    await small.close();
  });

  it("[R6] [R10] a caller or an account that has used up its CPU time is refused until the time is refilled; other accounts are not affected", async () => {
    const bomb = "( $f := function($n){ $f($n) }; $f(1) )";
    const sandbox = createSandbox({ timeoutMs: 100, memoryBytesMax: 64 * MIB, cpuMsPerMinute: 200, log: { warn: () => undefined } });
    const codeOf = (promise: Promise<unknown>) =>
      promise.then(
        () => "ok",
        (error: unknown) => (isAppError(error) ? error.code : String(error)),
      );
    const spend = (caller: CallerPath) =>
      until("the budget's end", async () => (await codeOf(sandbox.evaluate(bomb, "1", { caller }))) === "rate_limited", {
        timeoutMs: 30_000,
      });
    await spend(toCaller("a", "one"));
    expect(await codeOf(sandbox.validate("true", ["1"], { caller: toCaller("a", "one") }))).toBe("rate_limited");
    expect(await codeOf(sandbox.filter("true", ["1"], { caller: toCaller("a", "one") }))).toBe("rate_limited");
    await spend(toCaller("a", "two"));
    await spend(toCaller("a", "three"));
    expect(await codeOf(sandbox.evaluate("1", "1", { caller: toCaller("a", "a new one") }))).toBe("rate_limited");
    const other = () => codeOf(sandbox.evaluate("1", "1", { caller: toCaller("b") }));
    expect(await unlessBusy(other, (code) => code === "server_busy" || code === "jsonata_limit")).toBe("ok");
    await sandbox.close();
  }, 90_000);
});

describe("patterns", () => {
  it("[R10] hostile ones do not take longer than others: sixteen at once get a result, and none reaches the limit", async () => {
    const schema = '{"properties":{"a":{"pattern":"^(a+)+$"}},"patternProperties":{"^(b+)+$":false}}';
    const body = JSON.stringify({ a: `${"a".repeat(20_000)}!`, [`${"b".repeat(2_000)}!`]: 1 });
    const attack = Array.from({ length: 16 }, (_, n) =>
      strict.validate(schema, [body], { caller: toCaller("attacker", `project ${n % 8}`) }),
    );
    const neighbour = strict.validate('{"type":"object"}', ["{}"], { caller: toCaller("neighbour") });
    const mismatch = { index: 0, problems: { "/a": expect.stringMatching(/must match the pattern/i) } };
    expect(await Promise.all(attack)).toEqual(attack.map(() => mismatch));
    expect(await neighbour).toBeUndefined();
  });

  it("[R10] the format url does not take time quadratic in the length", async () => {
    const address = `http://a${":".repeat(200_000)}!`;
    expect(await strict.validate('{"format":"url"}', [JSON.stringify(address)])).toMatchObject({ index: 0 });
    expect(await strict.validate('{"format":"url"}', [JSON.stringify("https://example.com/a")])).toBeUndefined();
  });

  it("[R10] a stored one that is no longer accepted is still checked, but cannot be saved again", async () => {
    const stored = '{"properties":{"name":{"pattern":"^(?!x)[a-z]+$"}}}';
    expect(await patient.validate(stored, ['{"name":"abc"}'])).toBeUndefined();
    expect(await patient.validate(stored, ['{"name":"xbc"}'])).toMatchObject({ index: 0 });
    expect(await patient.checkSchema(stored)).toContain("lookahead");
  });
});

describe("duplicate keys", () => {
  it("[R10] are refused at any depth, with their location", async () => {
    const problems = (text: string) => patient.validate('{"properties":{"role":{"const":"user"}}}', ["{}", text]);
    expect(await problems('{"role":"admin","role":"user"}')).toEqual({ index: 1, problems: { "/role": "This key occurs twice." } });
    expect(await problems('{"a":[{"b":1,"\\u0062":2}]}')).toEqual({ index: 1, problems: { "/a/0/b": "This key occurs twice." } });
    expect(await problems('{"role":"user","a":{"role":1}}')).toBeUndefined();
  });
});

describe("processes", () => {
  it("[R6] none before the first use, few under load, reused afterwards, none after close", async () => {
    const before = workers();
    const sandbox = create(10_000);
    expect(workers()).toEqual(before);
    await Promise.all(Array.from({ length: 50 }, () => sandbox.evaluate("1", "1")));
    const started = workers().filter((pid) => !before.includes(pid));
    expect(started.length).toBeGreaterThan(0);
    expect(started.length).toBeLessThanOrEqual(8);
    await sandbox.evaluate("1", "1");
    expect(workers().filter((pid) => !before.includes(pid))).toEqual(started);
    await sandbox.close();
    expect(workers()).toEqual(before);
    expect((await refusal(sandbox.evaluate("1", "1"))).code).toBe("server_shutdown");
  });

  it("[W13] do not have the lowest priority if they evaluate filters of streams", async () => {
    const sandbox = create(10_000);
    const before = workers();
    await sandbox.filter("true", ["1"]);
    const [pid] = workers().filter((one) => !before.includes(one));
    await until("its priority", () => execFileSync("ps", ["-o", "ni=", "-p", String(pid)], { encoding: "utf8" }).trim() === "10");
    await sandbox.close();
  });

  it("[R6] run without the server's environment, files and priority", async () => {
    const sandbox = create(10_000);
    const before = workers();
    await sandbox.evaluate("1", "1");
    const [pid] = workers().filter((one) => !before.includes(one));
    const ps = (column: string) => execFileSync("ps", ["-o", `${column}=`, "-p", String(pid)], { encoding: "utf8" }).trim();
    expect(ps("args")).toMatch(/--(experimental-)?permission .*--allow-fs-read=\S+sandbox-worker\S*\.mjs/);
    await until("the lowest priority", () => ps("ni") === "19");
    await until("each thread's lowest priority", () => {
      const threads = execFileSync("ps", ["-L", "-o", "ni=", "-p", String(pid)], { encoding: "utf8" });
      return threads
        .trim()
        .split(/\s+/)
        .every((nice) => nice === "19");
    });
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    expect(environment.split("\0").filter((variable) => !/^(NODE_(ENV|CHANNEL_\w+)|TZ)=|^$/.test(variable))).toEqual([]);
    await sandbox.close();
  });

  it.runIf(process.platform === "linux")("[R6] run without root's privileges, even if root started the server", async () => {
    const sandbox = create(10_000);
    const before = workers();
    await sandbox.evaluate("1", "1");
    await sandbox.filter("true", ["1"]);
    await sandbox.validate("true", ["1"]);
    const pids = workers().filter((one) => !before.includes(one));
    expect(pids.length).toBeGreaterThanOrEqual(3);
    const isRoot = process.getuid?.() === 0;
    for (const pid of pids) {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const ids = ["Uid", "Gid"].map((name) => new RegExp(`^${name}:\\s+(.*)$`, "m").exec(status)?.[1]?.split(/\s+/));
      expect(ids.flat()).not.toContain("0");
      if (isRoot) expect(status).toMatch(/^Groups:\s+65534\s*$/m);
      expect(status).toMatch(/^CapEff:\s+0+$/m);
      if (isRoot && existsSync("/usr/bin/setpriv")) expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    }
    await sandbox.close();
  });

  it("[R6] a worker that is killed from outside ends its job, and is replaced", async () => {
    const sandbox = create(20_000);
    const before = workers();
    await sandbox.evaluate("1", "1");
    const [pid = 0] = workers().filter((one) => !before.includes(one));
    const spent = cpuTime(pid);
    const job = refusal(sandbox.evaluate("( $f := function($n){ $f($n) }; $f(1) )", "1"));
    await until("the worker's work", () => cpuTime(pid) > spent + 20);
    process.kill(pid, "SIGKILL");
    expect((await job).code).toBe("jsonata_limit");
    expect(await sandbox.evaluate("1 + 1", "1")).toBe("2");
    await sandbox.close();
  });

  it("[R6] no job is lost if an idle worker is killed", async () => {
    const sandbox = create(10_000);
    const before = workers();
    await sandbox.evaluate("1", "1");
    for (const pid of workers().filter((one) => !before.includes(one))) process.kill(pid, "SIGKILL");
    expect(await sandbox.evaluate("1 + 1", "1")).toBe("2");
    await sandbox.close();
  });

  it("[R6] exit with a server that is killed, even during a job", async () => {
    const script = `
      import { createSandbox } from "@/src/sandbox/sandbox";
      const sandbox = createSandbox({ timeoutMs: 1000, memoryBytesMax: 67108864, log: { warn() {} } });
      await sandbox.evaluate("1", "1");
      await sandbox.validate("true", ["1"]);
      void sandbox.evaluate("( $f := function($n){ $f($n) }; $f(1) )", "1").catch(() => undefined);
      void sandbox.validate('{"pattern":"^(?=a)(a+)+$"}', [JSON.stringify("a".repeat(50) + "b")]).catch(() => undefined);
      console.log("busy");
    `;
    const server = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      cwd: path.resolve("."),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(createInterface({ input: server.stdout }), "line");
    expect(line).toBe("busy");
    const pids = workers(server.pid);
    expect(pids.length).toBeGreaterThanOrEqual(2);
    server.kill("SIGKILL");
    // The workers notice the server's exit when the time of their job is up, which takes long on a busy machine.
    await until("the workers' end", () => !pids.some(isRunning), { timeoutMs: 30_000 });
  }, 45_000);
});

describe("fairness", () => {
  it("[R6] many jobs of one account do not delay another account", async () => {
    const sandbox = create(10_000);
    const order: string[] = [];
    const note = (name: string) => () => {
      order.push(name);
      return Promise.resolve("1");
    };
    const flood = Array.from({ length: 200 }, () => sandbox.evaluate("1", note("flood"), { caller: toCaller("flood") }));
    const other = sandbox.evaluate("1", note("other"), { caller: toCaller("other") });
    await Promise.all([...flood, other]);
    expect(order.indexOf("other")).toBeLessThan(10);
    await sandbox.close();
  });

  it("[R6] jobs over a full queue are refused, and cancelled ones are dropped without reading their input", async () => {
    const sandbox = create(10_000);
    const controller = new AbortController();
    let read = 0;
    const input = () => {
      read += 1;
      return Promise.resolve("1");
    };
    const dropped = Array.from({ length: 1000 }, () =>
      sandbox.evaluate("1", input, { caller: toCaller("flood"), signal: controller.signal }),
    );
    expect((await refusal(sandbox.evaluate("1", input, { caller: toCaller("flood") }))).code).toBe("server_busy");
    const others = sandbox.evaluate("1", "1", { caller: toCaller("other") });
    controller.abort(new Error("gone"));
    const outcomes = await Promise.allSettled(dropped);
    expect(outcomes.filter(({ status }) => status === "rejected").length).toBeGreaterThan(900);
    expect(await others).toBe("1");
    expect(read).toBeLessThan(100);
    await sandbox.close();
  });

  it("[R6] an error of the input's reader is passed on, and occupies no worker", async () => {
    await expect(patient.evaluate("1", () => Promise.reject(new Error("no list")))).rejects.toThrow("no list");
    expect(await patient.evaluate("1", "1")).toBe("1");
  });
});
