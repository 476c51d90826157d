/** Checks forms with the API's schemas, which are loaded when the user focuses a form, so that pages load faster. */
import type * as z from "zod/mini";
import type { BodyCheck } from "./use-form";

/** `load` is called once per check. If the schema can't be loaded, the form fails like a request. */
export function bySchema<Schema extends z.ZodMiniType>(load: () => Promise<Schema>): BodyCheck<z.output<Schema>> {
  const loadAll = () => Promise.all([import("@/src/shared/field-problems"), load()]);
  return {
    prepare: () => void loadAll().catch(() => undefined),
    run: async (body) => {
      const [{ checkBody, WHOLE_BODY }, schema] = await loadAll();
      const checked = checkBody(schema, body);
      if (checked.ok) return checked;
      const sentences = Object.entries(checked.fields).map(([field, message]) => (field === WHOLE_BODY ? message : `${field}: ${message}`));
      return { ...checked, detail: sentences.join(" ") };
    },
  };
}
