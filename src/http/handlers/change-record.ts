/** PUT and DELETE of one record (R4, R5, R7). */
import { parseIfMatch, writeIfMatch } from "@/src/core/http/entity-tag";
import { parsePutStrategy } from "@/src/core/records/parameters";
import type { StoredRecord } from "@/src/core/records/ports";
import type { Records } from "@/src/core/records/records";
import {
  type BodyLimits,
  callerOf,
  type DataExchange,
  type Handler,
  hideMismatch,
  readRecordBody,
  sendChanged,
  sendStored,
} from "@/src/http/exchange";
import { requireAnswerRoom } from "@/src/http/hold-bytes";
import { parseDataOnly, parseUniqueId } from "@/src/http/parameters";

export function createUpdateHandler({ records, config }: { records: Records; config: BodyLimits }): Handler {
  return async (admitted) => {
    const { exchange } = admitted;
    const { parameters } = exchange;
    const dataOnly = parseDataOnly(parameters);
    const id = parseUniqueId(parameters);
    const strategy = parsePutStrategy(parameters.get("strategy"));
    const body = await readRecordBody(admitted, config);
    if (!body) return;
    const { grant, resolved } = admitted;
    const target = { endpointId: grant.endpoint.id, id };
    const { schema } = resolved.endpoint;
    const caller = callerOf({ exchange, grant });
    const writing = writeConditionally({ records, exchange, ...target }, (expectedVersion) =>
      records.update({ ...target, schema, caller, strategy, body, onlyOwner: grant.onlyOwner, judge: grant.judge, expectedVersion }),
    );
    const record = await (strategy === "merge" ? hideMismatch(resolved, writing) : writing);
    exchange.written = record;
    sendChanged({ exchange, resolved }, record, dataOnly);
  };
}

export function createDeleteHandler({ records }: { records: Records }): Handler {
  return async ({ exchange, grant, resolved }) => {
    const dataOnly = parseDataOnly(exchange.parameters);
    const target = { endpointId: grant.endpoint.id, id: parseUniqueId(exchange.parameters) };
    const record = await writeConditionally({ records, exchange, ...target }, (expectedVersion) =>
      records.remove({ ...target, onlyOwner: grant.onlyOwner, judge: grant.judge, expectedVersion }),
    );
    exchange.written = record;
    sendStored({ exchange, resolved }, record, dataOnly);
  };
}

/** Writes under the condition of the request's `If-Match` header (R7). See writeIfMatch for `write`. */
export function writeConditionally(
  { records, exchange, endpointId, id }: { records: Pick<Records, "findVersion">; exchange: DataExchange; endpointId: string; id: string },
  write: (expectedVersion: number | undefined) => Promise<StoredRecord>,
): Promise<StoredRecord> {
  // The response is the whole record, however small the change is.
  requireAnswerRoom(exchange);
  const versions = parseIfMatch(exchange.request.headers["if-match"]);
  return writeIfMatch({ versions, readVersion: () => records.findVersion({ endpointId, id }), write });
}
