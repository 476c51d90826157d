/** POST of one or many records, with replays of repeated requests (R2, R8, R9). */

import { parseIdempotencyHeader, toIdempotencyKey } from "@/src/core/records/idempotency-key";
import { parseFlag } from "@/src/core/records/parameters";
import { splitBulkBody } from "@/src/core/records/record-body";
import type { Records } from "@/src/core/records/records";
import {
  type BodyLimits,
  callerOf,
  type Handler,
  JSON_TYPE,
  listHeaders,
  markReplayed,
  readRecordBody,
  sendRecord,
  toShownText,
} from "@/src/http/exchange";
import { holdAnswer, toHeldLength } from "@/src/http/hold-bytes";
import { parseDataOnly } from "@/src/http/parameters";
import { respond } from "@/src/http/reply/respond";
import { AppError } from "@/src/shared/errors";

/** The length of a record in a response, without its data. */
const RECORD_LENGTH = 160;

export function createCreateHandler({ records, config }: { records: Records; config: BodyLimits }): Handler {
  return async (admitted) => {
    const { exchange } = admitted;
    const { parameters, request } = exchange;
    const dataOnly = parseDataOnly(parameters);
    const isBulk = parseFlag(parameters, "bulk");
    const header = parseIdempotencyHeader(request.headers["idempotency-key"]);
    const body = await readRecordBody(admitted, config);
    if (!body) return;
    const { grant, resolved } = admitted;
    const identity = [isBulk ? "bulk" : "one", body.contentType, body.data];
    const bodies = isBulk ? splitBulkBody(body) : [body];
    // Small items make a much larger response, so it is counted before anything is written.
    if (isBulk) holdAnswer(exchange, toHeldLength(body.data) + bodies.length * RECORD_LENGTH);
    const created = await records.createAll({
      endpointId: grant.endpoint.id,
      schema: resolved.endpoint.schema,
      caller: callerOf({ exchange, grant }),
      bodies,
      inArray: isBulk,
      owner: grant.user?.id,
      judge: grant.judge,
      idempotencyKey: header === undefined ? undefined : toIdempotencyKey({ header, caller: grant, request: identity }),
    });
    if (created.isReplay) markReplayed(exchange);
    else exchange.written = created.records;
    if (isBulk) {
      // The response was held above.
      const headers = listHeaders(exchange);
      headers.push("Content-Type", JSON_TYPE);
      respond(exchange, {
        status: 201,
        headers,
        body: `[${created.records.map((record) => toShownText(record, dataOnly)).join(",")}]`,
      });
      return;
    }
    const [record] = created.records;
    if (!record) throw new AppError("internal_error", { internal: "no record was created" });
    sendRecord(exchange, 201, record, dataOnly);
  };
}
