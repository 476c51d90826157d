/** A project's settings: name, origins, rate limit, e-mail, deletion. */
"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useRef, useState } from "react";
import { splitOrigins } from "@/src/shared/http/origins";
import type { ManagedProject } from "@/src/shared/management/schemas";
import { suggestProjectName } from "@/src/shared/text/names";
import { projectQuery, projectsQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { TextAreaField, TextField } from "../components/field";
import { DangerSection, Page, Panel, Section } from "../components/page/page";
import { Switch } from "../components/switch";
import { formatCount, formatPlural } from "../format/format-number";
import { bySchema } from "../forms/by-schema";
import { FormDraftNote } from "../forms/drafts/form-draft-note";
import { readFlag } from "../forms/drafts/stored-state";
import { FormFoot } from "../forms/form-foot";
import { NameConfirmation } from "../forms/name-confirmation";
import { NameField } from "../forms/name-field";
import { useForm } from "../forms/use-form";
import { notify } from "../notifications/notify";
import { EmailSection } from "./email-section";

/** `serverRateLimit`: requests per minute for projects without their own limit; 0 for no limit. */
export function ProjectSettingsPage({ project, serverRateLimit }: { project: ManagedProject; serverRateLimit: number }) {
  return (
    <Page title="Project settings">
      <ProjectForm project={project} serverRateLimit={serverRateLimit} />
      <EmailSection projectId={project.id} />
      <DeleteProject project={project} />
    </Page>
  );
}

function ProjectForm({ project, serverRateLimit }: { project: ManagedProject; serverRateLimit: number }) {
  const client = useQueryClient();
  const router = useRouter();
  const origins = useRef<HTMLTextAreaElement>(null);
  const { data: stored = project } = useQuery(projectQuery(project.id));
  // Only the switches that were used here are sent, so changes that others make in the meantime are kept.
  const [switched, setSwitched] = useState<Partial<Switches>>({});
  const sent = useRef<readonly string[]>([]);
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).projectPatchSchema),
    toBody: ({ name, allowedOrigins, rateLimit = "" }) => {
      sent.current = splitOrigins(allowedOrigins ?? "");
      const rate = rateLimit.trim() === "" ? null : Number(rateLimit);
      return { name, allowedOrigins: sent.current, ...switched, rateLimit: rate };
    },
    draft: { name: `project-settings/${project.id}`, state: switched, restore: (state) => setSwitched(parseSwitches(state)) },
    submit: async (body) => {
      const saved = await requestJson<ManagedProject>(`projects/${project.id}`, { method: "PATCH", body });
      client.setQueryData(projectQuery(project.id).queryKey, saved);
      void client.invalidateQueries({ queryKey: projectsQuery().queryKey });
      // A switch that was used while the request ran is still unsaved.
      setSwitched((current) => toDifference(saved, current));
      // The server normalises origins.
      if (origins.current && isSame(splitOrigins(origins.current.value), sent.current))
        origins.current.value = saved.allowedOrigins.join(", ");
      notify("Project settings saved.");
      // The server renders the name in the frame of the page too.
      router.refresh();
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-10">
      <FormDraftNote draft={form.draft} what="these settings" />
      <Panel>
        <NameField
          suggest={suggestProjectName}
          name="name"
          label="Name"
          hint="1 to 254 letters, digits, spaces, “-” and “_”."
          defaultValue={project.name}
          problem={form.problemOf("name")}
        />
      </Panel>
      <Section
        title="Origins"
        note="Web pages that can use this project’s keys and its users’ cookies. Non-browser clients don’t send an origin."
      >
        <Panel>
          <TextAreaField
            mono
            name="allowedOrigins"
            label="Allowed origins"
            placeholder="https://example.com, http://localhost:3000, capacitor://localhost"
            hint="Comma-separated. Leave empty to allow all."
            defaultValue={project.allowedOrigins.join(", ")}
            ref={origins}
            problem={toOriginsProblem({ problemOf: form.problemOf, sent: sent.current })}
          />
          <details className="pt-2">
            <summary className="w-fit rounded-sm py-1 text-muted hover:text-text">Cookies, mobile apps and extensions</summary>
            <p className="max-w-[44rem] pt-1 text-muted">
              Login cookies work only on listed origins and this server’s own pages. Apps on other origins log in with noATCookie=true and
              send the token as Authorization: Bearer. Mobile apps and extensions have their own origins, like capacitor://localhost or
              chrome-extension://&lt;id&gt;.
            </p>
          </details>
          <Switch
            label="Allow the origin null"
            hint="Sandboxed frames and local files send it. Any site can do so, so the list no longer blocks any site. Cookies from it are ignored."
            checked={switched.allowNullOrigin ?? stored.allowNullOrigin}
            onChange={(checked) => setSwitched(toDifference(stored, { ...switched, allowNullOrigin: checked }))}
          />
          <Switch
            label="Reject requests without an origin"
            hint="Prevents mistakes, not attacks: clients that aren’t browsers can send any origin."
            checked={switched.disallowNoOrigin ?? stored.disallowNoOrigin}
            onChange={(checked) => setSwitched(toDifference(stored, { ...switched, disallowNoOrigin: checked }))}
          />
        </Panel>
      </Section>
      <Section title="Rate limit" note="Requests of each key and address. Over the limit, the response is 429 with the time to wait.">
        <Panel>
          <div className="max-w-[20rem]">
            <TextField
              name="rateLimit"
              label="Requests per minute"
              inputMode="numeric"
              placeholder={serverRateLimit === 0 ? "No limit" : formatCount(serverRateLimit)}
              hint={
                serverRateLimit === 0
                  ? "Leave empty for no limit (server default)."
                  : `Leave empty for the server default of ${formatCount(serverRateLimit)}.`
              }
              defaultValue={project.rateLimit === null ? "" : String(project.rateLimit)}
              problem={form.problemOf("rateLimit")}
            />
          </div>
        </Panel>
      </Section>
      <FormFoot form={form} note="Saves the name, origins and rate limit." />
    </form>
  );
}

