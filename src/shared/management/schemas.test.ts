import { describe, expect, it } from "vitest";
import { checkBody } from "@/src/shared/field-problems";
import {
  endpointCreateSchema,
  endpointPatchSchema,
  keyCreateSchema,
  keyRotateSchema,
  passwordChangeSchema,
  projectCreateSchema,
  projectPatchSchema,
  setupSchema,
  signupSchema,
  startSchema,
} from "@/src/shared/management/schemas";

const problems = (result: ReturnType<typeof checkBody>) => (result.ok ? undefined : result.fields);

describe("checkBody", () => {
  it("[G6] reports unknown fields, even those named like object internals", () => {
    const body = JSON.parse('{"name":"Weather","nmae":1,"__proto__":{"a":1},"constructor":2}');
    expect(Object.entries(problems(checkBody(projectCreateSchema, body)) ?? {})).toEqual([
      ["nmae", "Unknown field."],
      ["__proto__", "Unknown field."],
      ["constructor", "Unknown field."],
    ]);
  });

  it("[G6] reports missing fields and all other problems at once", () => {
    expect(problems(checkBody(signupSchema, { email: "nobody", password: "short" }))).toEqual({
      name: "This field is required.",
      email: "Enter an e-mail address, like name@example.com.",
      password: "Use 10 characters or more.",
    });
  });

  it.each([[null], [[]], ["text"], [7]])("[G6] requires an object instead of the body %j", (body) => {
    expect(problems(checkBody(projectCreateSchema, body))).toEqual({ body: "Send a JSON object." });
  });
});

describe("the schemas", () => {
  it("[G2] normalize origins and drop duplicates; an invalid one is reported by its index", () => {
    const ok = checkBody(projectCreateSchema, {
      name: " Weather ",
      allowedOrigins: ["HTTPS://A.com/", "https://a.com", "http://b.com:80"],
    });
    expect(ok).toEqual({ ok: true, value: { name: "Weather", allowedOrigins: ["https://a.com", "http://b.com"] } });
    const wrong = checkBody(projectCreateSchema, { name: "Weather", allowedOrigins: ["https://a.com", "b.com"] });
    expect(problems(wrong)).toEqual({
      "allowedOrigins.1": "Start with a scheme, like https://example.com, http://localhost:3000 or capacitor://localhost.",
    });
  });

  it("[G2] a patch may contain any of the fields, or none", () => {
    expect(checkBody(projectPatchSchema, {})).toEqual({ ok: true, value: {} });
    expect(problems(checkBody(projectPatchSchema, { disallowNoOrigin: "yes" }))).toEqual({ disallowNoOrigin: "Use true or false." });
    expect(problems(checkBody(endpointPatchSchema, { name: "A" }))).toEqual({
      name: "Use only lowercase letters, digits, “-” and “/”. For example: a",
    });
  });

  it.each([-1, 1.5, 2_592_001, "60", null])("[G3] refuse %j as graceSeconds", (graceSeconds) => {
    expect(problems(checkBody(keyRotateSchema, { graceSeconds }))).toHaveProperty("graceSeconds");
  });

  it("[G3] accept only scopes and times of the documented form", () => {
    expect(checkBody(keyCreateSchema, { name: "k", scope: "read", expiresAt: "2030-01-01T00:00:00+02:00" }).ok).toBe(true);
    expect(problems(checkBody(keyCreateSchema, { name: "", scope: "admin", expiresAt: "tomorrow" }))).toEqual({
      name: "Enter a name.",
      scope: "Use one of: read, write, read_write.",
      expiresAt: "Use a time like 2030-01-31T12:00:00Z.",
    });
  });

  it("[G4] accept the kinds, and whatever has the form of a JSON Schema", () => {
    for (const schema of [{ type: "object" }, true, null])
      expect(checkBody(endpointCreateSchema, { name: "users/all", kind: "authentication", schema }).ok).toBe(true);
    expect(problems(checkBody(endpointCreateSchema, { name: "users/all", kind: "user", schema: [] }))).toEqual({
      kind: "Use one of: data, authentication, email.",
      schema: "Use a JSON Schema: an object, true or false; or null for none.",
    });
  });

  it("[G4] reject a change of the endpoint's kind", () => {
    expect(problems(checkBody(endpointPatchSchema, { kind: "data" }))).toEqual({ kind: expect.any(String) });
  });

  it("lower-case e-mail addresses, and accept those of a local network", () => {
    const body = { token: "t", name: "Ada", email: " Ada@LocalHost ", password: "correct horse" };
    expect(checkBody(setupSchema, body)).toMatchObject({ ok: true, value: { email: "ada@localhost" } });
  });

  it.each(["a\u0000b", "a\nb", "\ud800"])("refuse %j as a person's name", (name) => {
    expect(problems(checkBody(signupSchema, { name, email: "a@b.c", password: "correct horse" }))).toEqual({
      name: "Remove control characters.",
    });
  });

  it("require passwords of 10 to 200 characters", () => {
    const change = (newPassword: string) => checkBody(passwordChangeSchema, { currentPassword: "x", newPassword });
    expect(change("x".repeat(9)).ok).toBe(false);
    expect(change("x".repeat(10)).ok).toBe(true);
    expect(change("x".repeat(200)).ok).toBe(true);
    expect(change("x".repeat(201)).ok).toBe(false);
  });

  it("require a letter or digit in the description of what is stored", () => {
    expect(checkBody(startSchema, { name: " Orders " })).toEqual({ ok: true, value: { name: "Orders" } });
    expect(problems(checkBody(startSchema, { name: "!?" }))).toEqual({ name: "Use at least one letter or digit." });
  });
});
