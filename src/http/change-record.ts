/** PUT and DELETE: changes of one record (R4, R5). It must not know storage. */
import { parsePutStrategy } from "@/src/core/put-strategy";
import type { Records } from "@/src/core/records";
import { type BodyLimits, type Handler, readRecordBody, sendRecord } from "@/src/http/exchange";
import { parseDataOnly, parseUniqueId } from "@/src/http/parameters";

export function createUpdateHandler({ records, config }: { records: Records; config: BodyLimits }): Handler {
  return async ({ exchange, grant, site }) => {
    const { parameters } = exchange;
    const dataOnly = parseDataOnly(parameters);
    const id = parseUniqueId(parameters);
    const strategy = parsePutStrategy(parameters.get("strategy"));
    const body = await readRecordBody(exchange, config);
    if (!body) return;
    const { schema } = site.endpoint;
    const record = await records.update({ endpointId: grant.endpoint.id, schema, id, strategy, body, onlyOwner: grant.onlyOwner });
    sendRecord(exchange, 200, record, dataOnly);
  };
}

export function createDeleteHandler({ records }: { records: Records }): Handler {
  return async ({ exchange, grant }) => {
    const dataOnly = parseDataOnly(exchange.parameters);
    const id = parseUniqueId(exchange.parameters);
    const record = await records.remove({ endpointId: grant.endpoint.id, id, onlyOwner: grant.onlyOwner });
    sendRecord(exchange, 200, record, dataOnly);
  };
}
