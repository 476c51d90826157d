import { describe, expect, it } from "vitest";
import { parseLogPage, parseStreamMessage } from "./stream-message";

const ID = "0192a3b4c5d6e7f8091a2b3c4d5e6f70";
const EPOCH = "e".repeat(32);
const record = (data: string) =>
  `{"uniqueId":"${ID}","data":${data},"createdAt":"2026-01-02T03:04:05.678Z","updatedAt":"2026-01-02T03:04:06.000Z"}`;
const change = (type: string, data: string, seq = 42) => `{"type":"${type}","record":${record(data)},"cursor":"${EPOCH}-${seq}"}`;

describe("parseStreamMessage", () => {
  it("[W9] parses a change and keeps its data unchanged", () => {
    const data = '{"big":12345678901234567890,"b": 1,"a":[1.0]}';
    expect(parseStreamMessage(change("PUT", data), 5)).toEqual({
      type: "changes",
      cursor: `${EPOCH}-42`,
      events: [
        {
          kind: "update",
          seq: 42,
          recordId: ID,
          data,
          createdMs: Date.parse("2026-01-02T03:04:05.678Z"),
          updatedMs: Date.parse("2026-01-02T03:04:06.000Z"),
          atMs: Date.parse("2026-01-02T03:04:06.000Z"),
          receivedMs: 5,
        },
      ],
    });
  });

  it("[W2] dates a deletion by its arrival, and parses several records in one message", () => {
    expect(parseStreamMessage(change("DELETE", "1"), 777)).toMatchObject({ events: [{ kind: "delete", atMs: 777 }] });
    const several = `{"type":"POST","record":[${record("1")},${record("2")}],"cursor":"${EPOCH}-7"}`;
    expect(parseStreamMessage(several, 0)).toMatchObject({
      events: [
        { data: "1", seq: 7 },
        { data: "2", seq: 7 },
      ],
    });
  });

  it("is not misled by data that looks like the rest of a message", () => {
    const sly = JSON.stringify(`","createdAt":"2026-01-02T03:04:05.678Z","updatedAt":"2026-01-02T03:04:06.000Z"},"cursor":"${EPOCH}-1"}`);
    expect(parseStreamMessage(change("POST", sly), 0)).toMatchObject({ cursor: `${EPOCH}-42`, events: [{ data: sly }] });
    const object = `{"createdAt":"2026-01-02T03:04:05.678Z","updatedAt":"2026-01-02T03:04:06.000Z"}`;
    expect(parseStreamMessage(change("POST", object), 0)).toMatchObject({ events: [{ data: object }] });
  });

  it("parses a change whose members are in another order", () => {
    const other = `{"cursor":"${EPOCH}-42", "record": ${record("[1, 2]")}, "type":"POST"}`;
    expect(parseStreamMessage(other, 0)).toMatchObject({
      cursor: `${EPOCH}-42`,
      events: [{ kind: "create", data: "[1, 2]", recordId: ID }],
    });
  });

  it("[W9] [W10] parses READY, BEAT and GAP, and ignores unknown messages", () => {
    expect(parseStreamMessage(`{"type":"READY","cursor":"${EPOCH}-1"}`, 0)).toEqual({ type: "ready", cursor: `${EPOCH}-1` });
    expect(parseStreamMessage(`{"type":"BEAT","cursor":"${EPOCH}-1"}`, 0)).toEqual({ type: "heartbeat", cursor: `${EPOCH}-1` });
    const gap = { type: "GAP", from: `${EPOCH}-1`, to: `${EPOCH}-5`, reason: "epoch_changed", cursor: `${EPOCH}-5` };
    expect(parseStreamMessage(JSON.stringify(gap), 0)).toEqual({ ...gap, type: "gap" });
    expect(parseStreamMessage('{"type":"FUTURE"}', 0)).toBeUndefined();
    expect(parseStreamMessage("not json", 0)).toBeUndefined();
  });
});

describe("parseLogPage", () => {
  it("[G7] parses a page of the log, newest first, with the times of the log", () => {
    const page = `{"changes":[{"seq":9,"type":"DELETE","at":"2026-01-02T03:04:09.000Z","version":2,"record":${record('{"x": 1.50}')}}],"more":true,"cursor":"${EPOCH}-9"}`;
    expect(parseLogPage(page)).toMatchObject({
      more: true,
      cursor: `${EPOCH}-9`,
      events: [
        { kind: "delete", seq: 9, atMs: Date.parse("2026-01-02T03:04:09.000Z"), receivedMs: Number.NaN, data: '{"x": 1.50}', recordId: ID },
      ],
    });
    expect(() => parseLogPage("{}")).toThrow("unknown form");
  });
});
