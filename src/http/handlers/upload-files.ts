/** POST of a form: creates a record for each file, all or none (F1), and only once for an idempotency key (R9). */
import type { IncomingMessage } from "node:http";
import type { Files } from "@/src/core/files/files";
import { parseContentCoding } from "@/src/core/http/content-coding";
import { parseIdempotencyHeader } from "@/src/core/records/idempotency-key";
import { readForm } from "@/src/http/body/read-form";
import { callerOf, type Handler, markReplayed, requireCurrentGrant, sendRecord, sendWritten, toShownText } from "@/src/http/exchange";
import { parseDataOnly } from "@/src/http/parameters";
import type { SlowClients } from "@/src/http/server/slow-clients";
import { AppError } from "@/src/shared/errors";
import { FILE_BYTES_MAX, FILES_MAX } from "@/src/shared/streams/protocol";

/** For text fields and the bytes between the parts of a form. */
const FORM_SLACK_BYTES = 16 * 1024 * 1024;
const UPLOAD_BYTES_MAX = FILES_MAX * FILE_BYTES_MAX + FORM_SLACK_BYTES;

/** True for the content type of a form with files. */
export function isForm(request: Pick<IncomingMessage, "headers">): boolean {
  return /^multipart\/form-data\s*(?:;|$)/i.test(request.headers["content-type"] ?? "");
}

export function createUploadHandler({
  files,
  slowClients,
  config,
}: {
  files: Files;
  slowClients: Pick<SlowClients, "watchBody">;
  config: { uploadTimeoutMs: number };
}): Handler {
  return async (admitted) => {
    const { exchange } = admitted;
    const { request, response, parameters, awaitsContinue } = exchange;
    const dataOnly = parseDataOnly(parameters);
    const header = parseIdempotencyHeader(request.headers["idempotency-key"]);
    if (parseContentCoding(request.headers["content-encoding"])) throw new AppError("content_encoding_unsupported", { detail: CODED });
    if (Number(request.headers["content-length"] ?? 0) > UPLOAD_BYTES_MAX) throw new AppError("body_too_large", { detail: TOO_LARGE });
    const giveUp = new AbortController();
    const caller = callerOf(admitted);
    const hold = exchange.held.bodies.hold(caller, 0);
    // A replay is possible even if the quota is used up.
    const target = { endpointId: admitted.grant.endpoint.id, mayReplay: header !== undefined };
    const upload = files.beginUpload({ signal: giveUp.signal, hold, target, caller });
    if (awaitsContinue) response.writeContinue();
    const timer = setTimeout(() => giveUp.abort(new AppError("body_timeout")), config.uploadTimeoutMs);
    const stopWatching = slowClients.watchBody(request, {
      timeoutMs: config.uploadTimeoutMs,
      onSlow: () => giveUp.abort(new AppError("body_timeout", { detail: TOO_SLOW })),
    });
    try {
      const metadata = await readForm({ request, onFile: (file) => upload.add(file), signal: giveUp.signal, hold });
      // The client has disconnected, so there is no response.
      if (!metadata) return;
      clearTimeout(timer);
      await requireCurrentGrant(admitted);
      const { grant, resolved } = admitted;
      const { schema } = resolved.endpoint;
      const idempotency = header === undefined ? undefined : { header, caller: grant };
      const owner = grant.user?.id;
      const { judge } = grant;
      const { records, isReplay } = await upload.commit({
        endpointId: grant.endpoint.id,
        ...{ schema, caller, owner, judge, metadata, idempotency },
      });
      if (isReplay) markReplayed(exchange);
      else exchange.written = records;
      const [first, ...others] = records;
      if (first && others.length === 0) sendRecord(exchange, 201, first, dataOnly);
      else sendWritten(exchange, 201, `[${records.map((record) => toShownText(record, dataOnly)).join(",")}]`);
    } finally {
      stopWatching();
      clearTimeout(timer);
      // Stops what is still on its way to the storage. Does nothing after a commit.
      giveUp.abort(new AppError("upload_invalid"));
      await upload.discard();
      hold.release();
    }
  };
}

const CODED = "Send forms with files uncompressed, without a Content-Encoding.";
const TOO_SLOW = "The upload arrives too slowly. Send it again on a faster connection.";
const TOO_LARGE = `The upload is too large. The limit is ${FILES_MAX} files of ${FILE_BYTES_MAX} bytes.`;
