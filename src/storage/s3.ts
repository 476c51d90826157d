/** Keeps files in a store that speaks S3. It must not know records. Loads the SDK when it is made: servers without S3 never do. */
import { Readable } from "node:stream";
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import type { FileStorage, Log } from "@/src/core/ports";
import { AppError } from "@/src/shared/errors";
import { requireKey } from "@/src/storage/key";

export interface S3Options {
  bucket: string;
  region: string;
  /** Absent: Amazon's own. */
  endpoint?: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** A file goes in parts of this size, so many at a time: what an upload holds in memory. S3 wants 5 MiB at least. */
const PART_BYTES = 5 * 1024 * 1024;
const PARTS_AT_ONCE = 2;
const ATTEMPTS_MAX = 3;
const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 60_000;

/** Files under `files/<key>` of the bucket, which must exist. An object is there only once all of its bytes are. */
export async function createS3Storage({
  options,
  log,
}: {
  options: S3Options;
  log: Pick<Log, "warn">;
}): Promise<FileStorage & { close(): void }> {
  const s3 = await import("@aws-sdk/client-s3");
  const { Upload } = await import("@aws-sdk/lib-storage");
  const { bucket } = options;
  const client = new s3.S3Client(toClientConfig(options));
  const toObject = (key: string) => ({ Bucket: bucket, Key: `files/${requireKey(key)}` });

  /** What a crash in the middle of an upload leaves: parts that no object lists, and that cost all the same. */
  async function abortUploads(key: string): Promise<void> {
    const { Bucket, Key } = toObject(key);
    const { Uploads = [] } = await client.send(new s3.ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
    for (const { Key: uploading, UploadId } of Uploads)
      if (uploading === Key && UploadId !== undefined) await client.send(new s3.AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  }

  return {
    async put(key, bytes, { signal }) {
      const upload = new Upload({
        client,
        params: { ...toObject(key), Body: Readable.from(bytes) },
        partSize: PART_BYTES,
        queueSize: PARTS_AT_ONCE,
      });
      const abort = () => void upload.abort();
      signal.addEventListener("abort", abort, { once: true });
      try {
        signal.throwIfAborted();
        await upload.done();
        signal.throwIfAborted();
      } catch (error) {
        throw signal.aborted ? signal.reason : toStorageError(error);
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
    async read(key, { start, end }) {
      try {
        // An empty file has no range that could be asked for.
        const range = end < start ? {} : { Range: `bytes=${start}-${end}` };
        const { Body } = await client.send(new s3.GetObjectCommand({ ...toObject(key), ...range }));
        return Body instanceof Readable ? Body : undefined;
      } catch (error) {
        if (error instanceof Error && (error.name === "NoSuchKey" || error.name === "NotFound")) return undefined;
        throw toStorageError(error);
      }
    },
    async remove(key) {
      try {
        await client.send(new s3.DeleteObjectCommand(toObject(key)));
      } catch (error) {
        throw toStorageError(error);
      }
      // Not every store can list them; a rule of the bucket then has to remove them.
      await abortUploads(key).catch((error: unknown) => log.warn({ err: error }, "unfinished uploads can't be listed in the file storage"));
    },
    close: () => client.destroy(),
  };
}

function toClientConfig({ region, endpoint, accessKeyId, secretAccessKey }: S3Options): S3ClientConfig {
  return {
    region,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    // Checksums that the SDK adds by itself are unknown to many stores that speak S3.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // Stores of one's own seldom have a name for each bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
  };
}

/** What the store or the way to it says becomes ours; what the source of the bytes raised stays theirs. */
function toStorageError(error: unknown): unknown {
  const isOfStore =
    error instanceof Error && ("$metadata" in error || "syscall" in error || "errno" in error || error.name === "TimeoutError");
  if (!isOfStore) return error;
  return new AppError("storage_unavailable", { internal: `${error.name}: ${error.message}`, retryAfterSeconds: 5, cause: error });
}
