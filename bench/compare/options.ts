/** Parses the command line of `npm run bench -- compare`. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { CONNECTIONS } from "./contender";

export interface Checkout {
  /** Unique in the run. */
  name: string;
  dir: string;
  /** Settings for this server. */
  env: Readonly<Record<string, string>>;
}

export interface CompareOptions {
  checkouts: Checkout[];
  /** The Node.js binary that runs Rested and the bare servers. */
  node: string;
  pocketbase?: string;
  centrifugo?: string;
  rounds: number;
  seconds: number;
  cases: string[];
  wrk: boolean;
  /** The connections that publish in the cases of fan-out. */
  publishers: number;
  markdown?: string;
  json?: string;
  svg?: string;
}

export const COMPARE_HELP = `npm run bench -- compare [options]

  --rested=DIR[,NAME=VALUE…]  A checkout to measure (default: this one), with settings. Repeatable: all run in the same alternating rounds.
  --node=PATH                 The Node.js binary that runs Rested and the bare servers. Default: the one that runs this command.
  --pocketbase=PATH           PocketBase 0.39.4. Default: built by go install, if Go is installed. "none" leaves it out.
  --centrifugo=PATH           Centrifugo 6.9.1. Without it, fan-out is compared only with a loop over sockets of ws.
  --rounds=5 --seconds=3      Alternating rounds, and the seconds of each closed loop. The open loop takes half of that.
  --cases=a,b,c               Only these cases.
  --load=wrk|own              What runs the closed loops. Default: wrk, if it is installed. Latencies of open loops are always our own.
  --publishers=50             The connections that publish in the cases of fan-out.
  --markdown=FILE             Where to write a table of the results, for docs/performance.md.
  --json=FILE --svg=FILE      Where to write the results, and a chart of the ratios.
`;

const POCKETBASE = "github.com/pocketbase/pocketbase/examples/base@v0.39.4";

export function parseCompareOptions(args: readonly string[], hasWrk: () => boolean): CompareOptions {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      rested: { type: "string", multiple: true },
      ...{
        node: text,
        pocketbase: text,
        centrifugo: text,
        rounds: text,
        seconds: text,
        cases: text,
        load: text,
        json: text,
        svg: text,
        markdown: text,
        publishers: text,
      },
    },
  });
  const toNumber = (name: "rounds" | "seconds" | "publishers", preset: number): number => {
    const value = Number(values[name] ?? preset);
    if (!(value > 0)) throw new Error(`--${name} must be a positive number.`);
    return value;
  };
  const { pocketbase = findPocketBase(), centrifugo, json, svg, markdown, load } = values;
  return {
    checkouts: toCheckouts(values.rested ?? ["."]),
    node: values.node ?? process.execPath,
    ...(pocketbase === undefined || pocketbase === "none" ? {} : { pocketbase: path.resolve(pocketbase) }),
    ...(centrifugo === undefined || centrifugo === "none" ? {} : { centrifugo: path.resolve(centrifugo) }),
    rounds: Math.ceil(toNumber("rounds", 5)),
    publishers: Math.ceil(toNumber("publishers", CONNECTIONS)),
    seconds: toNumber("seconds", 3),
    cases: values.cases?.split(",").filter((name) => name !== "") ?? [],
    wrk: load === undefined ? hasWrk() : load === "wrk",
    ...(markdown === undefined ? {} : { markdown }),
    ...(json === undefined ? {} : { json }),
    ...(svg === undefined ? {} : { svg }),
  };
}

/** Names them `Rested`, or, if there are several, by folder and settings. */
export function toCheckouts(given: readonly string[]): Checkout[] {
  return given.map((text) => {
    const [dir = ".", ...settings] = text.split(",");
    const env = Object.fromEntries(settings.map((setting) => [setting.replace(/=.*/, ""), setting.replace(/^[^=]*=?/, "")]));
    const name = given.length === 1 ? "Rested" : ["Rested", path.basename(path.resolve(dir)), ...settings].join(" ");
    return { name, dir: path.resolve(dir), env };
  });
}

/** Builds PocketBase into the cache folder, once. Undefined without Go. */
function findPocketBase(): string | undefined {
  const bin = path.join(os.homedir(), ".cache", "rested-bench");
  const file = path.join(bin, process.platform === "win32" ? "base.exe" : "base");
  if (fs.existsSync(file)) return file;
  try {
    execFileSync("go", ["version"], { stdio: "ignore" });
  } catch {
    console.log("PocketBase is left out: give its path with --pocketbase, or install Go.");
    return undefined;
  }
  console.log(`Building PocketBase: go install ${POCKETBASE}`);
  execFileSync("go", ["install", POCKETBASE], { env: { ...process.env, GOBIN: bin }, stdio: "inherit" });
  return file;
}
