/** Determines the user that runs the built-in PostgreSQL, because PostgreSQL refuses to run as root. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import type { PostgresBinaries } from "@/src/db/embedded/binaries";

/** How to start a program as PostgreSQL's user. */
export interface Launch {
  file: string;
  args: string[];
  uid?: number;
  gid?: number;
}

export interface PostgresUser {
  /** `endsWithUs`: the kernel stops the program cleanly when this process exits for any reason (on Linux; elsewhere it keeps running). */
  launch(file: string, args: readonly string[], options?: { endsWithUs: boolean }): Launch;
  /** Makes that user the owner of a file or folder and its contents. */
  give(path: string): void;
}

/** The user for the data folder `dir`: the user of this process or, for root, an ordinary account, which is enabled to reach PostgreSQL's data. */
export function createPostgresUser({
  dir,
  binaries,
}: {
  dir: string;
  binaries: Pick<PostgresBinaries, "initdb" | "postgres">;
}): PostgresUser {
  const setpriv = process.platform === "linux" && hasSetpriv();
  if (process.getuid?.() !== 0) {
    return {
      launch: (file, args, options) =>
        setpriv && options?.endsWithUs ? { file: "setpriv", args: ["--pdeathsig", "INT", "--", file, ...args] } : { file, args: [...args] },
      give: () => undefined,
    };
  }
  const account = ownerOf(path.join(dir, "postgres")) ?? findAccount();
  const { uid, gid } = account;
  const give = (path: string): void => {
    try {
      execFileSync("chown", ["-R", `${uid}:${gid}`, path], { stdio: ["ignore", "ignore", "pipe"] });
    } catch (error) {
      throw new Error(
        `PostgreSQL does not run as root, and this root user cannot give ${path} to another account. Start Rested as an ordinary user, or set DATABASE_URL.`,
        { cause: error },
      );
    }
  };
  if (!setpriv) return { launch: (file, args) => ({ file, args: [...args], uid, gid }), give };
  letTraverse(dir, gid);
  const drop = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--securebits=+no_setuid_fixup", "--no-new-privs"];
  return {
    launch: (file, args, options) => {
      const capabilities = toCapabilities(account, [dir, binaries.initdb, binaries.postgres]);
      const keep = [`--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`, `--bounding-set=${capabilities}`];
      return { file: "setpriv", args: [...drop, ...keep, ...(options?.endsWithUs ? ["--pdeathsig", "INT"] : []), "--", file, ...args] };
    },
    give,
  };
}

/** For a folder that this server created: lets the account's group traverse it to PostgreSQL's data, without reading it. */
function letTraverse(dir: string, gid: number): void {
  const { uid, mode } = fs.statSync(dir);
  if (uid !== 0 || (mode & 0o777) !== 0o700) return;
  try {
    fs.chownSync(dir, 0, gid);
    fs.chmodSync(dir, 0o710);
  } catch {
    // The file system does not allow another owner. A capability replaces it.
  }
}

/**
 * The capabilities that the account needs: none, unless only root can traverse a folder on the path, such as a checkout below /root. Containers often
 * lack the capability that only allows reading. Then the account gets the one that also allows writing.
 */
function toCapabilities(account: Account, places: readonly string[]): string {
  if (places.every((place) => canReach(account, place))) return "-all";
  return `-all,+${hasCapability(DAC_READ_SEARCH) ? "dac_read_search" : "dac_override"}`;
}

const DAC_READ_SEARCH = 2;

function hasCapability(bit: number): boolean {
  const permitted = /^CapPrm:\s*([0-9a-f]+)$/m.exec(fs.readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return (BigInt(`0x${permitted}`) & (1n << BigInt(bit))) !== 0n;
}

/** Whether the account can read and enter (or run) the path and traverse every folder above it, by permission bits, ignoring access control lists. */
function canReach(account: Account, place: string): boolean {
  const isHere = (dir: string, wanted: number) => {
    const { uid, gid, mode } = fs.statSync(dir);
    const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
    return ((mode >> shift) & wanted) === wanted;
  };
  const isFolder = fs.statSync(place).isDirectory();
  if (!isHere(place, isFolder ? 0o1 : 0o5)) return false;
  for (let dir = path.dirname(place); ; dir = path.dirname(dir)) {
    if (!isHere(dir, 0o1)) return false;
    if (dir === path.dirname(dir)) return true;
  }
}

interface Account {
  uid: number;
  gid: number;
}

/** The folder's owner unless it is root, so that data of an ordinary user keep their owner. */
function ownerOf(dataDir: string): Account | undefined {
  const stat = fs.statSync(dataDir, { throwIfNoEntry: false });
  return stat && stat.uid !== 0 ? { uid: stat.uid, gid: stat.gid } : undefined;
}

function findAccount(): Account {
  const names = process.platform === "darwin" ? ["_postgres"] : ["postgres"];
  const found = names.map(lookUp).find((account) => account !== undefined);
  if (found) return found;
  try {
    execFileSync("useradd", ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", "postgres"], {
      stdio: "ignore",
    });
  } catch {
    // There is no such program, or /etc is read-only. Use nobody.
  }
  const account = lookUp("postgres") ?? lookUp("nobody");
  if (account) return account;
  throw new Error(
    'PostgreSQL does not run as root, and there is no account "postgres" to run it as. Create one, start Rested as an ordinary user, or set DATABASE_URL.',
  );
}

function lookUp(name: string): Account | undefined {
  try {
    const id = (option: string) => Number(execFileSync("id", [option, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    return undefined;
  }
}

function hasSetpriv(): boolean {
  try {
    return execFileSync("setpriv", ["--help"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).includes("--pdeathsig");
  } catch {
    return false;
  }
}
