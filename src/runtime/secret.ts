/** The server's secret, which signs dashboard sessions, set-up links and file tokens. Never log it. */
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile } from "node:fs/promises";
import path from "node:path";

/** RESTED_SECRET, or a secret that is created at the first start and kept in the data folder (mode 0600). All nodes of a deployment must share one. */
export async function loadSecret({ dataDir, secret }: { dataDir: string; secret?: string | undefined }): Promise<string> {
  if (secret !== undefined) return secret;
  const file = path.join(dataDir, "secret");
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  try {
    // `wx` fails if the file exists, so only one of two concurrent first starts creates the secret.
    const handle = await open(file, "wx", 0o600);
    try {
      await handle.writeFile(`${randomBytes(32).toString("base64url")}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const kept = (await readFile(file, "utf8")).trim();
  if (kept.length < 32)
    throw new Error(`The secret in ${file} is incomplete. Delete the file to create a new one; everybody must then sign in again.`);
  return kept;
}
