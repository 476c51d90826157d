/** The e-mails of an authentication endpoint to its users (L8–L12): what is sent, where links lead, and the texts with a preview. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { EndpointDetail } from "@/src/shared/management/schemas";
import type { EmailContent, UserEmailKind, UserEmailSettings, UserEmails } from "@/src/shared/management/user-emails";
import { userEmailsQuery } from "../../api/queries";
import { requestJson } from "../../api/request";
import { TextField } from "../../components/field";
import { Panel, Section } from "../../components/page/page";
import { Switch } from "../../components/switch";
import { bySchema } from "../../forms/by-schema";
import { FormDraftNote } from "../../forms/drafts/form-draft-note";
import { readFlag, readMember } from "../../forms/drafts/stored-state";
import { FormFailure } from "../../forms/form-failure";
import { SubmitButton } from "../../forms/submit-button";
import { useForm } from "../../forms/use-form";
import { notify } from "../../notifications/notify";
import { EmailTemplates } from "./email-templates";

type Flags = Omit<UserEmailSettings, "linkBase">;

const SWITCHES: readonly { field: keyof Flags; label: string; hint: string }[] = [
  {
    field: "verifyEmails",
    label: "Verify e-mail addresses",
    hint: "New users, and users with a new address, get an e-mail. Their data has the field emailVerified, which only the server and the master key can set.",
  },
  {
    field: "requireVerified",
    label: "Log in only when verified",
    hint: "Users log in with their password after they verified their address. Existing sessions stay.",
  },
  { field: "loginLinks", label: "Login by link", hint: "Users can request an e-mail with a link that logs them in once." },
  {
    field: "loginCodes",
    label: "Login by code",
    hint: "Users can request an e-mail with a six-digit code, valid for 10 minutes and 5 tries.",
  },
];

export function UserEmailsSection({ endpoint }: { endpoint: EndpointDetail }) {
  const { data } = useQuery(userEmailsQuery(endpoint.id));
  return (
    <Section
      title="E-mails to users"
      note="Users can always request an e-mail to set a new password. These settings add more, and change the texts."
    >
      {data ? <UserEmailsForm endpoint={endpoint} emails={data} /> : null}
    </Section>
  );
}

function UserEmailsForm({ endpoint, emails }: { endpoint: EndpointDetail; emails: UserEmails }) {
  const client = useQueryClient();
  // Only what was changed here is sent, so changes that others make in the meantime are kept.
  const [flags, setFlags] = useState<Partial<Flags>>({});
  const [templates, setTemplates] = useState<Partial<Record<UserEmailKind, EmailContent | null>>>({});
  const [linkBase, setLinkBase] = useState<string>();
  const { queryKey } = userEmailsQuery(endpoint.id);
  const base = linkBase ?? emails.linkBase ?? "";
  const restore = (state: unknown) => {
    const kept = parseDraft(state);
    setFlags(kept.flags);
    setTemplates(kept.templates);
    setLinkBase(kept.linkBase);
  };
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/user-emails")).userEmailsPatchSchema),
    draft: { name: `user-emails/${endpoint.id}`, state: { flags, templates, linkBase }, restore, isStateOnly: true },
    toBody: () => ({
      ...(linkBase === undefined ? {} : { linkBase: linkBase.trim() === "" ? null : linkBase.trim() }),
      ...flags,
      templates,
    }),
    submit: async (body) => {
      client.setQueryData(queryKey, await requestJson<UserEmails>(`endpoints/${endpoint.id}/user-emails`, { method: "PATCH", body }));
      // Changes that were made while the request ran are still unsaved.
      setFlags((current) => without(current, flags));
      setTemplates((current) => without(current, templates));
      setLinkBase((current) => (current === linkBase ? undefined : current));
      notify("E-mail settings saved.");
    },
  });
  const isOn = (field: keyof Flags) => flags[field] ?? emails[field];
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <FormDraftNote draft={form.draft} what="these settings" />
      {emails.canSend ? null : (
        <p className="text-warn">E-mails can’t be sent yet: neither this project nor this server has a mail server configured.</p>
      )}
      <Panel>
        <div className="flex flex-col gap-1">
          <TextField
            name="linkBase"
            label="Page that links open"
            placeholder="https://example.com/account"
            inputMode="url"
            mono
            hint="On one of the project’s allowed origins. The page gets the token as ?reset=, ?verify= or ?link=. Leave empty to send the token without a link."
            value={base}
            onChange={(event) => setLinkBase(event.target.value)}
            problem={form.problemOf("linkBase")}
          />
          <div className="-mb-3 flex flex-col divide-y">
            {SWITCHES.map(({ field, label, hint }) => (
              <Switch
                key={field}
                label={label}
                hint={hint}
                checked={isOn(field)}
                disabled={field === "requireVerified" && !isOn("verifyEmails")}
                onChange={(checked) =>
                  setFlags({ ...flags, [field]: checked, ...(field === "verifyEmails" && !checked ? { requireVerified: false } : {}) })
                }
              />
            ))}
          </div>
        </div>
      </Panel>
      <EmailTemplates
        endpointId={endpoint.id}
        emails={emails}
        linkBase={base.trim() === "" ? null : base.trim()}
        drafts={templates}
        onChange={setTemplates}
        problemOf={form.problemOf}
      />
      <div className="flex flex-col items-start gap-3">
        <FormFailure failure={form.failure} />
        <SubmitButton form={form}>Save e-mail settings</SubmitButton>
      </div>
    </form>
  );
}

/** The members of `current` that are not the same in `sent`. */
function without<Value extends object>(current: Value, sent: Value): Value {
  const rest = { ...current };
  for (const name of Object.keys(current) as (keyof Value)[]) if (current[name] === sent[name]) delete rest[name];
  return rest;
}

interface Draft {
  flags: Partial<Flags>;
  templates: Partial<Record<UserEmailKind, EmailContent | null>>;
  linkBase: string | undefined;
}

function parseDraft(state: unknown): Draft {
  const linkBase = readMember(state, "linkBase");
  const draft: Draft = { flags: {}, templates: {}, linkBase: typeof linkBase === "string" ? linkBase : undefined };
  for (const { field } of SWITCHES) {
    const flag = readFlag(readMember(state, "flags"), field);
    if (flag !== undefined) draft.flags[field] = flag;
  }
  for (const kind of ["reset", "verify", "link", "code"] as const) {
    const content = readMember(readMember(state, "templates"), kind);
    if (content === null) draft.templates[kind] = null;
    const [subject, text, html] = ["subject", "text", "html"].map((name) => readMember(content, name));
    if (typeof subject === "string" && typeof text === "string")
      draft.templates[kind] = { subject, text, html: typeof html === "string" ? html : null };
  }
  return draft;
}
