/** The submit button of a form. Disabled until hydration, and busy while the form is sent. */
import { Button, type ButtonTone } from "../components/button";
import type { Form } from "./use-form";

export function SubmitButton({
  form,
  children,
  tone = "primary",
  wide = false,
}: {
  form: Pick<Form, "pending" | "ready">;
  children: string;
  tone?: ButtonTone;
  wide?: boolean;
}) {
  return (
    <Button type="submit" tone={tone} wide={wide} busy={form.pending} disabled={!form.ready}>
      {children}
    </Button>
  );
}
