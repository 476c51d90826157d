import { describe, expect, it } from "vitest";
import type { StreamEvent } from "../../stream/stream-event";
import { parseLogPage } from "../../stream/stream-message";
import { ConsoleEngine } from "./console-engine";
import { type EventFilter, FILTER_NONE } from "./event-filter";
import { ProjectEndpoints } from "./streams/project-streams";

const EPOCHS = ["a".repeat(32), "b".repeat(32)];
const id = (number: number) => number.toString(16).padStart(32, "0");
const START_MS = Date.parse("2026-01-02T03:04:05.000Z");
const time = (ms: number) => new Date(START_MS + ms).toISOString();
const ALL: EventFilter = { ...FILTER_NONE, isProject: true };

/** A message of the stream with the number `source`, written `ms` after the start. */
const message = (source: number, seq: number, ms: number) =>
  `{"type":"POST","record":{"uniqueId":"${id(source * 100 + seq)}","data":{"n":${seq}},"createdAt":"${time(ms)}","updatedAt":"${time(ms)}"},"cursor":"${EPOCHS[source]}-${seq}"}`;
const logged = (source: number, seq: number, ms: number): StreamEvent => ({
  kind: "create",
  source,
  seq,
  atMs: START_MS + ms,
  receivedMs: Number.NaN,
  recordId: id(source * 100 + seq),
  createdMs: START_MS + ms,
  updatedMs: START_MS + ms,
  data: `{"n":${seq}}`,
});

function createEngine() {
  const clock = { nowMs: START_MS + 60_000 };
  const engine = new ConsoleEngine({
    limits: { eventsMax: 100, bytesMax: 1_000_000 },
    filter: ALL,
    nowMs: () => clock.nowMs,
    placeOf: ({ atMs, source, seq }) => `${atMs - START_MS}_${source}_${seq}`,
  });
  const endpoints = new ProjectEndpoints((source, name) => engine.nameSource(source, name));
  endpoints.toSource("one", "orders");
  endpoints.toSource("two", "carts");
  const shown = () =>
    engine.flush().rows.map(({ kind, endpoint, seq, preview }) => `${endpoint} ${kind === "gap" || kind === "resumed" ? preview : seq}`);
  return { engine, clock, endpoints, shown };
}

