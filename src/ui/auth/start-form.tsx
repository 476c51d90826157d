/** “What are you storing?”: one field creates a project, its endpoint and its key, and leads to the console. */
"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import type { Started } from "@/src/shared/management/schemas";
import { startNames } from "@/src/shared/text/start-names";
import { requestJson } from "../api/request";
import { TextField } from "../components/field";
import { bySchema } from "../forms/by-schema";
import { FormFailure } from "../forms/form-failure";
import { SubmitButton } from "../forms/submit-button";
import { useForm } from "../forms/use-form";

export function StartForm() {
  const router = useRouter();
  const [text, setText] = useState("");
  const names = startNames(text);
  const form = useForm({
    check: bySchema(async () => (await import("@/src/shared/management/schemas")).startSchema),
    toBody: ({ name }) => ({ name }),
    submit: async (body) => {
      const { project, endpoint } = await requestJson<Started>("start", { method: "POST", body });
      router.push(`/p/${project.id}/endpoints/${endpoint.id}/live`);
      // Stays busy until the console is displayed.
      await new Promise(() => undefined);
    },
  });
  return (
    <form {...form.props} className="flex flex-col gap-4">
      <TextField
        big
        name="name"
        label="What are you storing?"
        hideLabel
        placeholder="Temperature readings"
        onChange={(event) => setText(event.target.value)}
        autoFocus
        required
        hint={
          names ? (
            <>
              Creates the endpoint <code className="text-data text-text wrap-anywhere">{names.endpoint}</code>, a project and a key.
            </>
          ) : (
            "One or two words. We’ll name your project and first endpoint after it."
          )
        }
        problem={form.problemOf("name")}
      />
      <FormFailure failure={form.failure} />
      <SubmitButton form={form} wide>
        Create endpoint
      </SubmitButton>
    </form>
  );
}
