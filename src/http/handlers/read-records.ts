/** GET of lists, pages of lists, and single records (R3, R7). */

import type { RecordJudge } from "@/src/core/access/record-judge";
import { isNamedBy, toEntityTag } from "@/src/core/http/entity-tag";
import { formatPageCursor, type ListOrder } from "@/src/core/records/page-cursor";
import { parseJsonata } from "@/src/core/records/parameters";
import { toRecordText } from "@/src/core/records/record-text";
import type { Records } from "@/src/core/records/records";
import type { Sandbox } from "@/src/core/sandbox";
import { type Admitted, callerOf, type DataExchange, type Handler, JSON_TYPE, listHeaders, sendJson } from "@/src/http/exchange";
import { answerJsonata } from "@/src/http/handlers/answer-jsonata";
import { holdAnswer, holdAnswerAnyway } from "@/src/http/hold-bytes";
import { parseDataOnly, parseRange, parseUniqueIds, refuseRange } from "@/src/http/parameters";
import { onAnswered } from "@/src/http/reply/answered";
import { type HeaderList, respond } from "@/src/http/reply/respond";
import { streamList } from "@/src/http/reply/stream-list";
import { toEndpointPath } from "@/src/shared/streams/protocol";

/** The records that an expression is evaluated on. */
interface Selection {
  /** Array items joined by commas. They are read when they are consumed. */
  pieces: AsyncIterable<string>;
  /** Additional headers. */
  headers?: Readonly<HeaderList> | undefined;
}

interface Query {
  endpointId: string;
  owner: string | undefined;
  judge: RecordJudge | undefined;
  dataOnly: boolean;
  signal?: AbortSignal;
}

export function createReadHandler({ records, sandbox }: { records: Records; sandbox: Pick<Sandbox, "evaluate"> }): Handler {
  return async (admitted) => {
    const { exchange, grant } = admitted;
    const { parameters } = exchange;
    const expression = parseJsonata(parameters);
    const query: Query = { endpointId: grant.endpoint.id, owner: grant.onlyOwner, judge: grant.judge, dataOnly: parseDataOnly(parameters) };
    const ids = parseUniqueIds(parameters);
    if (ids) refuseRange(parameters);
    // A judged list can search for long before it has something to send.
    if (query.judge) query.signal = signalEnd(exchange);
    if (expression !== undefined) {
      const { pieces, headers } = await select(records, admitted, query, ids);
      // No entity tag: the result of an expression can change while the record does not.
      await answerJsonata({ exchange, sandbox, expression, pieces, caller: callerOf(admitted), ...(headers ? { headers } : {}) });
      return;
    }
    const [id, ...others] = ids ?? [];
    if (ids && others.length > 0) await sendItems(exchange, records.readByIds({ ...query, ids }));
    else if (id !== undefined) await sendOne(records, admitted, { id, dataOnly: query.dataOnly });
    else {
      const range = parseRange(parameters, query.endpointId);
      const { items, nextAfter } = await records.readList({ ...query, ...range });
      await sendItems(exchange, items, nextAfter === undefined ? [] : toLinkHeader(admitted, range.order, nextAfter));
    }
  };
}

/** Aborts when the response has ended or its client has disconnected. */
function signalEnd({ response }: DataExchange): AbortSignal {
  const ended = new AbortController();
  onAnswered(response, () => ended.abort());
  return ended.signal;
}

async function sendOne(
  records: Records,
  { exchange, grant }: Admitted,
  { id, dataOnly }: { id: string; dataOnly: boolean },
): Promise<void> {
  const record = await records.readOne({ endpointId: grant.endpoint.id, id, onlyOwner: grant.onlyOwner, judge: grant.judge });
  if (!record) {
    sendJson(exchange, 200, "[]");
    return;
  }
  const tagged = ["ETag", toEntityTag(record)];
  // The same version can show other fields by now, if the caller's rights have changed.
  if (!grant.judge?.hidesFields && isNamedBy(exchange.request.headers["if-none-match"], String(record.version)))
    respond(exchange, { status: 304, headers: [...listHeaders(exchange), ...tagged] });
  else sendJson(exchange, 200, `[${toRecordText(record, { dataOnly })}]`, tagged);
}

/** Sends array items as one array. A text is sent at once: no iterator is needed, and most lists are short. */
async function sendItems(exchange: DataExchange, items: string | AsyncIterable<string>, headers: Readonly<HeaderList> = []): Promise<void> {
  if (typeof items === "string") {
    sendJson(exchange, 200, `[${items}]`, headers);
    return;
  }
  await streamList({
    exchange,
    headers: [...listHeaders(exchange), "Content-Type", JSON_TYPE, ...headers],
    pieces: items,
    hold: (bytes, isBegun) => (isBegun ? holdAnswerAnyway : holdAnswer)(exchange, bytes),
  });
}

async function select(records: Records, admitted: Admitted, query: Query, ids: readonly string[] | undefined): Promise<Selection> {
  const { endpointId, owner, judge, dataOnly } = query;
  const [id, ...others] = ids ?? [];
  if (ids && others.length > 0) return { pieces: records.readByIds({ ...query, ids }) };
  if (id !== undefined) {
    const record = await records.readOne({ endpointId, id, onlyOwner: owner, judge });
    return { pieces: toPieces(record && toRecordText(record, { dataOnly })) };
  }
  const { order, after, limit } = parseRange(admitted.exchange.parameters, endpointId);
  if (limit === undefined) return { pieces: records.readAll({ ...query, order, after }) };
  const { items, nextAfter } = await records.readPage({ ...query, order, after, limit });
  const pieces = typeof items === "string" ? toPieces(items) : items;
  return nextAfter === undefined ? { pieces } : { pieces, headers: toLinkHeader(admitted, order, nextAfter) };
}

async function* toPieces(text: string | undefined): AsyncGenerator<string, void> {
  if (text !== undefined && text !== "") yield text;
}

/** Left out of links, because clients store links and pass them on. The key stays: it is not a secret (U7). */
const SECRETS = ["masterKey", "accessToken", "ticket"];

/** The `Link` to the next page of a list (R3; RFC 8288): the request's own path and parameters, with another cursor. */
function toLinkHeader({ exchange, grant: { endpoint } }: Admitted, order: ListOrder, seq: number): Readonly<HeaderList> {
  const next = new URLSearchParams([...exchange.parameters]);
  for (const secret of SECRETS) next.delete(secret);
  next.set("cursor", formatPageCursor({ endpointId: endpoint.id, order, seq }));
  return ["Link", `<${toEndpointPath(endpoint.name)}?${next}>; rel="next"`];
}
