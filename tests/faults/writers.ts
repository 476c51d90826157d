/** Clients that write to both nodes continuously, repeat failed writes, and note every response. */
import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Target } from "./deployment/world";
import type { Attempt, Ledger } from "./ledger";

export interface Load {
  /** The pause between two writes of one writer, in ms. */
  paceMs: number;
  /** The bytes of random text in each body. Can be changed while they write. */
  padBytes: number;
}

export interface Writer {
  target: Target;
  headers: Record<string, string>;
}

export interface Writers {
  readonly load: Load;
  /** Stops each writer after its present write and that write's repetitions. Settles when all have stopped. */
  stop(): Promise<void>;
}

/** After this time the outcome is unknown, and the write is repeated at the other node. */
const ANSWER_TIMEOUT_MS = 5_000;
const RETRY_PAUSE_MS = 50;
/** The time for which writes go to another node first after a failure. */
const AVOID_MS = 2_000;
/** The number of attempts after which a stopped writer gives up. */
const LAST_ATTEMPTS_MAX = 100;

type Answer = { status: number; text: string } | undefined;

export function startWriters(options: { writers: readonly Writer[]; origins: readonly string[]; ledger: Ledger; load: Load }): Writers {
  const { writers, origins, ledger } = options;
  const load = { ...options.load };
  let isStopping = false;
  const running = writers.map((writer, index) =>
    runWriter({ writer, index, origins, ledger, load, failedAt: new Map(), isStopping: () => isStopping }),
  );
  return {
    load,
    stop: async () => {
      isStopping = true;
      await Promise.all(running);
    },
  };
}

interface WriterOptions {
  writer: Writer;
  index: number;
  origins: readonly string[];
  ledger: Ledger;
  load: Readonly<Load>;
  /** When each node last failed this writer. */
  failedAt: Map<number, number>;
  isStopping: () => boolean;
}

/** Mostly creates records, and sometimes replaces or deletes one of them. No other writer changes them, so it knows what must be stored. */
async function runWriter(options: WriterOptions): Promise<void> {
  const { index, load, isStopping } = options;
  const records: string[] = [];
  for (let n = index; !isStopping(); n++) {
    const recordId = records.at(-1);
    if (recordId === undefined || n % 10 < 7) {
      const created = await create(options, n);
      if (created !== undefined) records.push(created);
    } else if (n % 10 < 9) await replace(options, n, recordId);
    else await remove(options, n, records.pop() ?? recordId);
    await delay(load.paceMs);
  }
}

async function create(options: WriterOptions, n: number): Promise<string | undefined> {
  const { writer, ledger } = options;
  const { body, attempt } = begin(options, "POST", undefined);
  const headers = { "Idempotency-Key": randomUUID() };
  for await (const node of nodesToTry(options, n)) {
    const answer = await send(options, { node, method: "POST", headers, body });
    const recordId = answer?.status === 201 ? (JSON.parse(answer.text) as { uniqueId: string }).uniqueId : undefined;
    if (recordId !== undefined) {
      attempt.recordId = recordId;
      ledger.acknowledge(attempt, node);
      return recordId;
    }
    if (isRefusal(answer)) return void ledger.refusals.push(`POST at ${writer.target.path}: ${answer.status} ${answer.text}`);
  }
  return undefined;
}

async function replace(options: WriterOptions, n: number, recordId: string): Promise<void> {
  const { ledger } = options;
  for await (const node of nodesToTry(options, n)) {
    const { body, attempt } = begin(options, "PUT", recordId);
    const answer = await send(options, { node, method: "PUT", query: `&uniqueId=${recordId}`, body });
    if (answer?.status === 200) return ledger.acknowledge(attempt, node);
    if (isRefusal(answer)) return void ledger.refusals.push(`PUT of ${recordId}: ${answer.status} ${answer.text}`);
  }
}

async function remove(options: WriterOptions, n: number, recordId: string): Promise<void> {
  const { ledger } = options;
  const { attempt } = begin(options, "DELETE", recordId);
  let isUnknown = false;
  for await (const node of nodesToTry(options, n)) {
    const answer = await send(options, { node, method: "DELETE", query: `&uniqueId=${recordId}` });
    // An earlier attempt, whose response did not arrive, has deleted the record.
    if (answer?.status === 200 || (answer?.status === 404 && isUnknown)) return ledger.acknowledge(attempt, node);
    if (isRefusal(answer)) return void ledger.refusals.push(`DELETE of ${recordId}: ${answer.status} ${answer.text}`);
    isUnknown = true;
  }
}

function begin({ writer, ledger, load }: WriterOptions, type: Attempt["type"], recordId: string | undefined) {
  const id = randomUUID();
  const body = JSON.stringify({ id, pad: randomBytes(Math.ceil(load.padBytes / 2)).toString("hex") });
  const { endpointId } = writer.target;
  return { body, attempt: ledger.add({ id, type, endpointId, recordId, data: body, sentAt: performance.now() }) };
}

/** Tries the nodes in rotation until the write is acknowledged or given up. */
async function* nodesToTry({ origins, failedAt, isStopping }: WriterOptions, n: number): AsyncGenerator<number> {
  const isAvoided = performance.now() - (failedAt.get(n % origins.length) ?? Number.NEGATIVE_INFINITY) < AVOID_MS;
  for (let attempt = isAvoided ? 1 : 0, last = 0; last < LAST_ATTEMPTS_MAX; attempt++) {
    const node = (n + attempt) % origins.length;
    if (isStopping()) last++;
    yield node;
    failedAt.set(node, performance.now());
    await delay(RETRY_PAUSE_MS);
  }
}

interface Request {
  node: number;
  method: string;
  query?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** Undefined: no complete response arrived in time. */
async function send(options: WriterOptions, request: Request): Promise<Answer> {
  const answer = await fetchAnswer(options, request);
  if (answer === undefined || answer.status >= 300) options.ledger.failures++;
  return answer;
}

async function fetchAnswer({ writer, origins }: WriterOptions, { node, method, query = "", headers = {}, body }: Request): Promise<Answer> {
  try {
    const response = await fetch(`${origins[node]}${writer.target.path}${query}`, {
      method,
      headers: { ...writer.headers, ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, text: await response.text() };
  } catch {
    return undefined;
  }
}

/** Whether the error reports that repeating the request is useless. */
function isRefusal(answer: Answer): answer is NonNullable<Answer> {
  return answer !== undefined && answer.status >= 300 && !/"retryable":true/.test(answer.text);
}
