/** A reader of server-sent events over a plain HTTP request, by the rules of the HTML standard (section 9.2.6), that keeps everything it receives. */
import http from "node:http";
import https from "node:https";

/** A dispatched event, or an id alone (`data` undefined). */
export interface HeardEvent {
  type: string;
  data: string | undefined;
  /** The id that the block itself has. */
  id: string | undefined;
}

export interface EventClient {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The body so far. */
  text(): string;
  /** Every block so far, those without data included. */
  blocks(): HeardEvent[];
  /** The events that a browser would dispatch. */
  events(): HeardEvent[];
  /** The Last-Event-ID that a browser would send. */
  lastEventId(): string;
  /** The data of the messages (events without a type), parsed. */
  messages<T = { type: string; record: { uniqueId: string; data: unknown }; cursor?: string }>(): T[];
  /** Settles when `holds` returns true. Rejects after 10 s, and if the stream ends first. */
  until(what: string, holds: (client: EventClient) => boolean): Promise<void>;
  /** Settles when the response has ended, complete or not. */
  readonly ended: Promise<"whole" | "cut off">;
  /** Stops reading, as a client on a slow machine. */
  pause(): void;
  resume(): void;
  /** Destroys the connection. */
  drop(): void;
}

const TIMEOUT_MS = 10_000;

/** Settles when the head of the response has arrived, whatever its status. */
export async function openEvents(url: string, headers: Record<string, string> = {}): Promise<EventClient> {
  const { get } = url.startsWith("https:") ? https : http;
  const request = get(url, { headers: { Accept: "text/event-stream", ...headers }, agent: false });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => request.once("response", resolve).once("error", reject));
  request.on("error", () => undefined);
  let text = "";
  let isOver = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const check of waiting) check();
  };
  response.setEncoding("utf8");
  response.on("error", () => undefined);
  response.on("data", (chunk: string) => {
    text += chunk;
    wake();
  });
  const ended = new Promise<"whole" | "cut off">((resolve) => {
    response.once("close", () => {
      isOver = true;
      resolve(response.complete ? "whole" : "cut off");
      wake();
    });
  });
  const client: EventClient = {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: () => text,
    blocks: () => text.split("\n\n").slice(0, -1).map(toEvent),
    events: () => client.blocks().filter(({ data }) => data !== undefined),
    lastEventId: () => client.blocks().reduce((last, { id }) => id ?? last, ""),
    messages: () =>
      client
        .events()
        .filter(({ type }) => type === "message")
        .map(({ data }) => JSON.parse(data ?? "")),
    until: (what, holds) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void) => {
          clearTimeout(timer);
          waiting.delete(check);
          act();
        };
        const check = () => {
          if (holds(client)) settle(resolve);
          else if (isOver) settle(() => reject(new Error(`The stream ended before: ${what}. It said: ${text.slice(-2_000)}`)));
        };
        const timer = setTimeout(() => settle(() => reject(new Error(`In vain: ${what}. It said: ${text.slice(-2_000)}`))), TIMEOUT_MS);
        waiting.add(check);
        check();
      }),
    ended,
    pause: () => response.pause(),
    resume: () => response.resume(),
    drop: () => response.destroy(),
  };
  return client;
}

function toEvent(block: string): HeardEvent {
  const event: HeardEvent = { type: "message", data: undefined, id: undefined };
  for (const line of block.split("\n")) {
    const [, name, value = ""] = /^([a-z]+): (.*)$/s.exec(line) ?? [];
    if (name === "data") event.data = event.data === undefined ? value : `${event.data}\n${value}`;
    else if (name === "id") event.id = value;
    else if (name === "event") event.type = value;
    else if (name !== "retry") throw new Error(`an odd line in an event: ${JSON.stringify(line)}`);
  }
  return event;
}
