/** Lists files on a disk. */
import { readdir } from "node:fs/promises";

/** The names of all files below a folder. */
export async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}
