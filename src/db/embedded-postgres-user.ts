/** As which user the built-in PostgreSQL runs: PostgreSQL refuses to run as root. Starts nothing itself but set-up programs. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";

/** How to start a program as PostgreSQL's user. */
export interface Launch {
  file: string;
  args: string[];
  uid?: number;
  gid?: number;
}

export interface PostgresUser {
  /** `endsWithUs`: the kernel stops it cleanly when this process ends, however it ends (Linux; elsewhere it is left behind). */
  launch(file: string, args: readonly string[], options?: { endsWithUs: boolean }): Launch;
  /** Makes a file or folder, and what is in it, that user's. */
  give(path: string): void;
}

/** The user for a data folder, which may not exist yet: whoever runs this process, or for root an ordinary account. */
export function createPostgresUser(dataDir: string): PostgresUser {
  const setpriv = process.platform === "linux" && hasSetpriv();
  if (process.getuid?.() !== 0) {
    return {
      launch: (file, args, options) =>
        setpriv && options?.endsWithUs ? { file: "setpriv", args: ["--pdeathsig", "INT", "--", file, ...args] } : { file, args: [...args] },
      give: () => undefined,
    };
  }
  const { uid, gid } = ownerOf(dataDir) ?? findAccount();
  const give = (path: string): void => {
    try {
      execFileSync("chown", ["-R", `${uid}:${gid}`, path], { stdio: ["ignore", "ignore", "pipe"] });
    } catch (error) {
      throw new Error(
        `PostgreSQL does not run as root, and this root may not give ${path} to another account. Start as an ordinary user, or set DATABASE_URL.`,
        { cause: error },
      );
    }
  };
  if (!setpriv) return { launch: (file, args) => ({ file, args: [...args], uid, gid }), give };
  // One capability stays: to reach folders that only root may traverse, such as a checkout below /root.
  const capabilities = "-all,+dac_override";
  const drop = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--securebits=+no_setuid_fixup"];
  const keep = [`--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`, `--bounding-set=${capabilities}`];
  return {
    launch: (file, args, options) => ({
      file: "setpriv",
      args: [...drop, ...keep, ...(options?.endsWithUs ? ["--pdeathsig", "INT"] : []), "--", file, ...args],
    }),
    give,
  };
}

interface Account {
  uid: number;
  gid: number;
}

/** The folder's owner, unless it is root: data that an ordinary user made stays that user's. */
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
    // No such program, or a read-only /etc: nobody does too.
  }
  const account = lookUp("postgres") ?? lookUp("nobody");
  if (account) return account;
  throw new Error(
    'PostgreSQL does not run as root, and there is no account "postgres" to run it as. Create one, start as an ordinary user, or set DATABASE_URL.',
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
