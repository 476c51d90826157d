/** A project's name, origins, rate limit and end. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useRef, useState } from "react";
import { splitOrigins } from "@/src/shared/http/origins";
import type { ManagedProject } from "@/src/shared/management/schemas";
import { suggestProjectName } from "@/src/shared/text/names";
import { projectQuery, projectsQuery } from "../api/queries";
import { requestJson } from "../api/request";
import { Button } from "../components/button";
import { TextAreaField, TextField } from "../components/field";
import { Page, Panel, Section } from "../components/page/page";
import { Switch } from "../components/switch";
import { formatCount, formatPlural } from "../format/format-number";
import { bySchema } from "../forms/by-schema";
import { FormFailure } from "../forms/form-failure";
import { NameConfirmation } from "../forms/name-confirmation";
import { NameField } from "../forms/name-field";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";
import { notify } from "../notifications/notify";

/** `serverRateLimit`: requests a minute for projects that set none of their own; 0: no limit. */
export function ProjectSettingsPage({ project, serverRateLimit }: { project: ManagedProject; serverRateLimit: number }) {
  return (
    <Page title="Project settings">
      <ProjectForm project={project} serverRateLimit={serverRateLimit} />
      <DeleteProject project={project} />
    </Page>
  );
}

function ProjectForm({ project, serverRateLimit }: { project: ManagedProject; serverRateLimit: number }) {
  const client = useQueryClient();
  const router = useRouter();
  const origins = useRef<HTMLTextAreaElement>(null);
  const [allowNullOrigin, setAllowNullOrigin] = useState(project.allowNullOrigin);
  const [disallowNoOrigin, setDisallowNoOrigin] = useState(project.disallowNoOrigin);
  const sent = useRef<readonly string[]>([]);
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).projectPatchSchema),
    toBody: ({ name, allowedOrigins, rateLimit = "" }) => {
      sent.current = splitOrigins(allowedOrigins ?? "");
      const rate = rateLimit.trim() === "" ? null : Number(rateLimit);
      return { name, allowedOrigins: sent.current, allowNullOrigin, disallowNoOrigin, rateLimit: rate };
    },
    submit: async (body) => {
      const saved = await requestJson<ManagedProject>(`projects/${project.id}`, { method: "PATCH", body });
      client.setQueryData(projectQuery(project.id).queryKey, saved);
      void client.invalidateQueries({ queryKey: projectsQuery().queryKey });
      // As the server understood them.
      if (origins.current) origins.current.value = saved.allowedOrigins.join(", ");
      notify("Saved the project's settings.");
      // The name stands in the frame of the page too, which the server drew.
      router.refresh();
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-10">
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
        note="Which web pages may use this project's keys, and the cookies of its users. Programs other than browsers send no origin."
      >
        <Panel>
          <TextAreaField
            mono
            name="allowedOrigins"
            label="Allowed origins"
            placeholder="https://example.com, http://localhost:3000, capacitor://localhost"
            hint="Separate them by commas. Apps and extensions have origins of their own, like capacitor://localhost or chrome-extension://<id>. Empty: every origin is allowed, but the cookie that a login sets counts only on this server's own pages. Applications on other origins then log in with noATCookie=true and send Authorization: Bearer."
            defaultValue={project.allowedOrigins.join(", ")}
            ref={origins}
            problem={toOriginsProblem({ problemOf: form.problemOf, sent: sent.current })}
          />
          <Switch
            label="Allow the origin null"
            hint="Sandboxed frames, files opened from disk and some redirects send it. Any site can make a page with this origin, so the list above then keeps no site out. Cookies never count from it. Without a list it makes no difference."
            checked={allowNullOrigin}
            onChange={setAllowNullOrigin}
          />
          <Switch
            label="Refuse requests without an origin"
            hint="Only browsers send one; anybody else can make one up. This keeps out mistakes, not attackers."
            checked={disallowNoOrigin}
            onChange={setDisallowNoOrigin}
          />
        </Panel>
      </Section>
      <Section
        title="Rate limit"
        note="How much one client may ask for. Each key and address is counted by itself; over the limit the answer is 429, with the time to wait."
      >
        <Panel>
          <div className="max-w-[20rem]">
            <TextField
              name="rateLimit"
              label="Requests a minute"
              inputMode="numeric"
              placeholder={serverRateLimit === 0 ? "No limit" : formatCount(serverRateLimit)}
              hint={
                serverRateLimit === 0
                  ? "Empty: no limit, as this server sets none."
                  : `Empty: the limit of this server, ${formatCount(serverRateLimit)}.`
              }
              defaultValue={project.rateLimit === null ? "" : String(project.rateLimit)}
              problem={form.problemOf("rateLimit")}
            />
          </div>
        </Panel>
      </Section>
      <div className="-mt-4 flex flex-col items-start gap-3">
        <FormFailure failure={form.failure} />
        <SubmitButton form={form}>Save changes</SubmitButton>
      </div>
    </form>
  );
}

/** Says which of the origins is meant. */
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
    notify(`Deleted ${project.name}.`);
    client.removeQueries({ queryKey: projectQuery(project.id).queryKey });
    void client.invalidateQueries({ queryKey: projectsQuery().queryKey });
    router.push("/projects");
    router.refresh();
  };
  const { endpoints, keys } = project.counts;
  return (
    <Section title="Delete this project" note="Its endpoints, their records and logs, and its keys go with it, for good.">
      <div>
        <Button onClick={() => setOpen(true)}>Delete project</Button>
      </div>
      <NameConfirmation
        open={open}
        onOpenChange={setOpen}
        title="Delete project"
        name={project.name}
        action="Delete project"
        consequences={
          <p>
            {formatPlural(endpoints, "endpoint")} with every record and the whole log, {formatPlural(keys, "working key")}
            {project.hasMasterKey ? " and the master key" : ""} go with it. Open sockets close. This can't be undone.
          </p>
        }
        onConfirm={remove}
      />
    </Section>
  );
}
