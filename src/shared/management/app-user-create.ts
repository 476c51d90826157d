/** Adding users to an authentication endpoint (G44), as the management API and the dashboard exchange it. */
import * as z from "zod/mini";
import { appPasswordSetSchema } from "./schemas";

/** POST endpoints/{id}/users. Either a password, or an invitation by e-mail. */
export const appUserCreateSchema = z.strictObject({
  /** The data of the record, with a `username` or an `email`. */
  data: z.record(z.string(), z.unknown(), "Send the user's data as a JSON object."),
  password: z.optional(appPasswordSetSchema.shape.password),
  /** True: the user receives an e-mail to set a password. */
  invite: z.optional(z.boolean("Use true or false.")),
});

export type AppUserCreate = z.infer<typeof appUserCreateSchema>;
