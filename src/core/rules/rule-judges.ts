/** Judges by access rules (S7). An operation without a rule of its own is judged by the switches of S2. */

import type {
  FieldPath,
  JudgeCondition,
  JudgeDependency,
  JudgedOperation,
  JudgedRecord,
  JudgeOptions,
  JudgeRequest,
  RecordJudge,
  RecordJudges,
} from "@/src/core/access/record-judge";
import type { UserData } from "@/src/core/access/user-data";
import { andThen } from "@/src/core/maybe-promise";
import type { RuledOperation } from "@/src/shared/rules/access-rules";
import type { RuleExpression, RuleOperand } from "@/src/shared/rules/rule-syntax";
import type { RuleCaller } from "./rule-facts";
import type { CompiledRules } from "./rules-cache";

/** The judges of endpoints with rules. `find` can be called for other endpoints: then only the switches judge. */
export function createRuleJudges({ userData }: { userData: Pick<UserData, "find" | "isCurrent"> }): RecordJudges {
  const revisions = new Revisions();
  return {
    isJudged: ({ rules }) => rules !== undefined,
    find(request) {
      const { resolved, user } = request;
      const { rules } = resolved.endpoint;
      const create = (data: string | null) =>
        new RuleJudge(
          request,
          {
            user: user && data !== null ? { id: user.id, endpoint: request.userEndpoint, data } : null,
            keyScope: resolved.key?.scope ?? "read_write",
          },
          revisions,
          userData,
        );
      if (!user || !rules?.usesUserData) return create("null");
      return andThen(userData.find(user.endpointId, user.id), create);
    },
  };
}

/** Numbers the compiled rules, so that judges of different rules have different identities. */
class Revisions {
  readonly #numbers = new WeakMap<CompiledRules, number>();
  #last = 0;

  find(rules: CompiledRules | undefined): number {
    if (!rules) return 0;
    const number = this.#numbers.get(rules) ?? ++this.#last;
    this.#numbers.set(rules, number);
    return number;
  }
}

const OPERATIONS = ["read", "create", "update", "delete"] as const satisfies readonly RuledOperation[];

class RuleJudge implements RecordJudge {
  readonly #request: JudgeRequest;
  readonly #caller: RuleCaller;
  readonly #rules: CompiledRules | undefined;
  readonly #userData: Pick<UserData, "isCurrent">;
  readonly identity: string;
  #condition: { value: JudgeCondition | undefined } | undefined;

  constructor(request: JudgeRequest, caller: RuleCaller, revisions: Revisions, userData: Pick<UserData, "isCurrent">) {
    this.#request = request;
    this.#caller = caller;
    this.#userData = userData;
    const { rules } = request.resolved.endpoint;
    this.#rules = rules;
    const owned = OPERATIONS.filter((operation) => rules?.rules[operation] === undefined && !request.allowsOthers(operation));
    const user = owned.length > 0 ? (caller.user?.id ?? null) : undefined;
    this.identity = JSON.stringify([revisions.find(rules), rules?.identify(caller), owned, user]);
  }

  readonly isImmediate = true;

  get hidesFields(): boolean {
    return this.#rules?.hides === true;
  }

  get condition(): JudgeCondition | undefined {
    this.#condition ??= { value: this.#toCondition() };
    return this.#condition.value;
  }

  judge(operation: JudgedOperation, records: readonly JudgedRecord[], { input }: JudgeOptions = {}): readonly boolean[] {
    // A change is sent to those who may read the record.
    const ruled = operation === "subscribe" ? "read" : operation;
    const rule = this.#rules?.rules[ruled];
    const caller = this.#caller;
    if (rule) {
      return records.map((record) =>
        rule.isMet({ caller, record, input: ruled === "create" ? record.data : ruled === "update" ? input : undefined }),
      );
    }
    if (ruled === "create" || this.#request.allowsOthers(operation)) return records.map(() => true);
    const userId = caller.user?.id;
    return records.map(({ owner }) => userId !== undefined && owner === userId);
  }

  explainRefusal(record: JudgedRecord): string | undefined {
    if (this.judge("read", [record])[0] === true) return undefined;
    const rule = this.#rules?.rules.read;
    if (!rule) return "Without a rule for reading, users receive only their own records.";
    const { part, verdict } = rule.explain({ caller: this.#caller, record });

    return `The rule for reading refuses it: ${part} is ${verdict}${verdict === "undecided" ? ", because a value is missing, null or of another type" : ""}.`;
  }

  isCurrent(): boolean {
    const { user } = this.#request;
    return !user || !this.#rules?.usesUserData || this.#userData.isCurrent(user.endpointId, user.id, this.#caller.user?.data ?? null);
  }

  redact(record: JudgedRecord): string {
    return this.#rules?.redact(record, this.#caller) ?? record.data;
  }

  hiddenFields(record: JudgedRecord): readonly FieldPath[] {
    return this.#rules?.listHidden(record, this.#caller).flatMap(({ paths }) => paths) ?? [];
  }

  dependencies(): readonly JudgeDependency[] {
    const { user } = this.#request;
    return user && this.#rules?.usesUserData ? [{ endpointId: user.endpointId, recordId: user.id, isInIdentity: true }] : [];
  }

  #toCondition(): JudgeCondition | undefined {
    const rule = this.#rules?.rules.read;
    const userId = this.#caller.user?.id;
    if (!rule) {
      if (this.#request.allowsOthers("read")) return { text: "true", values: [], isExact: true };
      if (userId === undefined) return { text: "false", values: [], isExact: true };
      return { text: `r."ownerId" = $1::uuid`, values: [userId], isExact: true, owner: userId };
    }
    const condition = rule.toCondition(this.#caller, "r");
    return userId !== undefined && requiresOwner(rule.expression) ? { ...condition, owner: userId } : condition;
  }
}

/** True if the rule is true only for records of the user. */
function requiresOwner(expression: RuleExpression): boolean {
  switch (expression.kind) {
    case "and":
      return expression.parts.some(requiresOwner);
    case "or":
      return expression.parts.every(requiresOwner);
    case "compare":
      return (
        expression.operator === "=" &&
        (areOwnerAndUser(expression.left, expression.right) || areOwnerAndUser(expression.right, expression.left))
      );
    default:
      return false;
  }
}

function areOwnerAndUser(left: RuleOperand, right: RuleOperand): boolean {
  return left.kind === "owner" && right.kind === "userId";
}
