/** POST: new records (R2). It must not know storage. */
import type { Records } from "@/src/core/records";
import { type BodyLimits, type Handler, readRecordBody, sendRecord } from "@/src/http/exchange";
import { parseDataOnly } from "@/src/http/parameters";

export function createCreateHandler({ records, config }: { records: Records; config: BodyLimits }): Handler {
  return async ({ exchange, grant, site }) => {
    const dataOnly = parseDataOnly(exchange.parameters);
    const body = await readRecordBody(exchange, config);
    if (!body) return;
    const record = await records.create({ endpointId: grant.endpoint.id, schema: site.endpoint.schema, body, owner: grant.user?.id });
    sendRecord(exchange, 201, record, dataOnly);
  };
}
