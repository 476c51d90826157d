/** A file system in memory whose free space can be removed and restored, as a full disk or an exceeded quota. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";

export interface SmallDisk {
  dir: string;
  /** Leaves this many free bytes. */
  leave(bytes: number): void;
  /** Restores the space. */
  grow(): void;
  close(): void;
}

const SIZE_BYTES = 4 * 1024 * 1024 * 1024;

/** Mounts it at `dir`, an existing empty folder. Throws if this process may not mount. */
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

/** Whether this process may mount a file system. */
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
