/** Says whether a user may do something with a record, and which rule decides (A6). Nothing is written. */
import { performance } from "node:perf_hooks";
import { toOwnerPath } from "@/src/core/access/caller-path";
import type { FunctionVerdicts } from "@/src/core/access-functions/function-verdicts";
import type { Clock } from "@/src/core/clock";
import { createValueFinder } from "@/src/core/json/find-values";
import { toUuid } from "@/src/core/records/unique-id";
import type { CompiledRule, RuleReason } from "@/src/core/rules/compile-rule";
import type { RuleCaller, RuleRecord } from "@/src/core/rules/rule-facts";
import type { Sandbox } from "@/src/core/sandbox";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { AccessCheck, AccessChecked } from "@/src/shared/management/access";
import { findEndpointRefusal, findTriedEndpoint, findTriedUsers, type TriedEndpoint, type TriedUser, toRuleCaller } from "./find-callers";
import { requireFunction } from "./require-function";
import { toFunctionDecision, tryFunction } from "./try-function";

const VERDICTS: Readonly<Record<RuleReason["verdict"], string>> = {
  true: "is true",
  false: "is false",
  undecided: "is undecided, because it compares something that is missing, null or of another type",
};

type Decision = AccessChecked["decidedBy"];

/**
 * Throws `not_found` for the endpoint, `fields_invalid` for a user or record that does not exist, and what the evaluation of an access function throws
 * (`server_busy`, `rate_limited`).
 */
export async function checkAccess({
  db,
  sandbox,
  verdicts,
  clock,
  ownerId,
  endpointId,
  input: asked,
  text,
}: {
  db: Pick<Db, "endpoint" | "$queryRaw">;
  sandbox: Pick<Sandbox, "checkFunction">;
  verdicts: FunctionVerdicts;
  clock: Clock;
  ownerId: string;
  endpointId: string;
  input: AccessCheck;
  /** The JSON text of `input`: values are taken from it, so that their digits stay as sent. */
  text: string;
}): Promise<AccessChecked> {
  const { user: userId, operation, uniqueId, record: sent, input, keyScope = "read_write", rules, accessFunction } = asked;
  const endpoint = await findTriedEndpoint({ db, ownerId, endpointId, rules });
  const { projectId } = endpoint;
  const payer = toOwnerPath(ownerId, projectId);
  if (typeof accessFunction === "string") await requireFunction({ sandbox, source: accessFunction, caller: payer });
  const users = await findTriedUsers({ db, projectId, ids: [userId], field: () => "user" });
  const user = userId === null ? undefined : users.get(userId);
  const [inputText, dataText] = findValues(text);
  const body = input === undefined ? undefined : inputText;
  const record = await findRecord({ db, endpointId, operation, uniqueId, sent, texts: { input: body, data: dataText }, userId });

  const start = performance.now();
  const caller = toRuleCaller(user, keyScope);
  const judged = judgeByRules({ endpoint, endpointId, operation, user, record, caller, body });
  const source = accessFunction === undefined ? endpoint.accessFunction : accessFunction;
  const called =
    source === null || judged.decidedBy.kind === "endpoint"
      ? null
      : await tryFunction({
          ...{ verdicts, clock, source, endpointId, projectId, caller: payer },
          ...{ user, record, body, input: asked },
        });
  const { allowed, decidedBy } = judged.allowed && called ? toFunctionDecision(called) : judged;
  const hidden = endpoint.rules?.listHidden(record, caller).map(({ text }) => text) ?? [];
  return { allowed, decidedBy, function: called, hidden, millis: Math.round((performance.now() - start) * 1000) / 1000 };
}

const NO_RULE = { rule: null, part: null, verdict: null, line: null, column: null } as const;

