/** Compiles the access rules of an endpoint: once for each revision of its definition. */
import { createRedaction, type Redaction } from "@/src/core/json/redact";
import { type AccessRules, parseAccessRules, RULED_OPERATIONS, type RuledOperation } from "@/src/shared/rules/access-rules";
import { type CompiledRule, compileRule } from "./compile-rule";
import { FactReader, type RuleCaller, type RuleFacts, type RuleRecord } from "./rule-facts";

export interface CompiledRules {
  /** The operations that have a rule of their own. For the others, S2 applies. */
  readonly rules: Readonly<Partial<Record<RuledOperation, CompiledRule>>>;
  /** True if fields are hidden from some callers. */
  readonly hides: boolean;
  /** True if a rule reads the user's own record. */
  readonly usesUserData: boolean;
  /** A text that is equal for two callers if no rule can distinguish them: they get equal verdicts, and see the same fields. */
  identify(caller: RuleCaller): string;
  /** The JSON text of the record's data without the fields that are hidden from the caller. Otherwise as stored. */
  redact(record: RuleRecord, caller: RuleCaller): string;
  /** The entries of `hide` that hide their fields from the caller. */
  listHidden(record: RuleRecord, caller: RuleCaller): HiddenFields[];
}

/** An entry of `hide`. `text`: as written. `paths`: arrays on the way are passed, so that a path selects the field in each of their items. */
export interface HiddenFields {
  text: string;
  paths: readonly (readonly string[])[];
}

/**
 * `hidden`: further entries of `hide`, which the endpoint has by its kind. Throws an Error if the rules are not valid. They were checked before they were
 * stored, so this is a defect: refuse the request.
 */
export function compileRules(texts: AccessRules, hidden: readonly string[] = []): CompiledRules {
  const parsed = parseAccessRules(texts);
  const fixed = parseAccessRules({ hide: hidden });
  if (!parsed.ok || !fixed.ok) throw new Error(`The access rules are not valid: ${JSON.stringify(parsed.ok ? fixed : parsed.problems)}`);
  const reader = new FactReader();
  const rules: Partial<Record<RuledOperation, CompiledRule>> = {};
  for (const operation of RULED_OPERATIONS) {
    const [text, expression] = [texts[operation], parsed.rules[operation]];
    if (text != null && expression) rules[operation] = compileRule(text, expression, reader);
  }
  const entries = [...parsed.hide, ...fixed.hide].map(({ text, paths, unless }) => ({
    text,
    paths,
    unless: unless && compileRule(text, unless, reader),
  }));
  const redactions = new Map<string, Redaction>();
  /** The results for long records, by the record and the entries: on a stream, many callers see the same. */
  const redacted = new WeakMap<RuleRecord, Map<string, string>>();
  const findHidden = (facts: RuleFacts) => entries.filter(({ unless }) => unless?.isMet(facts) !== true);
  return {
    rules,
    hides: entries.length > 0,
    usesUserData: reader.usesUserData,
    identify: (caller) => reader.identify(caller),
    redact: (record, caller) => {
      if (entries.length === 0) return record.data;
      const hidden = findHidden({ record, caller });
      if (hidden.length === 0) return record.data;
      const name = hidden.map((entry) => entries.indexOf(entry)).join();
      const known = redacted.get(record);
      const text = known?.get(name);
      if (text !== undefined) return text;
      let redaction = redactions.get(name);
      if (!redaction) {
        redaction = createRedaction(hidden.flatMap(({ paths }) => paths));
        // There are as many combinations as callers and records can cause, so only some are kept.
        if (redactions.size < REDACTIONS_MAX) redactions.set(name, redaction);
      }
      const result = redaction(record.data);
      if (record.data.length < KEPT_LENGTH_MIN) return result;
      const kept = known ?? new Map<string, string>();
      if (kept.size < KEPT_RESULTS_MAX) redacted.set(record, kept.set(name, result));
      return result;
    },
    listHidden: (record, caller) => findHidden({ record, caller }),
  };
}

const REDACTIONS_MAX = 64;
/** Shorter records are redacted faster than their results are found. */
const KEPT_LENGTH_MIN = 1_000;
/** The number of different results of one record that are kept. */
const KEPT_RESULTS_MAX = 4;
