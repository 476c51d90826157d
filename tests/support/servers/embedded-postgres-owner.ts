/** A process that runs the built-in PostgreSQL on the folder it is given, for tests that kill it. Prints `{ url, pid }` as JSON. */
import { startEmbeddedPostgres } from "@/src/db/embedded/postgres";

const [dir = ""] = process.argv.slice(2);
const silent = () => undefined;
const postgres = await startEmbeddedPostgres({ dir, log: { debug: silent, info: silent, warn: silent, error: silent } });
console.log(JSON.stringify({ url: postgres.url, pid: postgres.pid }));
// Lives as long as its standard input is open.
process.stdin.resume();
process.stdin.once("end", () => void postgres.stop());
