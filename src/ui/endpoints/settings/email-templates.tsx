/** Edits the texts of the e-mails to users, and shows each as it would arrive. */
"use client";

import { useState } from "react";
import { toDefaultTemplate } from "@/src/shared/management/default-emails";
import type { EmailContent, UserEmailKind, UserEmails } from "@/src/shared/management/user-emails";
import { requestJson } from "../../api/request";
import { Button } from "../../components/button";
import { TextAreaField, TextField } from "../../components/field";
import { Panel } from "../../components/page/page";
import { Segments } from "../../components/segments";
import { FormFailure } from "../../forms/form-failure";
import { useAction } from "../../forms/use-action";

const KINDS: readonly { value: UserEmailKind; label: string }[] = [
  { value: "reset", label: "Password" },
  { value: "verify", label: "Address" },
  { value: "link", label: "Link" },
  { value: "code", label: "Code" },
];

type Drafts = Partial<Record<UserEmailKind, EmailContent | null>>;

export function EmailTemplates({
  endpointId,
  emails,
  linkBase,
  drafts,
  onChange,
  problemOf,
}: {
  endpointId: string;
  emails: UserEmails;
  linkBase: string | null;
  drafts: Drafts;
  onChange: (drafts: Drafts) => void;
  problemOf: (field: string) => string | undefined;
}) {
  const [kind, setKind] = useState<UserEmailKind>("reset");
  const [shown, setShown] = useState<{ kind: UserEmailKind; content: EmailContent }>();
  const draft = drafts[kind];
  const own = draft === undefined ? emails.templates[kind] : draft;
  // The base that is being entered decides, which need not be saved yet.
  const content = own ?? toDefaultTemplate(kind, linkBase !== null);
  const edit = (part: Partial<EmailContent>) => onChange({ ...drafts, [kind]: { ...content, ...part } });
  const preview = useAction(async () => {
    const body = { kind, template: own, linkBase };
    setShown({ kind, content: await requestJson<EmailContent>(`endpoints/${endpointId}/user-emails/preview`, { method: "POST", body }) });
  });
  const problem = (part: string) => problemOf(`templates.${kind}.${part}`) ?? preview.failure?.fields[`template.${part}`];
  return (
    <Panel>
      <div className="flex flex-col gap-4">
        <div className="flex flex-wrap items-end justify-between gap-3">
          <Segments label="Text of the e-mail" value={kind} options={KINDS} onChange={setKind} />
          <p className="text-muted">{own ? "Your own text." : "The default text."}</p>
        </div>
        <TextField
          name="templateSubject"
          label="Subject"
          value={content.subject}
          onChange={(event) => edit({ subject: event.target.value })}
          problem={problem("subject")}
        />
        <TextAreaField
          label="Text"
          mono
          rows={8}
          hint={
            kind === "code"
              ? "{{code}} is the code, {{project}} the project’s name."
              : "{{link}} is the link, {{code}} the token alone, {{project}} the project’s name."
          }
          value={content.text}
          onChange={(event) => edit({ text: event.target.value })}
          problem={problem("text")}
        />
        <TextAreaField
          label="HTML"
          mono
          rows={6}
          hint="Optional. Values are escaped."
          value={content.html ?? ""}
          onChange={(event) => edit({ html: event.target.value === "" ? null : event.target.value })}
          problem={problem("html")}
        />
        <FormFailure failure={preview.failure && Object.keys(preview.failure.fields).length === 0 ? preview.failure : undefined} />
        <div className="flex flex-wrap gap-2">
          <Button busy={preview.pending} onClick={() => preview.run()}>
            Preview
          </Button>
          {own ? (
            <Button tone="quiet" onClick={() => onChange({ ...drafts, [kind]: null })}>
              Use default text
            </Button>
          ) : null}
        </div>
        {shown?.kind === kind ? <EmailPreview content={shown.content} /> : null}
      </div>
    </Panel>
  );
}

/** Scripts, forms and requests of the HTML are disabled. */
function EmailPreview({ content: { subject, text, html } }: { content: EmailContent }) {
  return (
    <div role="status" className="flex min-w-0 flex-col gap-3">
      <p className="font-medium wrap-anywhere">{subject}</p>
      {html === null ? null : (
        <iframe title="Preview of the HTML" sandbox="" srcDoc={html} className="h-64 w-full rounded-md border border-line bg-white" />
      )}
      <pre className="rounded-md border border-line px-3 py-2 font-mono text-data whitespace-pre-wrap wrap-anywhere">{text}</pre>
    </div>
  );
}
