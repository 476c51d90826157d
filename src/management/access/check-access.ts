/** Says whether a user may do something with a record, and which rule decides (A6). Nothing is written. */
import { performance } from "node:perf_hooks";
import { toUuid } from "@/src/core/records/unique-id";
import type { CompiledRule, RuleReason } from "@/src/core/rules/compile-rule";
import type { RuleRecord } from "@/src/core/rules/rule-facts";
import type { Db } from "@/src/db/client";
import { AppError } from "@/src/shared/errors";
import type { AccessCheck, AccessChecked } from "@/src/shared/management/access";
import { findEndpointRefusal, findTriedEndpoint, findTriedUsers, toRuleCaller } from "./find-callers";

const VERDICTS: Readonly<Record<RuleReason["verdict"], string>> = {
  true: "is true",
  false: "is false",
  undecided: "is undecided, because it compares something that is missing, null or of another type",
};

/** Throws `not_found` for the endpoint, and `fields_invalid` for a user or record that does not exist. */
export async function checkAccess({
  db,
  ownerId,
  endpointId,
  input: { user: userId, operation, uniqueId, record: sent, input, keyScope = "read_write", rules },
}: {
  db: Pick<Db, "endpoint" | "$queryRaw">;
  ownerId: string;
  endpointId: string;
  input: AccessCheck;
}): Promise<AccessChecked> {
  const endpoint = await findTriedEndpoint({ db, ownerId, endpointId, rules });
  const users = await findTriedUsers({ db, projectId: endpoint.projectId, ids: [userId], field: () => "user" });
  const user = userId === null ? undefined : users.get(userId);
  const record = await findRecord({ db, endpointId, operation, uniqueId, sent, input, userId });

  const start = performance.now();
  const refusal = findEndpointRefusal(endpoint, endpointId, operation, user);
  const caller = toRuleCaller(user, keyScope);
  const ruled = operation === "subscribe" ? "read" : operation;
  const own = endpoint.rules?.rules[ruled];
  const rule = own ?? endpoint.defaults.rules[ruled];
  const reason = rule?.explain({ record, caller, input: input === undefined ? undefined : JSON.stringify(input) });
  const allowed = refusal === undefined && reason?.isMet === true;
  const hidden = endpoint.rules?.listHidden(record, caller).map(({ text }) => text) ?? [];
  const millis = Math.round((performance.now() - start) * 1000) / 1000;
  const decidedBy =
    refusal === undefined && rule && reason
      ? toDecision(own ? "rule" : "default", rule, reason)
      : {
          kind: "endpoint" as const,
          rule: null,
          part: null,
          verdict: null,
          line: null,
          column: null,
          reason: refusal ?? "No rule allows it.",
        };
  return { allowed, decidedBy, hidden, millis };
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

/** The record that is judged. Of a create, the one that it would store. */
async function findRecord({
  db,
  endpointId,
  operation,
  uniqueId,
  sent,
  input,
  userId,
}: {
  db: Pick<Db, "$queryRaw">;
  endpointId: string;
  operation: AccessCheck["operation"];
  uniqueId: AccessCheck["uniqueId"];
  sent: AccessCheck["record"];
  input: unknown;
  userId: string | null;
}): Promise<RuleRecord> {
  if (uniqueId !== undefined && sent !== undefined) throw invalid("record", "Send uniqueId or record, not both.");
  if (operation === "create") {
    if (uniqueId !== undefined) throw invalid("uniqueId", "A create has no stored record. Send record or input.");
    const data = sent ? sent.data : input;
    if (data === undefined) throw invalid("record", "Send the record to create, or the body as input.");
    return { owner: sent?.owner === undefined ? userId : sent.owner, data: JSON.stringify(data) };
  }
  if (sent !== undefined) {
    if (sent.data === undefined) throw invalid("record.data", "This field is required.");
    return { owner: sent.owner ?? null, data: JSON.stringify(sent.data) };
  }
  if (uniqueId === undefined) throw invalid("uniqueId", "Send the uniqueId of a stored record, or a record.");
  const [stored] = await db.$queryRaw<RuleRecord[]>`
    SELECT wire_id(r."ownerId") AS "owner", r."data"::text AS "data" FROM "Record" r
    WHERE r."id" = ${toUuid(uniqueId)}::uuid AND r."endpointId" = ${endpointId}::uuid`;
  if (!stored) throw invalid("uniqueId", "The endpoint has no record with this uniqueId.");
  return stored;
}

function invalid(field: string, message: string): AppError {
  return new AppError("fields_invalid", { detail: `${field}: ${message}`, fields: { [field]: message } });
}
