/** The templates on the first page of a new account. One click creates a project and opens the console. */
"use client";

import { useRouter } from "next/navigation";
import type { Started } from "@/src/shared/management/schemas";
import { findTemplate } from "@/src/shared/text/templates";
import { requestJson } from "../api/request";
import { TemplateChoice } from "./template-choice";

export function StartFromTemplate() {
  const router = useRouter();
  return (
    <section aria-labelledby="templates" className="flex flex-col gap-2">
      <h2 id="templates" className="font-medium">
        Or start from a template
      </h2>
      <TemplateChoice
        onChoose={async (template) => {
          const body = { name: findTemplate(template).label, template };
          const { project, endpoint } = await requestJson<Started>("start", { method: "POST", body });
          router.push(`/p/${project.id}/endpoints/${endpoint.id}/live?template=${template}`);
          // Stays busy until the console is displayed.
          await new Promise(() => undefined);
        }}
      />
    </section>
  );
}
