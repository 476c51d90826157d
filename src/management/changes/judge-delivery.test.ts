/** Which streams receive a change. */
import { describe, expect, it } from "vitest";
import { type JudgedChange, type JudgedStream, judgeDelivery } from "./judge-delivery";

const change: JudgedChange = { seq: 7, owner: { id: "a", name: "ada" } };
const stream: JudgedStream = {
  openedSeq: 6,
  isResumable: false,
  onlyOwner: undefined,
  rules: undefined,
  filter: undefined,
  replayedTo: undefined,
};

describe("a change", () => {
  it.each<[string, Partial<JudgedStream>, string, string]>([
    ["who reads everything, and was there", {}, "sent", "It was open."],
    ["its record's owner", { onlyOwner: "a" }, "sent", "It was open."],
    ["another user", { onlyOwner: "b" }, "refused", "The record belongs to ada, and this stream receives only its own user's records."],
    ["who has a filter that is true of it", { filter: true }, "sent", "It was open. Its filter matches the record."],
    ["who has one that is not", { filter: false, replayedTo: 1 }, "filtered", "Its filter does not match the record."],
    ["who has one that can't be asked", { filter: "unknown" }, "sent", "could not be evaluated"],
    ["another user whose filter is true of it", { filter: true, onlyOwner: "b" }, "refused", "belongs to ada"],
    ["whose rules allow it", { rules: { refused: null } }, "sent", "It was open."],
    [
      "whose rules refuse it",
      { rules: { refused: "The rule refuses it." }, filter: true, replayedTo: 1 },
      "refused",
      "The rule refuses it.",
    ],
    ["whose rules can't be evaluated", { rules: "unknown", filter: true }, "sent", "Its access rules could not be evaluated. Its filter"],
    ["who is still being sent what was before", { replayedTo: 6, openedSeq: 9 }, "waiting", "has not reached this one"],
    ["who came later, and goes on from a cursor", { isResumable: true, openedSeq: 7 }, "later", "if it requested a replay"],
    ["who came later, and does not", { openedSeq: 8 }, "later", "did not request a replay"],
  ])("[G17] for %s", (_who, changed, verdict, reason) => {
    const judged = judgeDelivery(change, { ...stream, ...changed });
    expect(judged).toEqual({ verdict, reason: expect.stringContaining(reason) });
  });

  it("[G17] of a record without an owner is not delivered to users who receive only their own", () => {
    const judged = judgeDelivery({ ...change, owner: undefined }, { ...stream, onlyOwner: "a" });
    expect(judged).toEqual({ verdict: "refused", reason: expect.stringContaining("has no owner") });
  });
});