type Switches = Pick<ManagedProject, "allowNullOrigin" | "disallowNoOrigin">;

/** The members of `switched` that differ from `stored`. */
function toDifference(stored: Switches, switched: Partial<Switches>): Partial<Switches> {
  const difference: Partial<Switches> = {};
  for (const name of ["allowNullOrigin", "disallowNoOrigin"] as const) {
    const value = switched[name];
    if (value !== undefined && value !== stored[name]) difference[name] = value;
  }
  return difference;
}

function parseSwitches(state: unknown): Partial<Switches> {
  const switches: Partial<Switches> = {};
  for (const name of ["allowNullOrigin", "disallowNoOrigin"] as const) {
    const value = readFlag(state, name);
    if (value !== undefined) switches[name] = value;
  }
  return switches;
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((origin, index) => origin === other[index]);
}

/** The problem of the first invalid origin, with its name. */
function toOriginsProblem({
  problemOf,
  sent,
}: {
  problemOf: (field: string) => string | undefined;
  sent: readonly string[];
}): string | undefined {
  for (const [index, origin] of sent.entries()) {
    const problem = problemOf(`allowedOrigins.${index}`);
    if (problem !== undefined) return `${origin}: ${problem}`;
  }
  return problemOf("allowedOrigins");
}

function DeleteProject({ project }: { project: ManagedProject }) {
  const client = useQueryClient();
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const remove = async () => {
    await requestJson(`projects/${project.id}`, { method: "DELETE" });
    notify(`Project ${project.name} deleted.`);
    client.removeQueries({ queryKey: projectQuery(project.id).queryKey });
    void client.invalidateQueries({ queryKey: projectsQuery().queryKey });
    router.push("/projects");
    router.refresh();
  };
  const { endpoints, keys } = project.counts;
  return (
    <DangerSection title="Delete this project" note="Its endpoints, records, logs and keys are permanently deleted too.">
      <Button onClick={() => setOpen(true)}>Delete project</Button>
      <NameConfirmation
        open={open}
        onOpenChange={setOpen}
        title="Delete project"
        name={project.name}
        action="Delete project"
        consequences={
          <p>
            {formatPlural(endpoints, "endpoint")} with all records and logs, {formatPlural(keys, "working key")}
            {project.hasMasterKey ? " and the master key" : ""} are permanently deleted. Open streams close. This can’t be undone.
          </p>
        }
        onConfirm={remove}
      />
    </DangerSection>
  );
}
