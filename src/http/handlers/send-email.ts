/** POST and DELETE at e-mail endpoints (M6). GET reads their records as at data endpoints, and there is no PUT. */
import { toClientAddress } from "@/src/core/access/client-network";
import type { Emails } from "@/src/core/mail/emails";
import { andThen } from "@/src/core/maybe-promise";
import { parseIdempotencyHeader, toIdempotencyKey } from "@/src/core/records/idempotency-key";
import { parseFlag } from "@/src/core/records/parameters";
import { type BodyLimits, type Handler, markReplayed, readRecordBody, sendRecord } from "@/src/http/exchange";
import { parseDataOnly, parseUniqueId } from "@/src/http/parameters";
import { AppError } from "@/src/shared/errors";
import { describeUnsupportedType } from "@/src/shared/http/content-type";

export function createSendEmailHandler({ emails, config }: { emails: Pick<Emails, "send">; config: BodyLimits }): Handler {
  return async (admitted) => {
    const { exchange } = admitted;
    const { parameters, request } = exchange;
    const dataOnly = parseDataOnly(parameters);
    if (parseFlag(parameters, "bulk"))
      throw new AppError("parameter_invalid", { detail: "E-mail endpoints send one mail for each request. Omit bulk." });
    const header = parseIdempotencyHeader(request.headers["idempotency-key"]);
    const body = await readRecordBody(admitted, config);
    if (!body) return;
    const { grant } = admitted;
    if (body.contentType !== "json") {
      const detail = describeUnsupportedType(request.headers["content-type"], "Send the header Content-Type: application/json.");
      throw new AppError("content_type_unsupported", { detail });
    }
    const { record, isReplay } = await emails.send({
      grant,
      address: toClientAddress(request),
      data: body.data,
      idempotencyKey: header === undefined ? undefined : toIdempotencyKey({ header, caller: grant, request: ["email", body.data] }),
    });
    if (isReplay) markReplayed(exchange);
    else exchange.written = record;
    sendRecord(exchange, 201, record, dataOnly);
  };
}

/** Deletes the record with `remove`, and cancels its mail. */
export function createCancelEmailHandler({ emails, remove }: { emails: Pick<Emails, "cancel">; remove: Handler }): Handler {
  return (admitted) => {
    const { exchange, grant } = admitted;
    const recordId = parseUniqueId(exchange.parameters);
    // A mail whose record was deleted is never sent. Canceling it only frees its place sooner.
    return andThen(remove(admitted), () => emails.cancel({ endpointId: grant.endpoint.id, recordId }).catch(() => undefined));
  };
}
