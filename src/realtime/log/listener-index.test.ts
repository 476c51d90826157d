/** Which listeners get which change, and that a private change takes time only for its readers. */
import { describe, expect, it } from "vitest";
import type { Change } from "@/src/core/records/ports";
import { encodeChange } from "../wire/encode";
import { PLAIN_FRAMES } from "../wire/stream-format";
import { createChangeBatch } from "./change-batch";
import { createListenerIndex, type TailerListener } from "./listener-index";

const EPOCH = "0".repeat(32);
const record = { id: "1".repeat(32), version: 1, data: "1", createdAt: "", updatedAt: "" };
const changeOf = (owner: string | null): Change => ({ endpointId: "e", seq: 1, type: "POST", record, owner, at: "" });
const batchOf = (...changes: Change[]) =>
  createChangeBatch(
    changes.map((change) => encodeChange(change)),
    { epoch: EPOCH, seq: 1 },
  );

function createListener(onlyOwner?: string) {
  const heard: (string | null)[] = [];
  let resets = 0;
  const listener: TailerListener = {
    onlyOwner,
    onChanges: ({ encoded }) => heard.push(...encoded.map(({ change }) => change.owner)),
    onReset: () => {
      resets++;
    },
  };
  return { listener, heard, resets: () => resets };
}

describe("createListenerIndex", () => {
  it("[W5] delivers a user's change to those that may read it, and a change without an owner to those that read everything", () => {
    const index = createListenerIndex();
    const [all, ann, annAgain, bob] = [createListener(), createListener("ann"), createListener("ann"), createListener("bob")];
    for (const { listener } of [all, ann, annAgain, bob]) index.add(listener);
    index.changes(batchOf(...["ann", null, "bob", "nobody here"].map(changeOf)));
    expect(all.heard).toEqual(["ann", null, "bob", "nobody here"]);
    expect(ann.heard).toEqual(["ann"]);
    expect(annAgain.heard).toEqual(["ann"]);
    expect(bob.heard).toEqual(["bob"]);
  });

  it("[W10] reports to all listeners that changes cannot be delivered", () => {
    const index = createListenerIndex();
    const both = [createListener(), createListener("ann")];
    for (const { listener } of both) index.add(listener);
    index.reset({ from: { epoch: EPOCH, seq: 1 }, to: { epoch: EPOCH, seq: 2 }, reason: "expired" });
    expect(both.map((each) => each.resets())).toEqual([1, 1]);
  });

  it("counts listeners, and forgets removed ones", () => {
    const index = createListenerIndex();
    const [all, ann, annAgain] = [createListener(), createListener("ann"), createListener("ann")];
    for (const { listener } of [all, ann, annAgain, ann]) index.add(listener);
    expect(index.count()).toBe(3);
    index.remove(ann.listener);
    index.remove(ann.listener);
    expect(index.count()).toBe(2);
    index.changes(batchOf(changeOf("ann")));
    expect([ann.heard, annAgain.heard]).toEqual([[], ["ann"]]);
    index.remove(annAgain.listener);
    index.remove(createListener("bob").listener);
    expect(index.count()).toBe(1);
    index.clear();
    index.changes(batchOf(changeOf("ann")));
    expect(index.count()).toBe(0);
    expect(all.heard).toEqual(["ann"]);
  });

  it("[W5] does not encode changes without a reader", () => {
    const index = createListenerIndex();
    index.add({ onlyOwner: "ann", onChanges: (batch) => batch.toBytes(PLAIN_FRAMES), onReset: () => undefined });
    const change = changeOf("bob");
    // Encoding the change would read its data.
    const unread = { ...change, record: Object.defineProperty({ ...record }, "data", { get: () => expect.fail("was encoded") }) };
    expect(() => index.changes(batchOf(unread))).not.toThrow();
    expect(() => index.changes(batchOf({ ...unread, owner: "ann" }))).toThrow("was encoded");
  });
});
