/** A file system in memory whose size can be taken away and given back: a full disk, or a used-up quota. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";

export interface SmallDisk {
  dir: string;
  /** Leaves so many free bytes. */
  leave(bytes: number): void;
  /** Gives the space back. */
  grow(): void;
  close(): void;
}

const SIZE_BYTES = 4 * 1024 * 1024 * 1024;

/** Mounts it at `dir`, which must be there and empty. Raises where this process may not. */
export function createSmallDisk(dir: string): SmallDisk {
  const resize = (bytes: number) => mount(["-o", `remount,size=${bytes}`, dir]);
  const close = () => {
    process.off("exit", close);
    execFileSync("umount", ["--lazy", dir], { stdio: "ignore" });
  };
  mount(["-t", "tmpfs", "-o", `size=${SIZE_BYTES},mode=755`, "rested-faults", dir]);
  process.once("exit", close);
  return {
    dir,
    leave: (bytes) => {
      const { blocks, bfree, bsize } = fs.statfsSync(dir);
      resize((blocks - bfree) * bsize + bytes);
    },
    grow: () => resize(SIZE_BYTES),
    close,
  };
}

/** Whether this process may mount one. */
export function canMount(dir: string): boolean {
  try {
    createSmallDisk(dir).close();
    return true;
  } catch {
    return false;
  }
}

function mount(args: readonly string[]): void {
  execFileSync("mount", [...args], { stdio: ["ignore", "ignore", "pipe"] });
}
