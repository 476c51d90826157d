/** Stores files in a local folder, at paths that are derived from keys that the server created, never from names that clients sent. */
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { FileStorage } from "@/src/core/files/ports";
import { AppError } from "@/src/shared/errors";
import { requireKey } from "@/src/storage/key";
import { readSource } from "@/src/storage/read-source";

/** The number of bytes that are read from the disk at a time. */
const READ_BYTES = 256 * 1024;

/**
 * Stores files below `dir`, which is created with the first file, in two levels of folders that are named after the end of the key. (The start
 * of a key is a time, so new files would share a folder.) A file gets its name only after all of its bytes are on the disk.
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

/** Repeats the write until all bytes are written, because one write can store only some of them. */
async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < chunk.byteLength) offset += (await handle.write(chunk, offset)).bytesWritten;
}

/** Writes the folder to the disk, so that the new name of a file survives a crash. */
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

/** Converts errors of the file system to `storage_unavailable`. Returns errors of the byte source, and abort reasons, unchanged. */
function toStorageError(error: unknown, signal?: AbortSignal): unknown {
  const isOfDisk = error instanceof Error && "syscall" in error && "errno" in error && "path" in error;
  const isFull = error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT" || error.code === "EIO");
  if (signal?.aborted || !(isOfDisk || isFull)) return error;
  return new AppError("storage_unavailable", { internal: error.message, retryAfterSeconds: 5, cause: error });
}
