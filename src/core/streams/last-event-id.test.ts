/** Tests the last event id from the header and from the parameter (W12). */
import { describe, expect, it } from "vitest";
import { parseLastEventId } from "@/src/core/streams/last-event-id";

const parse = (query: string, header?: string) => parseLastEventId(new URLSearchParams(query), header);

describe("the last event id", () => {
  it.each<[string, string | undefined, string | undefined]>([
    ["", undefined, undefined],
    ["", "", undefined],
    ["lastEventId=", undefined, undefined],
    ["", "a-1", "a-1"],
    ["lastEventId=a-1", undefined, "a-1"],
    ["lastEventID=a-1", undefined, "a-1"],
    ["Last-Event-ID=a-1", undefined, "a-1"],
    ["lastEventId=a-1", "a-1", "a-1"],
    ["lastEventId=a-1&lastEventId=a-1", undefined, "a-1"],
    ["lastEventId=", "a-1", "a-1"],
    ["lastEventId=a-1", "", "a-1"],
    ["eventId=a-1", undefined, undefined],
  ])("[W12] %j with the header %j is %j", (query, header, id) => {
    expect(parse(query, header)).toBe(id);
  });

  it.each<[string, string | undefined]>([
    ["lastEventId=a-1", "a-2"],
    ["lastEventId=a-1&lastEventId=a-2", undefined],
    ["lastEventId=a-1&Last-Event-ID=a-2", undefined],
  ])("[W12] rejects %j with the header %j and names both", (query, header) => {
    expect(() => parse(query, header)).toThrow(
      expect.objectContaining({ code: "parameter_invalid", message: expect.stringMatching(/Last-Event-ID.*lastEventId/) }),
    );
  });
});
