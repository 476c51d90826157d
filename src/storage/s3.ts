/** Stores files in an S3-compatible service. Loads the SDK when it is created, so servers without S3 never load it. */
import { Readable } from "node:stream";
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import type { FileStorage } from "@/src/core/files/ports";
import type { Log } from "@/src/core/log";
import { AppError } from "@/src/shared/errors";
import { requireKey } from "@/src/storage/key";
import { readSource } from "@/src/storage/read-source";

export interface S3Options {
  bucket: string;
  region: string;
  /** Absent: Amazon's own. */
  endpoint?: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** A file is sent in parts of this size, a limited number at a time, which bounds the memory of an upload. S3 requires at least 5 MiB. */
const PART_BYTES = 5 * 1024 * 1024;
const PARTS_AT_ONCE = 2;
const ATTEMPTS_MAX = 3;
const CONNECT_TIMEOUT_MS = 5_000;
/** The time without a byte in either direction. */
const IDLE_TIMEOUT_MS = 60_000;

/** Stores files as `files/<key>` in the bucket, which must exist. An object appears only after all of its bytes have been sent. */
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

  /** A crash during an upload leaves parts that no object lists, but that are billed. */
  async function abortUploads(key: string): Promise<void> {
    const { Bucket, Key } = toObject(key);
    const { Uploads = [] } = await client.send(new s3.ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
    for (const { Key: uploading, UploadId } of Uploads)
      if (uploading === Key && UploadId !== undefined) await client.send(new s3.AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  }

  let isListingMissed = false;
  const missListing = (error: unknown): void => {
    if (!isListingMissed)
      log.warn(
        { err: error },
        "unfinished uploads could not be listed in the file storage: add a lifecycle rule to the bucket that deletes them",
      );
    isListingMissed = true;
  };

  return {
    heldBytesMax: PARTS_AT_ONCE * PART_BYTES,
    async put(key, bytes, { signal }) {
      const target = toObject(key);
      signal.throwIfAborted();
      let failure: { error: unknown } | undefined;
      const source = readSource({
        bytes,
        signal,
        onFailure: (error) => {
          failure = { error };
        },
      });
      const body = Readable.from(source);
      const upload = new Upload({ client, params: { ...target, Body: body }, partSize: PART_BYTES, queueSize: PARTS_AT_ONCE });
      try {
        // Not aborted: it would settle while a request is still under way, which could arrive after the file was deleted.
        await upload.done();
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw failure ? failure.error : toStorageError(error);
      } finally {
        body.destroy();
      }
      if (!signal.aborted) return;
      // The upload was complete by then. If the object cannot be deleted here, the caller that gave it up deletes it.
      await client.send(new s3.DeleteObjectCommand(target)).catch(() => undefined);
      throw signal.reason;
    },
    async read(key, { start, end }) {
      const target = toObject(key);
      try {
        // An empty file has no range that could be requested.
        const range = end < start ? {} : { Range: `bytes=${start}-${end}` };
        const { Body, ContentLength } = await client.send(new s3.GetObjectCommand({ ...target, ...range }));
        if (Body instanceof Readable && ContentLength === end - start + 1) return Body;
        if (Body instanceof Readable) Body.destroy();
        throw new Error("the object has another length");
      } catch (error) {
        if (error instanceof Error && (error.name === "NoSuchKey" || error.name === "NotFound")) return undefined;
        throw toStorageError(error);
      }
    },
    async remove(key) {
      const target = toObject(key);
      try {
        await client.send(new s3.DeleteObjectCommand(target));
      } catch (error) {
        throw toStorageError(error);
      }
      // Not every service can list uploads.
      await abortUploads(key).catch(missListing);
    },
    close: () => client.destroy(),
  };
}

function toClientConfig({ region, endpoint, accessKeyId, secretAccessKey }: S3Options): S3ClientConfig {
  return {
    region,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: IDLE_TIMEOUT_MS },
    // Many compatible services do not know the checksums that the SDK adds by default.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // Self-hosted services rarely have a host name for each bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
  };
}

function toStorageError(error: unknown): AppError {
  const internal = error instanceof Error ? `${error.name}: ${error.message}` : "unknown";
  return new AppError("storage_unavailable", { internal, retryAfterSeconds: 5, cause: error });
}
