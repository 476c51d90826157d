/** GET: lists and single records (R3). It must not know storage. */
import type { Sandbox } from "@/src/core/ports";
import type { Records } from "@/src/core/records";
import { answerJsonata, parseJsonata } from "@/src/http/answer-jsonata";
import { type Handler, headersOf, JSON_TYPE } from "@/src/http/exchange";
import { parseDataOnly, parseUniqueIds } from "@/src/http/parameters";
import { streamList } from "@/src/http/stream-list";

export function createReadHandler({ records, sandbox }: { records: Records; sandbox: Pick<Sandbox, "evaluate"> }): Handler {
  return async ({ exchange, grant, site }) => {
    const { parameters, response } = exchange;
    const dataOnly = parseDataOnly(parameters);
    const ids = parseUniqueIds(parameters);
    const expression = parseJsonata(parameters);
    const query = { endpointId: grant.endpoint.id, owner: grant.onlyOwner, dataOnly };
    const headers = { ...headersOf(exchange), "Content-Type": JSON_TYPE };
    const pieces = ids ? records.readByIds({ ...query, ids }) : records.readAll(query);
    if (expression === undefined) await streamList({ response, headers, pieces });
    else await answerJsonata({ exchange, sandbox, expression, pieces, group: site.project.id });
  };
}
