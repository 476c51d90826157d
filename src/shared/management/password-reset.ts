/** E-mail addresses and passwords of the dashboard's accounts, and "Forgot your password?" (G26). */
import * as z from "zod/mini";
import { PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN } from "../text/password-length";

// The pattern that browsers use for <input type="email">.
const EMAIL = /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

export const email = z
  .string("Use a string.")
  .check(
    z.trim(),
    z.toLowerCase(),
    z.maxLength(254, "Use 254 characters at most."),
    z.regex(EMAIL, "Enter an e-mail address, like name@example.com."),
  );
export const password = z
  .string("Use a string.")
  .check(
    z.minLength(PASSWORD_LENGTH_MIN, `Use ${PASSWORD_LENGTH_MIN} characters or more.`),
    z.maxLength(PASSWORD_LENGTH_MAX, `Use ${PASSWORD_LENGTH_MAX} characters at most.`),
  );

export const forgotSchema = z.strictObject({ email });
/** POST reset. `token`: from the e-mail. `revokeTokens`: also revokes management tokens. */
export const passwordResetSchema = z.strictObject({
  token: z.string("Use a string.").check(z.minLength(1, "Enter the code from the e-mail."), z.maxLength(100, "This is too long.")),
  password,
  revokeTokens: z.optional(z.boolean("Use true or false.")),
});
/** An empty object. */
export const emptySchema = z.object({});
