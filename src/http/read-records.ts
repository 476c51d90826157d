/** GET: lists and single records (R3). It must not know storage. */
import type { Records } from "@/src/core/records";
import { type Handler, headersOf, JSON_TYPE } from "@/src/http/exchange";
import { parseDataOnly, parseUniqueIds } from "@/src/http/parameters";
import { streamList } from "@/src/http/stream-list";

export function createReadHandler({ records }: { records: Records }): Handler {
  return async ({ exchange, grant }) => {
    const { parameters, response } = exchange;
    const dataOnly = parseDataOnly(parameters);
    const ids = parseUniqueIds(parameters);
    const query = { endpointId: grant.endpoint.id, owner: grant.onlyOwner, dataOnly };
    const headers = { ...headersOf(exchange), "Content-Type": JSON_TYPE };
    const pieces = ids ? records.readByIds({ ...query, ids }) : records.readAll(query);
    await streamList({ response, headers, pieces });
  };
}