describe("the console of a project", () => {
  it("[G46.5] sorts what arrives between two frames by time, and resumes each endpoint from its own cursor", () => {
    const { engine, shown } = createEngine();
    engine.begin({ events: [logged(1, 4, 20), logged(0, 9, 10)], more: true, cursor: "" });
    engine.receive(message(1, 5, 40), 1);
    engine.receive(message(0, 10, 30), 0);
    expect(shown()).toEqual(["orders 9", "carts 4", "orders 10", "carts 5"]);
    expect([engine.cursor(0), engine.cursor(1)]).toEqual([`${EPOCHS[0]}-10`, `${EPOCHS[1]}-5`]);
    expect([engine.state.oldest, engine.state.newest]).toEqual(["10_0_9", "40_1_5"]);
    engine.addOlder({ events: [logged(1, 3, 5)], more: false, cursor: "" });
    expect(shown()[0]).toBe("carts 3");
  });

  it("[G46.5] marks gaps and interruptions of the endpoint that they concern", () => {
    const { engine, shown } = createEngine();
    engine.begin({ events: [], more: false, cursor: "" });
    for (const source of [0, 1]) {
      engine.receive(`{"type":"READY","cursor":"${EPOCHS[source]}-1"}`, source);
      engine.setConnection({ state: "live" }, source);
    }
    engine.setConnection({ state: "waiting", attempt: 2, retryAtMs: 0, reason: "" }, 1);
    engine.expectResume(3, 1);
    engine.receive(`{"type":"READY","cursor":"${EPOCHS[1]}-1"}`, 1);
    engine.receive(message(0, 2, 10), 0);
    engine.receive(message(1, 2, 20), 1);
    engine.receive(message(1, 3, 30), 1);
    expect(shown()).toEqual([
      "carts Resumed · recovered 2 changes",
      "orders 2",
      "carts 2",
      "carts 3",
      "carts End of the recovered changes",
    ]);
    engine.receive(`{"type":"GAP","from":"${EPOCHS[0]}-2","to":"${EPOCHS[0]}-7","reason":"expired","cursor":"${EPOCHS[0]}-7"}`, 0);
    expect(shown().at(-1)).toBe("orders Gap · changes 3 to 7 were missed: they are no longer in the log");
    engine.markSource(1, "The endpoint carts was deleted");
    expect(shown().at(-1)).toBe("carts The endpoint carts was deleted");
  });

  it("[G46.4] filters by endpoint, and marks always match", () => {
    const { engine, shown } = createEngine();
    engine.begin({ events: [logged(1, 2, 20), logged(0, 1, 10)], more: false, cursor: "" });
    engine.markSource(0, "The endpoint orders was deleted");
    engine.setFilter({ ...ALL, text: "endpoint:carts" }, undefined);
    expect(shown()).toEqual(["carts 2", "orders The endpoint orders was deleted"]);
    engine.setFilter({ ...ALL, text: "-endpoint:carts n = 1" }, undefined);
    expect(shown()[0]).toBe("orders 1");
  });

  it("[G46.5] joins an earlier part of the log with what has arrived meanwhile, by endpoint", () => {
    const { engine, shown } = createEngine();
    engine.begin({ events: [logged(1, 9, 90), logged(0, 9, 80)], more: true, cursor: "" });
    engine.detach();
    engine.receive(message(0, 10, 100), 0);
    engine.receive(message(1, 10, 110), 1);
    engine.showPlace({
      older: { events: [], more: false, cursor: "" },
      newer: { events: [logged(0, 8, 20), logged(1, 8, 10)], more: true, cursor: "" },
    });
    expect(shown()).toEqual(["carts 8", "orders 8"]);
    expect(engine.flush().detached).toMatchObject({ arrived: 2 });
    // The last page has one of the changes that have arrived.
    engine.addNewer({ events: [logged(0, 10, 100), logged(1, 9, 90), logged(0, 9, 80)], more: false, cursor: "" });
    expect(shown()).toEqual(["carts 8", "orders 8", "orders 9", "carts 9", "orders 10", "carts 10"]);
    expect(engine.locate(9, 1)).toMatchObject({ index: 3 });
    expect(engine.locate(9, 0)).toMatchObject({ index: 2 });
    expect(engine.locate(11, 0)).toBeUndefined();
  });

  it("[G46.3] numbers endpoints in the order of the list, and keeps the numbers", () => {
    const { endpoints } = createEngine();
    const page = parseLogPage(
      `{"changes":[{"endpointId":"three","seq":1,"type":"POST","at":"${time(0)}","version":1,"record":{"uniqueId":"${id(1)}","data":1,"createdAt":"${time(0)}","updatedAt":"${time(0)}"}}],"more":false,"endpoints":[{"id":"two","name":"baskets","cursor":"c-1"},{"id":"three","name":"new","cursor":"d-2"}]}`,
      (endpointId, name) => endpoints.toSource(endpointId, name),
    );
    expect(endpoints.list.map(({ name }) => name)).toEqual(["orders", "baskets", "new"]);
    expect(page.events[0]?.source).toBe(2);
    expect(page.endpoints?.map(({ cursor }) => cursor)).toEqual(["c-1", "d-2"]);
  });

  it("[G46.4] reads how far a search has come", () => {
    const page = parseLogPage(`{"changes":[],"more":true,"searched":{"to":"place","count":500,"remaining":7}}`, () => 0);
    expect(page.progress).toEqual({ to: "place", count: 500, remaining: 7 });
    expect(page.searched).toBeUndefined();
  });
});
