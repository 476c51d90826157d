/** Tests that the judge of the fault suite finds each kind of problem. */
import { describe, expect, it } from "vitest";
import { judge, type LoggedChange, type Recipient, type Truth } from "./judge";
import type { Attempt } from "./ledger";

const ENDPOINT = "an endpoint";

/** A log of `count` POSTs by two users alternately. */
function createCase(count = 4) {
  const log = Array.from({ length: count }, (_, index): LoggedChange => {
    const data = JSON.stringify({ id: `attempt ${index + 1}` });
    return { seq: index + 1, type: "POST", recordId: `record ${index + 1}`, data, ownerId: index % 2 === 0 ? "ann" : "bob" };
  });
  const attempts = log.map(
    ({ type, recordId, data }, index): Attempt => ({
      ...{ id: `attempt ${index + 1}`, endpointId: ENDPOINT, type, recordId, data, sentAt: 0, acknowledgedBy: 0 },
    }),
  );
  const records = new Map(log.map(({ recordId, data }) => [recordId, data]));
  const truth: Truth = { endpointId: ENDPOINT, log, stored: [{ source: "the table", records }] };
  const receive = (owner: string | null = null): Recipient => ({
    ...{ name: "somebody", endpointId: ENDPOINT, owner, startSeq: 0, endSeq: count, gaps: [] },
    changes: log.filter(({ ownerId }) => owner === null || ownerId === owner).map((change) => ({ ...change, attemptId: undefined })),
  });
  return { log, attempts, records, truth, receive };
}

const CLEAN = { lost: 0, doubled: 0, outOfOrder: 0, unauthorised: 0, problems: [] };

describe("the judge", () => {
  it("[W13] respects filters", () => {
    const { truth, attempts, receive } = createCase();
    const wants = (recordId: string) => recordId !== "record 2";
    const wanted = { ...receive(), wants, changes: receive().changes.filter(({ recordId }) => wants(recordId)) };
    expect(judge({ truths: [truth], attempts, subscribers: [wanted] })).toEqual(CLEAN);
    expect(judge({ truths: [truth], attempts, subscribers: [{ ...receive(), wants }] })).toMatchObject({ lost: 0, unauthorised: 1 });
    expect(judge({ truths: [truth], attempts, subscribers: [{ ...wanted, changes: [] }] })).toMatchObject({ lost: 3 });
  });

  it("reports nothing when all subscribers received what they may, once and in order", () => {
    const { truth, attempts, receive } = createCase();
    expect(judge({ truths: [truth], attempts, subscribers: [receive(), receive("ann"), receive("bob")] })).toEqual(CLEAN);
  });

  it("allows a write without an acknowledgement to be in the log or not", () => {
    const { truth, attempts, receive } = createCase();
    const [first, ...others] = attempts;
    if (!first) throw new Error("no attempt");
    const unknown: Attempt[] = [
      { ...first, acknowledgedBy: undefined, recordId: undefined },
      { ...first, id: "never arrived", acknowledgedBy: undefined },
    ];
    expect(judge({ truths: [truth], attempts: [...unknown, ...others], subscribers: [receive()] })).toEqual(CLEAN);
  });

  it("finds an acknowledged write that is missing from the log or in it twice, and a write that no client sent", () => {
    const { truth, attempts, log } = createCase();
    const shorter = { ...truth, log: log.slice(0, 3), stored: [] };
    expect(judge({ truths: [shorter], attempts, subscribers: [] })).toMatchObject({ lost: 1, doubled: 0 });
    const again = { ...truth, log: [...log, ...log.slice(0, 1).map((change) => ({ ...change, seq: 5 }))] };
    expect(judge({ truths: [again], attempts, subscribers: [] })).toMatchObject({ lost: 0, doubled: 1 });
    expect(judge({ truths: [truth], attempts: attempts.slice(1), subscribers: [] })).toMatchObject({ lost: 0, doubled: 1 });
  });

  it("finds a write whose data or uniqueId differs from the response", () => {
    const { truth, attempts, log } = createCase(1);
    const altered = (change: Partial<LoggedChange>) => ({ ...truth, log: log.map((logged) => ({ ...logged, ...change })), stored: [] });
    expect(judge({ truths: [altered({ data: '{"id":"attempt 1","n":2}' })], attempts, subscribers: [] })).toMatchObject({ lost: 1 });
    expect(judge({ truths: [altered({ recordId: "another" })], attempts, subscribers: [] })).toMatchObject({ lost: 1 });
  });

  it("finds a hole in the log, and records that differ from it", () => {
    const { truth, attempts, log, records } = createCase();
    const holed = { ...truth, log: log.map((change) => (change.seq === 4 ? { ...change, seq: 5 } : change)) };
    expect(judge({ truths: [holed], attempts, subscribers: [] })).toMatchObject({ lost: 1 });
    records.delete("record 2");
    expect(judge({ truths: [truth], attempts, subscribers: [] })).toMatchObject({ lost: 1 });
    records.set("record 2", "other data").set("record 5", "unknown");
    expect(judge({ truths: [truth], attempts, subscribers: [] })).toMatchObject({ lost: 2 });
  });

  it("finds a change that a subscriber did not receive, or received twice, late or altered, and a gap", () => {
    const { truth, attempts, receive } = createCase();
    const received = receive();
    const [first, second, third, fourth] = received.changes;
    if (!first || !second || !third || !fourth) throw new Error("too few changes");
    const judgeReceived = (changes: Recipient["changes"], more: Partial<Recipient> = {}) =>
      judge({ truths: [truth], attempts, subscribers: [{ ...received, changes, ...more }] });
    expect(judgeReceived([first, second, fourth])).toMatchObject({ ...CLEAN, lost: 1, problems: [expect.any(String)] });
    expect(judgeReceived([first, second, second, third, fourth])).toMatchObject({ lost: 0, doubled: 1, outOfOrder: 0 });
    expect(judgeReceived([first, third, second, fourth])).toMatchObject({ lost: 0, doubled: 0, outOfOrder: 1 });
    expect(judgeReceived([first, { ...second, data: "{}" }, third, fourth])).toMatchObject({ lost: 1 });
    expect(judgeReceived(received.changes, { gaps: ["a gap"] })).toMatchObject({ lost: 1 });
    expect(judgeReceived([second, third], { startSeq: 1, endSeq: 3 })).toEqual(CLEAN);
  });

  it("finds a change of another user, and one that was never committed", () => {
    const { truth, attempts, receive } = createCase();
    expect(judge({ truths: [truth], attempts, subscribers: [{ ...receive(), owner: "ann" }] })).toMatchObject({ lost: 0, unauthorised: 2 });
    const [first] = receive().changes;
    if (!first) throw new Error("no change");
    const phantom = { ...receive(), changes: [...receive().changes, { ...first, seq: 5 }] };
    expect(judge({ truths: [truth], attempts, subscribers: [phantom] })).toMatchObject({ lost: 0, unauthorised: 1 });
  });
});
