/** Keeps files in a folder of this machine. It must not know records, nor take a path from anybody: keys are ours. */
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { FileStorage } from "@/src/core/files/ports";
import { AppError } from "@/src/shared/errors";
import { requireKey } from "@/src/storage/key";
import { readSource } from "@/src/storage/read-source";

/** How much is read from the disk at once. */
const READ_BYTES = 256 * 1024;

/**
 * Files below `dir`, which is made when the first one comes, in two levels of folders by the end of their key (its beginning is a time: all new files
 * would share a folder). A file has its name only once all of its bytes are on the disk.
 */
export function createDiskStorage({ dir }: { dir: string }): FileStorage {
  const toPath = (key: string) => path.join(dir, requireKey(key).slice(-2), key.slice(-4, -2), key);
  return {
    heldBytesMax: READ_BYTES,
    async put(key, bytes, { signal }) {
      const target = toPath(key);
      const partial = toPartial(target);
      try {
        await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
        await writeDurably(partial, bytes, signal);
        await rename(partial, target);
        await syncFolder(path.dirname(target));
      } catch (error) {
        await rm(partial, { force: true }).catch(() => undefined);
        throw toStorageError(error, signal);
      }
    },
    async read(key, { start, end }) {
      const target = toPath(key);
      try {
        const handle = await open(target, "r");
        const { size } = await handle.stat();
        if (start <= end && end < size) return handle.createReadStream({ start, end, highWaterMark: READ_BYTES });
        await handle.close();
        if (end < start) return readNothing();
        throw new AppError("storage_unavailable", { internal: `file=${key} has ${size} bytes, but ${end + 1} were requested` });
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw toStorageError(error);
      }
    },
    async remove(key) {
      const target = toPath(key);
      try {
        await rm(target, { force: true });
        await rm(toPartial(target), { force: true });
      } catch (error) {
        throw toStorageError(error);
      }
    },
  };
}

function toPartial(target: string): string {
  return `${target}.part`;
}

async function writeDurably(file: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  const handle = await open(file, "w", 0o600);
  try {
    for await (const chunk of readSource({ bytes, signal })) await writeAll(handle, chunk);
    signal.throwIfAborted();
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The system may take less than it is given. */
async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < chunk.byteLength) offset += (await handle.write(chunk, offset)).bytesWritten;
}

/** The new name survives a crash only once the folder is on the disk, too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* readNothing(): AsyncGenerator<Uint8Array, void> {}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** What the disk says becomes ours; what the source of the bytes raised, or the caller who aborted, stays theirs. */
function toStorageError(error: unknown, signal?: AbortSignal): unknown {
  const isOfDisk = error instanceof Error && "syscall" in error && "errno" in error && "path" in error;
  const isFull = error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT" || error.code === "EIO");
  if (signal?.aborted || !(isOfDisk || isFull)) return error;
  return new AppError("storage_unavailable", { internal: error.message, retryAfterSeconds: 5, cause: error });
}
