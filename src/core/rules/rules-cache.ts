/** Compiles the stored access rules of endpoints. Equal texts are compiled once, because each key of a project has its own definitions. */
import type { Log } from "@/src/core/log";
import type { AccessRules } from "@/src/shared/rules/access-rules";
import { type CompiledRules, compileRules } from "./compile-rules";

export type { CompiledRules } from "./compile-rules";

const TEXTS_MAX = 1_000;

/** Compiles a stored JSON text with further entries of `hide`, which the endpoint has by its kind. Rules that cannot be compiled refuse everything, and are logged. */
export type CompileStoredRules = (text: string, hidden?: readonly string[]) => CompiledRules;

export function createRulesCache({ log }: { log: Pick<Log, "error"> }): CompileStoredRules {
  /** Least recently used first. */
  const compiled = new Map<string, CompiledRules>();
  return (text, hidden = []) => {
    const id = hidden.length === 0 ? text : `${hidden.join("\n")}\n${text}`;
    const known = compiled.get(id);
    const rules = known ?? compileStored(text, hidden, log);
    compiled.delete(id);
    compiled.set(id, rules);
    const [oldest] = compiled.keys();
    if (compiled.size > TEXTS_MAX && oldest !== undefined) compiled.delete(oldest);
    return rules;
  };
}

/** Written past the management API, or by a newer release. */
function compileStored(text: string, hidden: readonly string[], log: Pick<Log, "error">): CompiledRules {
  try {
    return compileRules(toAccessRules(JSON.parse(text)), hidden);
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
