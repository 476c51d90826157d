/** The facts by which access rules are judged: the caller, the record and the body of a write. */
import { createValueFinder, type ValueFinder } from "@/src/core/json/find-values";
import type { RuleOperand } from "@/src/shared/rules/rule-syntax";
import { type RuleValue, toRuleValue, toStringValue } from "./rule-values";

/** The caller of a request or stream. Do not change it afterwards: the values that rules read from it are kept. */
export interface RuleCaller {
  /** `data`: the JSON text of the user's own record. `endpoint`: the name of the user's authentication endpoint. Null: no access token was sent. */
  readonly user: { readonly id: string; readonly endpoint: string; readonly data: string } | null;
  readonly keyScope: "read" | "write" | "read_write";
}

/** A record. `owner`: 32 hex digits. `data`: the JSON text as stored. Values are kept for as long as the object, so judge it by many callers. */
export interface RuleRecord {
  readonly owner: string | null;
  readonly data: string;
}

export interface RuleFacts {
  readonly caller: RuleCaller;
  readonly record: RuleRecord;
  /** The body of a create or update as JSON text. */
  readonly input?: string | undefined;
}

/** The paths that the rules of an endpoint read in one kind of JSON text. */
class PathTable {
  readonly #paths: (readonly string[])[] = [];
  /** Equal paths of different operands have different places, which costs little. */
  readonly #indexes = new Map<readonly string[], number>();
  readonly #read = new WeakMap<object, { json: string; texts: (string | undefined)[]; values: (RuleValue | undefined)[] }>();
  #find: ValueFinder | undefined;

  add(path: readonly string[]): void {
    this.#indexes.set(path, this.#paths.push(path) - 1);
    this.#find = undefined;
  }

  /** The value at a path. `holder`: the object that has the text; its values are found once. */
  read(holder: object, json: string, path: readonly string[]): RuleValue | undefined {
    let read = this.#read.get(holder);
    if (read?.json !== json) {
      this.#find ??= createValueFinder(this.#paths);
      read = { json, texts: this.#find(json), values: [] };
      this.#read.set(holder, read);
    }
    const index = this.#indexes.get(path) ?? -1;
    const text = read.texts[index];
    if (text === undefined) return undefined;
    const value = read.values[index] ?? toRuleValue(text);
    read.values[index] = value;
    return value;
  }
}

/** Reads the values of operands. One for all rules of an endpoint, so that each record is searched once. */
export class FactReader {
  readonly #data = new PathTable();
  readonly #userData = new PathTable();
  readonly #input = new PathTable();
  readonly #users = new WeakMap<object, RuleValue>();
  readonly #uses = { userId: false, userEndpoint: false, keyScope: false, userData: new Map<string, readonly string[]>() };

  /** Prepares an operand. Call it for all operands before the first `read`. */
  add(operand: RuleOperand): void {
    switch (operand.kind) {
      case "data":
        this.#data.add(operand.path);
        return;
      case "userData":
        this.#uses.userData.set(JSON.stringify(operand.path), operand.path);
        this.#userData.add(operand.path);
        return;
      case "input":
        this.#input.add(operand.path);
        return;
      case "userId":
      case "userEndpoint":
      case "keyScope":
        this.#uses[operand.kind] = true;
        return;
      case "owner":
      case "literal":
        return;
    }
  }

  /** The value of an operand; undefined if there is none. Nobody has no values, and a record of nobody has no owner. */
  read(operand: RuleOperand, facts: RuleFacts): RuleValue | undefined {
    switch (operand.kind) {
      case "data":
        return this.#data.read(facts.record, facts.record.data, operand.path);
      case "input":
        return facts.input === undefined ? undefined : this.#input.read(facts, facts.input, operand.path);
      case "owner":
        return facts.record.owner === null ? undefined : { type: "string", text: facts.record.owner };
      default:
        return this.readCaller(operand, facts.caller);
    }
  }

  /** The value of an operand that depends only on the caller. Undefined for the others. */
  readCaller(operand: RuleOperand, { user, keyScope }: RuleCaller): RuleValue | undefined {
    switch (operand.kind) {
      case "literal":
        return operand.value.type === "string" ? toStringValue(operand.value.text) : operand.value;
      case "keyScope":
        return { type: "string", text: keyScope };
      case "userId":
        return user === null ? undefined : this.#readUserId(user);
      case "userEndpoint":
        // Another server may have created the endpoint so recently that this one does not know its name. Then the rule is undecided, which refuses.
        return user === null || user.endpoint === "" ? undefined : { type: "string", text: user.endpoint };
      case "userData":
        return user === null ? undefined : this.#userData.read(user, user.data, operand.path);
      default:
        return undefined;
    }
  }

  #readUserId(user: NonNullable<RuleCaller["user"]>): RuleValue {
    const known = this.#users.get(user);
    if (known?.text === user.id) return known;
    const value: RuleValue = { type: "string", text: user.id };
    this.#users.set(user, value);
    return value;
  }

  /** Whether a rule reads the user's record. */
  get usesUserData(): boolean {
    return this.#uses.userData.size > 0;
  }

  /** A text that is equal for callers between whom no rule can distinguish. */
  identify(caller: RuleCaller): string {
    const { userId, userEndpoint, keyScope, userData } = this.#uses;
    const read = (operand: RuleOperand) => this.readCaller(operand, caller)?.text ?? null;
    const typed = (path: readonly string[]) => {
      const value = this.readCaller({ kind: "userData", path }, caller);
      return value ? [value.type, value.text] : null;
    };
    return JSON.stringify([
      userId ? read({ kind: "userId" }) : "",
      userEndpoint ? read({ kind: "userEndpoint" }) : "",
      keyScope ? caller.keyScope : "",
      [...userData.values()].map(typed),
    ]);
  }
}
