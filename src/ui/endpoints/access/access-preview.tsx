/** Counts how many stored records users could read by the rules in the form, saved or not. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useState } from "react";
import type { AccessPreviewed } from "@/src/shared/management/access";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import { type ChosenUser, findUser, NOBODY, searchUsers } from "../../api/app-users";
import { requestJson } from "../../api/request";
import { toViewAsPath } from "../../api/viewer";
import { Button } from "../../components/button";
import { Panel, Section } from "../../components/page/page";
import { formatCount, formatPlural } from "../../format/format-number";
import { FormFailure } from "../../forms/form-failure";
import { useAction } from "../../forms/use-action";
import { toFunctionInput, toRulesInput } from "./access-texts";
import type { AccessDraft } from "./use-access-draft";
import { UserField } from "./user-field";

const USERS_MAX = 10;
/** Users that are counted if none is named. */
const FIRST_USERS = 5;

export function AccessPreview({ endpoint, draft }: { endpoint: EndpointDetail; draft: AccessDraft }) {
  const client = useQueryClient();
  const { id, projectId } = endpoint;
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState<string>();
  const [counted, setCounted] = useState<{ users: readonly ChosenUser[]; result: AccessPreviewed; tried: string }>();
  const rules = toRulesInput(draft.texts);
  const accessFunction = toFunctionInput(draft.texts);
  const tried = JSON.stringify([rules, accessFunction]);
  const count = useAction(async () => {
    setProblem(undefined);
    if (draft.showRuleProblems()) return;
    const users = [NOBODY];
    if (typed.trim() === "") users.push(...(await searchUsers(client, projectId, "")).slice(0, FIRST_USERS));
    for (const name of typed.split(",").filter((part) => part.trim() !== "")) {
      const user = await findUser(client, projectId, name);
      if (!user) return setProblem(`No user has the name “${name.trim()}”.`);
      if (users.length > USERS_MAX) return setProblem(`Name ${USERS_MAX} users at most.`);
      if (!users.some((other) => other.id === user.id)) users.push(user);
    }
    try {
      const body = { rules, accessFunction, users: users.map((user) => user.id) };
      const result = await requestJson<AccessPreviewed>(`endpoints/${id}/access-preview`, { method: "POST", body });
      setCounted({ users, result, tried });
    } catch (error) {
      draft.showProblems(error);
    }
  });
  const isOld = counted !== undefined && counted.tried !== tried;
  return (
    <Section
      title="Preview"
      note="Counts how many stored records each user could read by the rules above, saved or not. The access function is called for a sample."
    >
      <Panel>
        <form
          noValidate
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            count.run();
          }}
        >
          <UserField
            projectId={projectId}
            label="Users"
            placeholder={`Nobody and the first ${FIRST_USERS} users`}
            hint="Names or uniqueIds, separated by commas."
            value={typed}
            onChange={(text) => {
              setTyped(text);
              setProblem(undefined);
            }}
            problem={problem}
          />
          <FormFailure failure={count.failure} />
          <div>
            <Button type="submit" busy={count.pending}>
              Count readable records
            </Button>
          </div>
          <div role="status" className="empty:hidden">
            {counted ? <Counts {...counted} isOld={isOld} endpoint={endpoint} /> : null}
          </div>
        </form>
      </Panel>
    </Section>
  );
}

function Counts({
  users,
  result: { examined, complete, users: counts },
  isOld,
  endpoint,
}: {
  users: readonly ChosenUser[];
  result: AccessPreviewed;
  isOld: boolean;
  endpoint: EndpointDetail;
}) {
  const hasFunction = counts.some(({ sample }) => sample !== null);
  return (
    <div className="flex flex-col gap-2">
      <table className="w-full text-left">
        <thead>
          <tr className="border-b border-line text-muted">
            <th scope="col" className="py-1.5 pr-3 font-medium">
              User
            </th>
            <th scope="col" className="py-1.5 pr-3 text-right font-medium">
              Readable
            </th>
            <th scope="col" className="py-1.5 pr-3 text-right font-medium">
              With hidden fields
            </th>
            {hasFunction ? (
              <th scope="col" className="py-1.5 text-right font-medium">
                Function allows
              </th>
            ) : null}
          </tr>
        </thead>
        <tbody>
          {counts.map(({ user, readable, redacted, sample }, index) => (
            <tr key={user ?? ""} className="border-b border-line last:border-0">
              <th scope="row" className="py-1.5 pr-3 font-normal wrap-anywhere">
                <Link
                  href={toViewAsPath(endpoint.projectId, endpoint.id, user)}
                  title="See the records in this view, by the saved rules"
                  className="text-focus underline underline-offset-2"
                >
                  {users[index]?.name ?? user}
                </Link>
              </th>
              <td className="py-1.5 pr-3 text-right tabular-nums">
                {formatCount(readable)} of {formatCount(examined)}
              </td>
              <td className="py-1.5 pr-3 text-right tabular-nums">{formatCount(redacted)}</td>
              {hasFunction ? <td className="py-1.5 text-right tabular-nums">{toSampleText(sample)}</td> : null}
            </tr>
          ))}
        </tbody>
      </table>
      <p className={isOld ? "text-warn" : "text-muted"}>
        {isOld
          ? "The rules have changed since. Count again."
          : complete
            ? `All ${formatPlural(examined, "record")} examined.`
            : `The newest ${formatPlural(examined, "record")} examined. There are more.`}
        {hasFunction ? " The access function was asked about a sample: the newest readable records of each user." : null}
      </p>
    </div>
  );
}

function toSampleText(sample: AccessPreviewed["users"][number]["sample"]): string {
  if (!sample || sample.asked === 0) return "not asked";
  const failed = sample.failed === 0 ? "" : `, fails on ${formatCount(sample.failed)}`;
  return `${formatCount(sample.allowed)} of ${formatCount(sample.asked)}${failed}`;
}