function judgeByRules({
  endpoint,
  endpointId,
  operation,
  user,
  record,
  caller,
  body,
}: {
  endpoint: TriedEndpoint;
  endpointId: string;
  operation: AccessCheck["operation"];
  user: TriedUser | undefined;
  record: TriedRecord;
  caller: RuleCaller;
  body: string | undefined;
}): { allowed: boolean; decidedBy: Decision } {
  const refusal = findEndpointRefusal(endpoint, endpointId, operation, user);
  if (refusal !== undefined) return { allowed: false, decidedBy: { kind: "endpoint", ...NO_RULE, reason: refusal } };
  const ruled = operation === "subscribe" ? "read" : operation;
  const own = endpoint.rules?.rules[ruled];
  const rule = own ?? endpoint.defaults.rules[ruled];
  if (!rule) return { allowed: false, decidedBy: { kind: "endpoint", ...NO_RULE, reason: "No rule allows it." } };
  // As on the endpoint: the input of a create is the new record.
  const reason = rule.explain({ record, caller, input: ruled === "create" ? record.data : ruled === "update" ? body : undefined });
  return { allowed: reason.isMet, decidedBy: toDecision(own ? "rule" : "default", rule, reason) };
}

function toDecision(kind: "rule" | "default", { text }: CompiledRule, { part, start, verdict }: RuleReason): AccessChecked["decidedBy"] {
  const before = text.slice(0, start);
  const what = kind === "rule" ? "The rule" : "The endpoint's default";
  return {
    kind,
    rule: text,
    part,
    verdict,
    line: before.split("\n").length,
    column: start - before.lastIndexOf("\n"),
    reason: `${what} decides: ${part} ${VERDICTS[verdict]}.`,
  };
}

/** The JSON texts of `input` and of the data of `record`. */
const findValues = createValueFinder([["input"], ["record", "data"]]);

/** The record that is judged. `uniqueId` of one that is not stored: zeros. */
type TriedRecord = RuleRecord & { uniqueId: string };
const NOT_STORED = "0".repeat(32);

/** Returns the record that is judged. Of a create, the one that it would store. */
async function findRecord({
  db,
  endpointId,
  operation,
  uniqueId,
  sent,
  texts,
  userId,
}: {
  db: Pick<Db, "$queryRaw">;
  endpointId: string;
  operation: AccessCheck["operation"];
  uniqueId: AccessCheck["uniqueId"];
  sent: AccessCheck["record"];
  texts: { input: string | undefined; data: string | undefined };
  userId: string | null;
}): Promise<TriedRecord> {
  if (uniqueId !== undefined && sent !== undefined) throw invalid("record", "Send uniqueId or record, not both.");
  if (operation === "create") {
    if (uniqueId !== undefined) throw invalid("uniqueId", "A create has no stored record. Send record or input.");
    const data = sent ? sent.data !== undefined && texts.data : texts.input;
    if (typeof data !== "string") throw invalid("record", "Send the record to create, or the body as input.");
    return { uniqueId: NOT_STORED, owner: sent?.owner === undefined ? userId : sent.owner, data };
  }
  if (sent !== undefined) {
    if (sent.data === undefined || texts.data === undefined) throw invalid("record.data", "This field is required.");
    return { uniqueId: NOT_STORED, owner: sent.owner ?? null, data: texts.data };
  }
  if (uniqueId === undefined) throw invalid("uniqueId", "Send the uniqueId of a stored record, or a record.");
  const [stored] = await db.$queryRaw<RuleRecord[]>`
    SELECT wire_id(r."ownerId") AS "owner", r."data"::text AS "data" FROM "Record" r
    WHERE r."id" = ${toUuid(uniqueId)}::uuid AND r."endpointId" = ${endpointId}::uuid`;
  if (!stored) throw invalid("uniqueId", "The endpoint has no record with this uniqueId.");
  return { ...stored, uniqueId };
}

function invalid(field: string, message: string): AppError {
  return new AppError("fields_invalid", { detail: `${field}: ${message}`, fields: { [field]: message } });
}
