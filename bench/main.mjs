/** `npm run bench`: lists the benches. `npm run bench -- NAME …` runs one, in a process of its own. */
import { spawn } from "node:child_process";
import path from "node:path";

/** The benches, with one line for each. */
const BENCHES = {
  compare: "Rested beside PocketBase, bare servers, PostgreSQL alone and Centrifugo; --help lists the options",
  guard: "fails if Rested has become slower by more than a third beside a bare server; --record stores the ratios",
  memory: "fails if memory grows while a case runs for minutes [--minutes=10] [--cases=a,b]",
  profile: "a flame graph of the server under one case [--case=create] [--svg=FILE]",
  "data-plane": "the data plane over HTTP, with and without group commit [seconds]",
  "record-path": "the path of a record below HTTP [seconds] [only cases whose name contains this text]",
  "list-memory": "lists of a million records: speed, first byte, memory [records]",
  "access-rules": "pages of a million records with access rules, beside pages without [records]",
  "fan-out": "deliveries to many sockets, below the database [sockets] [bytes]",
  "sustained-fan-out": "a rate of writes to many subscribers [writes per second] [subscribers] [seconds]",
  console: "the console in Chromium while it follows a flood [writes per second] [seconds] [held changes] [--check]",
  filters: "filters of streams, one job after the other [expression]",
  "idle-sockets": "the memory of idle WebSockets [sockets]",
  imports: "the waits of writers while records are imported into their endpoint [--records=100000] [--imports=5]",
  hostile: "the latency of four clients while others send expensive requests [attacks]",
};

/** The folders of those that are not in this one. */
const FOLDERS = { "fan-out": "streams", "sustained-fan-out": "streams", filters: "streams", "idle-sockets": "streams" };

const [name, ...args] = process.argv.slice(2);
if (name === undefined) {
  for (const [bench, what] of Object.entries(BENCHES)) console.log(`npm run bench -- ${bench.padEnd(18)} ${what}`);
} else if (!Object.hasOwn(BENCHES, name)) {
  console.error(`Unknown bench: ${name}. npm run bench lists them.`);
  process.exitCode = 2;
} else {
  process.chdir(path.dirname(import.meta.dirname));
  const child = spawn(process.execPath, ["--import", "tsx", path.join("bench", FOLDERS[name] ?? "", `${name}.ts`), ...args], {
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.once("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}
