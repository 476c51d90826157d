import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { toParts } from "./colours";
import { toLiteral } from "./javascript";
import { type ProgramTarget, SAMPLE_DATA, type Task, toFilter, toValues } from "./program";
import { toPythonLiteral } from "./python";
import { toPrograms } from "./to-programs";

const TASKS: readonly Task[] = ["records", "stream", "users"];
const target: ProgramTarget = {
  origin: "https://data.example.com",
  endpointName: "shop/orders",
  key: "d59eb2859c284168ac48aef65046d5dd",
  needsToken: false,
  sample: SAMPLE_DATA,
};

const all = (changed: Partial<ProgramTarget> = {}) => TASKS.flatMap((task) => toPrograms({ ...target, ...changed }, task));

describe("programs", () => {
  it("are there for each task in every language", () => {
    const languages = ["Python", "Go", "Java", "C#", "Swift", "Kotlin", "Arduino"];
    const labels = (task: Task) => toPrograms(target, task).map(({ label }) => label);
    expect(labels("records")).toEqual(["curl", "fetch", ...languages]);
    expect(labels("stream")).toEqual(["curl", "WebSocket", "EventSource", ...languages]);
    expect(labels("users")).toEqual(["curl", "fetch", ...languages]);
  });

  it("[U1] contain the real address and key", () => {
    for (const { code, label, file } of all()) {
      const address = /wss?:\/\//.test(code) ? "wss://data.example.com" : "https://data.example.com";
      const parts = label === "Arduino" && file === "follow.ino" ? ['"data.example.com"', "443"] : [address];
      for (const part of [...parts, "/api/1/ce/shop/orders?key=d59eb2859c284168ac48aef65046d5dd"])
        expect(code, `${label} ${file}`).toContain(part);
    }
  });

  it("[S1] contain a place for the access token if the endpoint needs one", () => {
    for (const { code, label, file } of [
      ...toPrograms({ ...target, needsToken: true }, "records"),
      ...toPrograms({ ...target, needsToken: true }, "stream"),
    ])
      expect(code, `${label} ${file}`).toContain(
        file.toLowerCase().startsWith("follow") ? "accessToken=<access token>" : "Bearer <access token>",
      );
    for (const { code } of all()) expect(code).not.toContain("<access token>");
  });

  it("[R10] store the sample of the endpoint's schema, whatever it contains", () => {
    const sample = { "it's": 'a "quoted" $text `x` \\n "#', list: [1, true, null], nested: { a: "é" } };
    expect(JSON.parse(execFileSync("python3", ["-c", `import json; print(json.dumps(${toPythonLiteral(sample)}))`]).toString())).toEqual(
      sample,
    );
    expect(new Function(`return ${toLiteral(sample)}`)()).toEqual(sample);
    const shell = toPrograms({ ...target, sample }, "records")[0]?.code ?? "";
    const calls = execFileSync("sh", ["-c", `curl() { for last; do :; done; printf '%s\\n' "$last"; }; ${shell}`]).toString();
    expect(calls).toContain(JSON.stringify(sample));
  });

  it("[R6] filter by a value of the sample", () => {
    expect(toFilter(SAMPLE_DATA)).toBe("[$[data.temperature >= 21.5]]");
    expect(toFilter({ room: "kitchen" })).toBe("[$[data.room = 'kitchen']]");
    expect(toFilter({ "a b": 1, and: 2, done: false })).toBe("[$[$exists(data.done)]]");
    expect(toFilter({ text: "it's" })).toBe("[$[$exists(data.text)]]");
    for (const sample of ["text", null, [], {}, { "": 1 }]) expect(toFilter(sample)).toBe("[$[$exists(data)]]");
    expect(toValues(target).filter).toBe("[$[data.temperature >= 21.5]]");
  });
});

describe("toParts", () => {
  it("splits every program without losing a character", () => {
    for (const { code, syntax } of all()) {
      const parts = toParts(code, syntax);
      expect(parts.map(({ text }) => text).join("")).toBe(code);
      expect(new Set(parts.map(({ colour }) => colour)).size).toBeGreaterThan(3);
    }
  });

  it("tells comments from addresses, and words from parts of words", () => {
    const coloured = (code: string, syntax: "c" | "hash" | "python") =>
      toParts(code, syntax).flatMap(({ colour, text }) => (colour === "plain" ? [] : [[colour, text]]));
    expect(coloured(`const url = "https://a/b"; // the address\nimportant.if(x)`, "c")).toEqual([
      ["keyword", "const"],
      ["string", `"https://a/b"`],
      ["comment", "// the address"],
    ]);
    expect(coloured(`id=\${line#id: } # rest`, "hash")).toEqual([["comment", "# rest"]]);
    expect(coloured(`return x  # one\n"""two\n# three"""`, "python")).toEqual([
      ["keyword", "return"],
      ["comment", "# one"],
      ["string", `"""two\n# three"""`],
    ]);
  });
});
