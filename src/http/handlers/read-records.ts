/** GET of lists, pages of lists, and single records (R3, R7). */
import { isNamedBy, toEntityTag } from "@/src/core/http/entity-tag";
import { formatPageCursor } from "@/src/core/records/page-cursor";
import { parseJsonata } from "@/src/core/records/parameters";
import { toRecordText } from "@/src/core/records/record-text";
import type { Records } from "@/src/core/records/records";
import type { Sandbox } from "@/src/core/sandbox";
import { type Admitted, callerOf, type Handler, headersOf, JSON_TYPE } from "@/src/http/exchange";
import { answerJsonata } from "@/src/http/handlers/answer-jsonata";
import { holdAnswer, holdAnswerAnyway } from "@/src/http/hold-bytes";
import { parseDataOnly, parseRange, parseUniqueIds, refuseRange } from "@/src/http/parameters";
import { respond } from "@/src/http/reply/respond";
import { streamList } from "@/src/http/reply/stream-list";
import { toEndpointPath } from "@/src/shared/streams/protocol";

/** The records that a request selects. */
interface Selection {
  /** Array items joined by commas. */
  pieces: AsyncIterable<string>;
  /** The link to the next page. */
  link?: string | undefined;
  /** The version of the record, if one was named. */
  version?: number | undefined;
}

export function createReadHandler({ records, sandbox }: { records: Records; sandbox: Pick<Sandbox, "evaluate"> }): Handler {
  return async (admitted) => {
    const { exchange } = admitted;
    const { request, parameters } = exchange;
    const expression = parseJsonata(parameters);
    const { pieces, link, version } = await select(records, admitted);
    const linked = link === undefined ? [] : ["Link", link];
    if (expression !== undefined) {
      // No entity tag: the result of an expression can change while the record does not.
      await answerJsonata({ exchange, sandbox, expression, pieces, caller: callerOf(admitted), headers: linked });
      return;
    }
    const tagged: Record<string, string> = version === undefined ? {} : { ETag: toEntityTag({ version }) };
    if (version !== undefined && isNamedBy(request.headers["if-none-match"], String(version))) {
      respond(exchange, { status: 304, headers: { ...headersOf(exchange), ...tagged } });
      return;
    }
    await streamList({
      exchange,
      headers: { ...headersOf(exchange), "Content-Type": JSON_TYPE, ...(link === undefined ? {} : { Link: link }), ...tagged },
      pieces,
      hold: (bytes, isBegun) => (isBegun ? holdAnswerAnyway : holdAnswer)(exchange, bytes),
    });
  };
}

async function select(records: Records, { exchange: { parameters }, grant }: Admitted): Promise<Selection> {
  const endpointId = grant.endpoint.id;
  const dataOnly = parseDataOnly(parameters);
  const query = { endpointId, owner: grant.onlyOwner, dataOnly };
  const ids = parseUniqueIds(parameters);
  const [id, ...others] = ids ?? [];
  if (ids) refuseRange(parameters);
  if (ids && others.length > 0) return { pieces: records.readByIds({ ...query, ids }) };
  if (id !== undefined) {
    const record = await records.readOne({ endpointId, id, onlyOwner: grant.onlyOwner });
    return { pieces: toPieces(record && toRecordText(record, { dataOnly })), version: record?.version };
  }
  const { order, after, limit } = parseRange(parameters, endpointId);
  if (limit === undefined) return { pieces: records.readAll({ ...query, order, after }) };
  const { pieces, nextAfter } = await records.readPage({ ...query, order, after, limit });
  if (nextAfter === undefined) return { pieces };
  const cursor = formatPageCursor({ endpointId, order, seq: nextAfter });
  return { pieces, link: toNextLink({ endpointName: grant.endpoint.name, parameters, cursor }) };
}

async function* toPieces(text: string | undefined): AsyncGenerator<string, void> {
  if (text !== undefined) yield text;
}

/** Left out of links, because clients store links and pass them on. The key stays: it is not a secret (U7). */
const SECRETS = ["masterKey", "accessToken", "ticket"];

/** The `Link` to the next page of a list (R3; RFC 8288): the request's own path and parameters, with another cursor. */
function toNextLink({ endpointName, parameters, cursor }: { endpointName: string; parameters: URLSearchParams; cursor: string }): string {
  const next = new URLSearchParams(parameters);
  for (const secret of SECRETS) next.delete(secret);
  next.set("cursor", cursor);
  return `<${toEndpointPath(endpointName)}?${next}>; rel="next"`;
}
