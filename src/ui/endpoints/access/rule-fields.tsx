/** The rules of an endpoint: a line for each operation, and the hidden fields. */
"use client";

import Link from "next/link";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { RULED_OPERATIONS, type RuledOperation } from "@/src/shared/rules/access-rules";
import { TextAreaField, TextField } from "../../components/field";
import { Panel, Section } from "../../components/page/page";
import { toProblemText } from "./access-texts";
import { describeHideEntry, describeRule } from "./describe-rule";
import type { AccessDraft } from "./use-access-draft";

const LABELS: Readonly<Record<RuledOperation, string>> = { read: "Read", create: "Create", update: "Update", delete: "Delete" };

export function RuleFields({ endpoint, draft }: { endpoint: EndpointDetail; draft: AccessDraft }) {
  const settings = `/p/${endpoint.projectId}/endpoints/${endpoint.id}/settings`;
  return (
    <Section
      title="Rules"
      note={
        <>
          The records on which each operation is allowed. Read also applies to streams. Operations without a rule follow the{" "}
          <Link href={settings} className="text-focus underline underline-offset-2">
            {endpoint.kind === "data" ? "switches in the settings" : "kind of the endpoint"}
          </Link>
          . The master key skips rules.
        </>
      }
    >
      <Panel>
        <div className="flex flex-col gap-4">
          {RULED_OPERATIONS.map((operation) => (
            <RuleField key={operation} operation={operation} standard={endpoint.defaultRules[operation]} draft={draft} />
          ))}
          <HideField draft={draft} />
          <Grammar />
        </div>
      </Panel>
    </Section>
  );
}

function RuleField({ operation, standard, draft }: { operation: RuledOperation; standard: string; draft: AccessDraft }) {
  const text = draft.texts[operation];
  const problem = draft.problems[operation];
  const isEmpty = text.trim() === "";
  const meaning = describeRule(isEmpty ? standard : text);
  return (
    <TextField
      mono
      name={operation}
      label={LABELS[operation]}
      placeholder={standard}
      value={text}
      onChange={(event) => draft.edit(operation, event.target.value)}
      hint={meaning && (isEmpty ? `Default: ${meaning.charAt(0).toLowerCase()}${meaning.slice(1)}` : meaning)}
      problem={problem && toProblemText(problem, true)}
      data-column={problem?.column}
    />
  );
}

function HideField({ draft }: { draft: AccessDraft }) {
  const text = draft.texts.hide;
  const problem = draft.problems.hide;
  const meanings = text.split("\n").flatMap((line) => describeHideEntry(line) ?? []);
  return (
    <TextAreaField
      mono
      name="hide"
      label="Hidden fields"
      rows={Math.min(Math.max(text.split("\n").length, 2), 10)}
      placeholder={'phone, address.street unless @owner = @user.id\nnotes unless @user.data.role = "admin"'}
      value={text}
      onChange={(event) => draft.edit("hide", event.target.value)}
      hint={
        meanings.length > 0
          ? meanings.join(" ")
          : "One entry a line: fields, and unless with a condition. Hidden fields are left out of responses and streams."
      }
      problem={problem && toProblemText(problem, false)}
    />
  );
}

const EXAMPLES = [
  ["@owner = @user.id", "the user’s own records"],
  ["members ~ @user.id", "a list in the record contains the user"],
  ['@user.data.role = "admin"', "a field of the user’s own record"],
  ['@user.endpoint = "staff"', "users of that authentication endpoint"],
  ["@user.id exists", "anyone who is logged in"],
  ["@input.price >= 0", "the sent body; only in Create and Update"],
  ["public = true | @owner = @user.id", "or; & is and, !( … ) is not"],
] as const;

function Grammar() {
  return (
    <details>
      <summary className="w-fit cursor-pointer text-muted hover:text-text pointer-coarse:min-h-8">How rules are written</summary>
      <div className="flex flex-col gap-2 pt-2">
        <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 max-sm:grid-cols-1">
          {EXAMPLES.map(([rule, meaning]) => (
            <div key={rule} className="contents">
              <dt>
                <code className="font-mono text-data wrap-anywhere">{rule}</code>
              </dt>
              <dd className="text-muted max-sm:pb-1.5">{meaning}</dd>
            </div>
          ))}
        </dl>
        <p className="text-muted">
          Operators: <code className="font-mono text-data">= != &lt; &lt;= &gt; &gt;= ~ exists missing</code>. Texts are in double quotes. A
          condition on something that is missing or of another type is not met.
        </p>
      </div>
    </details>
  );
}
