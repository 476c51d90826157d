/** Checks forms by the API's own schemas, which are fetched when somebody begins to fill a form in: pages are there sooner without them. */
import type * as z from "zod/mini";
import type { BodyCheck } from "./use-form";

/** `load` is asked once for each check. A schema that can't be fetched lets the form fail as a request would. */
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
