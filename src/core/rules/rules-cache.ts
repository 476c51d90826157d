/** Compiles the stored access rules of endpoints. Equal texts are compiled once, because each key of a project has its own definitions. */
import type { Log } from "@/src/core/log";
import type { AccessRules } from "@/src/shared/rules/access-rules";
import { type CompiledRules, compileRules } from "./compile-rules";

export type { CompiledRules } from "./compile-rules";

const TEXTS_MAX = 1_000;

/** Returns a function that compiles a stored JSON text. Rules that cannot be compiled refuse everything, and are logged. */
export function createRulesCache({ log }: { log: Pick<Log, "error"> }): (text: string) => CompiledRules {
  /** Least recently used first. */
  const compiled = new Map<string, CompiledRules>();
  return (text) => {
    const known = compiled.get(text);
    const rules = known ?? compileStored(text, log);
    compiled.delete(text);
    compiled.set(text, rules);
    const [oldest] = compiled.keys();
    if (compiled.size > TEXTS_MAX && oldest !== undefined) compiled.delete(oldest);
    return rules;
  };
}

/** Written past the management API, or by a newer release. */
function compileStored(text: string, log: Pick<Log, "error">): CompiledRules {
  try {
    return compileRules(toAccessRules(JSON.parse(text)));
  } catch (error) {
    log.error({ err: error }, "stored access rules are not valid, so they refuse everything");
    return compileRules({ read: "false", create: "false", update: "false", delete: "false" });
  }
}

const NAMES: readonly string[] = ["read", "create", "update", "delete", "hide"];

/** Throws a TypeError for another form. An unknown member could be a rule of a newer release. */
function toAccessRules(value: unknown): AccessRules {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("The rules are not an object.");
  const rules: AccessRules & Record<string, unknown> = { ...value };
  for (const [name, member] of Object.entries(rules)) {
    if (!NAMES.includes(name)) throw new TypeError(`There is no rule ${name}.`);
    const isText = typeof member === "string" || member === null;
    const isList = Array.isArray(member) && member.every((each) => typeof each === "string");
    if (name === "hide" ? !isList && member !== null : !isText) throw new TypeError(`The rule ${name} has another form.`);
  }
  return rules;
}
