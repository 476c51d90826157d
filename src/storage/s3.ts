/** Stores files in an S3-compatible service. The SDK is loaded only when a storage is created. */
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
  /** Absent: the service of Amazon. */
  endpoint?: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** The size of the parts in which a file is sent. S3 requires at least 5 MiB. */
const PART_BYTES = 5 * 1024 * 1024;
/** The number of parts that are sent at a time, which bounds the memory of an upload. */
const PARTS_AT_ONCE = 2;
const ATTEMPTS_MAX = 3;
const CONNECT_TIMEOUT_MS = 5_000;
/** The time without a byte in either direction after which a request fails. */
const IDLE_TIMEOUT_MS = 60_000;

/** Stores files as `files/<key>` in the bucket, which must exist. An object becomes visible only when it is complete. */
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

  /** Aborts the unfinished uploads of a key. A crash during an upload leaves parts that are billed although they belong to no object. */
  async function abortUploads(key: string): Promise<void> {
    const { Bucket, Key } = toObject(key);
    const { Uploads = [] } = await client.send(new s3.ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
    for (const { Key: uploading, UploadId } of Uploads)
      if (uploading === Key && UploadId !== undefined) await client.send(new s3.AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  }

  let isWarned = false;
  const warnAboutListing = (error: unknown): void => {
    if (!isWarned)
      log.warn(
        { err: error },
        "unfinished uploads could not be listed in the file storage: add a lifecycle rule to the bucket that deletes them",
      );
    isWarned = true;
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
        // The upload is not aborted through the SDK: it would settle during a request, which could arrive after the file was deleted.
        await upload.done();
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw failure ? failure.error : toStorageError(error);
      } finally {
        body.destroy();
      }
      if (!signal.aborted) return;
      // The upload was complete before the abort was noticed. If the object cannot be deleted here, a sweep deletes it later.
      await client.send(new s3.DeleteObjectCommand(target)).catch(() => undefined);
      throw signal.reason;
    },
    async read(key, { start, end }) {
      const target = toObject(key);
      try {
        // No range can be requested of an empty file.
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
      // Some services cannot list uploads.
      await abortUploads(key).catch(warnAboutListing);
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
    // Many compatible services do not support the checksums that the SDK adds by default.
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
