import { describe, expect, it } from "vitest";
import { createRulesCache } from "./rules-cache";

function create() {
  const logged: unknown[] = [];
  return { rulesOf: createRulesCache({ log: { error: (...entry: unknown[]) => logged.push(entry) } }), logged };
}

describe("[A5] stored rules", () => {
  it("are compiled once for equal texts", () => {
    const { rulesOf } = create();
    const text = '{"read":"true","hide":["phone"]}';
    expect(rulesOf(text)).toBe(rulesOf(text));
    expect(rulesOf('{"read":"false"}')).not.toBe(rulesOf(text));
  });

  it.each(["[]", "null", "{", '{"read":"a"}', '{"read":1}', '{"hide":"phone"}', '{"hide":[1]}', '{"list":"true"}'])(
    "%s is refused: nothing is allowed, and the log says why",
    (text) => {
      const { rulesOf, logged } = create();
      const { rules } = rulesOf(text);
      const facts = { caller: { user: null, keyScope: "read_write" as const }, record: { owner: null, data: "{}" } };
      for (const operation of ["read", "create", "update", "delete"] as const) expect(rules[operation]?.isMet(facts)).toBe(false);
      expect(logged).toHaveLength(1);
    },
  );
});
