/** Tests whether judges by rules notice that their caller's own record has changed (S9), with a cache on records in memory. */
import { describe, expect, it } from "vitest";
import type { JudgeRequest } from "@/src/core/access/record-judge";
import { createUserData } from "@/src/core/access/user-data";
import { createResolvedEndpoint } from "@/tests/support/memory/memory-access";
import { compileRules } from "./compile-rules";
import { createRuleJudges } from "./rule-judges";

const [PEOPLE, ANN] = ["019a0000-0000-7000-8000-000000000001", "00000000000000000000000000000001"] as const;

/** The judges of an endpoint with a rule that reads the user's record, which the map has or lacks. */
function createWorld(stored: Map<string, string>) {
  const userData = createUserData({
    read: async (_, userId) => {
      const data = stored.get(userId);
      return data === undefined ? undefined : { data };
    },
    readPositions: async () => new Map(),
  });
  const rules = compileRules({ read: '@user.data.role = "admin" | public = true' });
  const request: JudgeRequest = {
    resolved: createResolvedEndpoint({ endpoint: { rules } }),
    user: { id: ANN, endpointId: PEOPLE },
    userEndpoint: "people",
    origin: undefined,
    allowsOthers: () => false,
  };
  const announce = () =>
    userData.notify({
      kind: "changes",
      changes: [
        {
          ...{ endpointId: PEOPLE, seq: 1, type: "PUT", owner: ANN, at: "" },
          record: { id: ANN, version: 1, data: "{}", createdAt: "", updatedAt: "" },
        },
      ],
    });
  return { find: async () => createRuleJudges({ userData }).find(request), announce };
}

describe("a judge by rules that read the user's own record", () => {
  it("[S9] is current until that record changes", async () => {
    const stored = new Map([[ANN, '{"role":"admin"}']]);
    const world = createWorld(stored);
    const judge = await world.find();
    expect(judge.isCurrent?.()).toBe(true);
    stored.set(ANN, "{}");
    world.announce();
    expect(judge.isCurrent?.()).toBe(false);
    expect((await world.find()).isCurrent?.()).toBe(true);
  });

  it("[S9] is current for a user who was deleted, too, and sees nothing of the record", async () => {
    const stored = new Map([[ANN, '{"role":"admin"}']]);
    const world = createWorld(stored);
    const before = await world.find();
    stored.delete(ANN);
    world.announce();
    const judge = await world.find();
    expect([before.isCurrent?.(), judge.isCurrent?.()]).toEqual([false, true]);
    const record = { uniqueId: ANN, owner: null };
    expect(await judge.judge("read", [{ ...record, data: "{}" }])).toEqual([false]);
    expect(await judge.judge("read", [{ ...record, data: '{"public":true}' }])).toEqual([true]);
  });
});
