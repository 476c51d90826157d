import { describe, expect, it } from "vitest";
import type { CallerPath } from "@/src/core/access/caller-path";
import { requireSchemaMatch } from "@/src/core/records/schema-check";
import type { SandboxOptions, SchemaMismatch } from "@/src/core/sandbox";
import { isAppError } from "@/src/shared/errors";

const CALLER: CallerPath = ["account", "project", "caller"];

/** A sandbox that reports the given mismatch. */
function sandboxThat(mismatch: SchemaMismatch | undefined) {
  const calls: { schema: string; texts: readonly string[]; caller: CallerPath | undefined }[] = [];
  return {
    calls,
    validate: async (schema: string, texts: readonly string[], options: SandboxOptions = {}) => {
      calls.push({ schema, texts, caller: options.caller });
      return mismatch;
    },
  };
}

async function refusal(check: Promise<void>): Promise<{ code: string; detail: string; fields: unknown }> {
  const error: unknown = await check.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isAppError(error)) throw new Error("It was not refused.");
  return { code: error.code, detail: error.message, fields: error.fields };
}

describe("requireSchemaMatch", () => {
  it("[R10] does not use the sandbox without a schema or without texts", async () => {
    const sandbox = sandboxThat({ index: 0, problems: { "": "no" } });
    await requireSchemaMatch({ sandbox, schema: null, texts: ["1"], caller: CALLER });
    await requireSchemaMatch({ sandbox, schema: "false", texts: [], caller: CALLER });
    expect(sandbox.calls).toEqual([]);
  });

  it("[R10] validates all texts in one call on behalf of the caller", async () => {
    const sandbox = sandboxThat(undefined);
    await requireSchemaMatch({ sandbox, schema: "{}", texts: ["1", "2"], inArray: true, caller: CALLER });
    expect(sandbox.calls).toEqual([{ schema: "{}", texts: ["1", "2"], caller: CALLER }]);
  });

  it("[R10] reports positions within the body, or within the sent array", async () => {
    const problems = { "": "Must be object.", "/a": "This property is required." };
    const one = await refusal(
      requireSchemaMatch({ sandbox: sandboxThat({ index: 0, problems }), schema: "{}", texts: ["1"], caller: CALLER }),
    );
    expect(one).toEqual({
      code: "schema_mismatch",
      detail: "The body does not match the endpoint's schema. The whole body: Must be object. /a: This property is required.",
      fields: problems,
    });
    const sandbox = sandboxThat({ index: 2, problems });
    const item = await refusal(requireSchemaMatch({ sandbox, schema: "{}", texts: ["1", "2", "3"], inArray: true, caller: CALLER }));
    expect(item.fields).toEqual({ "/2": "Must be object.", "/2/a": "This property is required." });
  });

  it("[R10] describes three problems in the detail and counts the rest", async () => {
    const problems = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`/${n}`, "Must be string."]));
    const { detail, fields } = await refusal(
      requireSchemaMatch({ sandbox: sandboxThat({ index: 0, problems }), schema: "{}", texts: ["1"], caller: CALLER }),
    );
    expect(detail).toMatch(/\/0: Must be string\. \/1: Must be string\. \/2: Must be string\. And 17 more\.$/);
    expect(fields).toEqual(problems);
  });
});
