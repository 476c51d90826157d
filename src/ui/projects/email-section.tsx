/** The e-mail configuration of a project: mail server, sender, allowed recipients, and a test. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import type { EmailSettings, EmailTested } from "@/src/shared/management/email";
import { emailQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { TextAreaField, TextField } from "../components/field";
import { Panel, Section } from "../components/page/page";
import { ProblemPanel } from "../components/page/problem-panel";
import { Skeleton } from "../components/page/skeleton";
import { Switch } from "../components/switch";
import { bySchema } from "../forms/by-schema";
import { FormDraftNote } from "../forms/drafts/form-draft-note";
import { readFlag, readOneOf } from "../forms/drafts/stored-state";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useAction } from "../forms/use-action";
import { useForm } from "../forms/use-form";
import { notify } from "../notifications/notify";

type Rule = "self" | "list" | "any";

const RULES: readonly { rule: Rule; label: string; hint: string }[] = [
  { rule: "self", label: "The signed-in user", hint: "Users can write only to their own address, once it is verified." },
  { rule: "list", label: "Listed addresses and domains", hint: "Every request can write to these, and to no one else." },
  { rule: "any", label: "Anyone, with the master key", hint: "For your own servers. Users can still write only to themselves." },
];

export function EmailSection({ projectId }: { projectId: string }) {
  const { data: settings, error, refetch } = useQuery(emailQuery(projectId));
  return (
    <Section title="E-mail" note={toNote(settings)}>
      {settings ? (
        // The values of the fields are kept in the DOM, so another configuration needs other fields.
        <EmailForm key={settings.source} projectId={projectId} settings={settings} />
      ) : error ? (
        <ProblemPanel what="Couldn’t load the e-mail configuration." error={error} onRetry={() => void refetch()} />
      ) : (
        <Skeleton height={240} />
      )}
    </Section>
  );
}

function toNote(settings: EmailSettings | undefined): string {
  const purpose = "The mail server of this project’s e-mail endpoints.";
  if (settings?.source === "server")
    return `${purpose} Without one, this server’s own is used (${settings.from}): users can then write to themselves only.`;
  return settings?.source === "none" ? `${purpose} Without one, no e-mails can be sent.` : purpose;
}

function EmailForm({ projectId, settings }: { projectId: string; settings: EmailSettings }) {
  const client = useQueryClient();
  const isOwn = settings.source === "project";
  const [secure, setSecure] = useState(settings.secure ?? false);
  const [rule, setRule] = useState<Rule>(typeof settings.recipients === "string" ? settings.recipients : "list");
  const restore = (state: unknown) => {
    setSecure(readFlag(state, "secure") ?? settings.secure ?? false);
    const listed = typeof settings.recipients === "string" ? settings.recipients : "list";
    setRule(
      readOneOf(
        state,
        "rule",
        RULES.map((each) => each.rule),
      ) ?? listed,
    );
  };
  const save = (saved: EmailSettings) => client.setQueryData(emailQuery(projectId).queryKey, saved);
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/email")).emailConfigurationSchema),
    toBody: ({ host, port, user, password, from, recipients = "", senders = "", rate }) => ({
      host,
      port: Number(port),
      secure,
      user: user?.trim() === "" ? null : user,
      // An empty field keeps the stored password.
      ...(password === "" ? {} : { password }),
      from,
      recipients: rule === "list" ? splitList(recipients) : rule,
      senders: splitList(senders),
      rate: Number(rate),
    }),
    draft: { name: `email/${projectId}`, state: { secure, rule }, restore },
    submit: async (body) => {
      save(await requestJson<EmailSettings>(`projects/${projectId}/email`, { method: "PUT", body }));
      notify("E-mail configuration saved.");
    },
  });
  const remove = useAction(async () => {
    await requestJson(`projects/${projectId}/email`, { method: "DELETE" });
    await client.invalidateQueries({ queryKey: emailQuery(projectId).queryKey });
    notify("E-mail configuration removed.");
  });
  const listProblem = (field: string) => {
    const entries = Array.from({ length: 200 }, (_, index) => form.problemOf(`${field}.${index}`));
    const index = entries.findIndex((problem) => problem !== undefined);
    return index < 0 ? form.problemOf(field) : `Entry ${index + 1}: ${entries[index]}`;
  };
  return (
    <div className="flex flex-col gap-4">
      {settings.problem === null ? null : (
        <p role="status" className="rounded-md border border-control px-3 py-2 wrap-anywhere">
          <span className="font-medium text-delete">No e-mails can be sent.</span> {settings.problem}
        </p>
      )}
      <form {...form.props} className="flex flex-col gap-4">
        <FormDraftNote draft={form.draft} what="this configuration" />
        <Panel>
          <div className="flex flex-col gap-4">
            <div className="grid grid-cols-[minmax(0,1fr)_8rem] gap-4">
              <TextField
                name="host"
                label="Host"
                mono
                placeholder="smtp.example.com"
                defaultValue={settings.host ?? ""}
                problem={form.problemOf("host")}
              />
              <TextField
                name="port"
                label="Port"
                inputMode="numeric"
                defaultValue={String(settings.port ?? 587)}
                problem={form.problemOf("port")}
              />
            </div>
            <div className="-my-3">
              <Switch
                label="TLS from the start"
                hint="Usually port 465. Off: STARTTLS, usually port 587. A password is never sent without TLS."
                checked={secure}
                onChange={setSecure}
              />
            </div>
            <div className="grid grid-cols-2 gap-4 max-sm:grid-cols-1">
              <TextField
                name="user"
                label="User name"
                hint="Leave empty if the server needs none."
                defaultValue={settings.user ?? ""}
                problem={form.problemOf("user")}
              />
              <TextField
                name="password"
                label="Password"
                type="password"
                autoComplete="new-password"
                placeholder={settings.hasPassword ? "Unchanged" : ""}
                hint={settings.hasPassword ? "Stored encrypted, and never shown." : "It is stored encrypted."}
                problem={form.problemOf("password")}
              />
            </div>
            <TextField
              name="from"
              label="Sender"
              placeholder="Shop <noreply@example.com>"
              defaultValue={isOwn ? (settings.from ?? "") : ""}
              problem={form.problemOf("from")}
            />
            <RuleChoice value={rule} onChange={setRule} />
            {rule === "list" ? (
              <TextAreaField
                mono
                name="recipients"
                label="Allowed recipients"
                placeholder="team@example.com, example.org"
                hint="Addresses and domains, separated by commas or lines. Subdomains are other domains."
                defaultValue={typeof settings.recipients === "string" ? "" : settings.recipients.join(", ")}
                problem={listProblem("recipients")}
              />
            ) : null}
            <TextAreaField
              mono
              rows={2}
              name="senders"
              label="Other senders"
              hint="Addresses and domains that requests can name as “from”. Leave empty to allow only the sender above."
              defaultValue={settings.senders.join(", ")}
              problem={listProblem("senders")}
            />
            <div className="max-w-[20rem]">
              <TextField
                name="rate"
                label="Recipients per minute"
                inputMode="numeric"
                hint="Of all e-mail endpoints of this project. A user can write to 10 at most."
                defaultValue={String(settings.rate)}
                problem={form.problemOf("rate")}
              />
            </div>
          </div>
        </Panel>
        <FormFailure failure={form.failure ?? remove.failure} />
        <div className="flex flex-wrap gap-2">
          <SubmitButton form={form}>Save e-mail configuration</SubmitButton>
          {isOwn ? (
            <Button busy={remove.pending} onClick={() => remove.run()}>
              Remove
            </Button>
          ) : null}
        </div>
      </form>
      {settings.source === "none" ? null : <EmailTest projectId={projectId} />}
    </div>
  );
}

function RuleChoice({ value, onChange }: { value: Rule; onChange: (rule: Rule) => void }) {
  const name = useId();
  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5">
      <legend className="mb-1.5 font-medium">Recipients</legend>
      {RULES.map(({ rule, label, hint }) => (
        <label
          key={rule}
          className="relative flex items-start gap-2.5 rounded-md border border-control px-3 py-2 transition-colors duration-[120ms] hover:border-muted has-checked:border-text has-focus-visible:outline-2 has-focus-visible:outline-offset-1 has-focus-visible:outline-focus"
        >
          <input
            type="radio"
            name={name}
            value={rule}
            checked={rule === value}
            aria-describedby={`${name}-${rule}`}
            onChange={() => onChange(rule)}
            className="mt-0.5 size-4 shrink-0 appearance-none rounded-full border border-control bg-surface outline-none checked:border-5 checked:border-text"
          />
          <span className="min-w-0">
            <span className="font-medium">{label}</span>
            <span id={`${name}-${rule}`} className="block text-muted">
              {hint}
            </span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** Sends a mail with the stored configuration, and shows the reply of the mail server. */
function EmailTest({ projectId }: { projectId: string }) {
  const [result, setResult] = useState<EmailTested>();
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/email")).emailTestSchema),
    toBody: ({ to }) => ({ to }),
    submit: async (body) => {
      setResult(undefined);
      setResult(await requestJson<EmailTested>(`projects/${projectId}/email/test`, { method: "POST", body }));
    },
  });
  return (
    <Panel>
      <form {...form.props} className="flex flex-col gap-3">
        <div className="max-w-[26rem]">
          <TextField
            name="to"
            label="Send a test mail to"
            placeholder="you@example.com"
            inputMode="email"
            hint="Uses the saved configuration."
            problem={form.problemOf("to")}
          />
        </div>
        <FormFailure failure={form.failure} />
        <div>
          <SubmitButton form={form} tone="secondary">
            Send test mail
          </SubmitButton>
        </div>
        <p role="status" className={result?.accepted ? "text-create wrap-anywhere" : "text-delete wrap-anywhere"}>
          {result ? `${result.accepted ? "Accepted" : "Not sent"}: ${result.response}` : ""}
        </p>
      </form>
    </Panel>
  );
}

function splitList(text: string): string[] {
  return text.split(/[\s,;]+/).filter((entry) => entry !== "");
}
