/** The operations of an authentication endpoint with e-mails, and with the tokens in them (L8–L11), for descriptions. */
import type { ErrorCode } from "@/src/shared/errors";
import type { ApiBody } from "@/src/shared/openapi";
import type { DataOperation } from "./data-operations";
import { BODY, CREDENTIALS, toErrors, toJson, WRITE } from "./data-responses";
import type { DataSchemas } from "./data-schemas";

const EMAILS: readonly ErrorCode[] = [...BODY, ...CREDENTIALS, "email_not_configured"];

/** Returns the operations in display order. */
export function toUserEmailOperations(schemas: DataSchemas): DataOperation[] {
  const toBody = (schema: string, example: object): ApiBody => ({
    required: true,
    content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` }, example } },
  });
  const email = { email: "ada@example.com" };
  const done = toJson("An empty object.", { type: "object" });
  const asked = toJson("An empty object: the e-mail is sent if a user has the address.", { type: "object" });
  const toLogIn = (form: "link" | "code", summary: string, body: ApiBody): DataOperation => ({
    method: "post",
    form,
    summary,
    parameters: ["noATCookie"],
    requestBody: body,
    responses: {
      200: toJson("The user who logged in.", schemas.written, ["ETag", "Authorization", "Set-Cookie"]),
      202: asked,
      ...toErrors([...EMAILS, "email_token_invalid", "login_kind_disabled", "cookie_origin_not_listed", ...WRITE]),
    },
  });
  return [
    {
      method: "post",
      form: "forgot",
      summary: "Send a user an e-mail with which to set a new password.",
      description: "The response is the same if nobody has the address.",
      parameters: [],
      requestBody: toBody("EmailAddress", email),
      responses: { 202: asked, ...toErrors(EMAILS) },
    },
    {
      method: "post",
      form: "reset",
      summary: "Set a new password, with the token of an e-mail. All sessions of the user end.",
      parameters: [],
      requestBody: toBody("PasswordReset", { token: "…", password: "correct horse" }),
      responses: { 200: done, ...toErrors([...BODY, ...CREDENTIALS, "email_token_invalid", ...WRITE]) },
    },
    {
      method: "post",
      form: "verify",
      summary: "Verify an e-mail address, with the token of an e-mail. With `email` instead of `token`, another e-mail is sent.",
      parameters: [],
      requestBody: toBody("EmailOrToken", email),
      responses: { 200: done, 202: asked, ...toErrors([...EMAILS, "email_token_invalid", ...WRITE]) },
    },
    toLogIn(
      "link",
      "Send an e-mail with a login link. With the `token` of the link instead of `email`, log the user in.",
      toBody("EmailOrToken", email),
    ),
    toLogIn("code", "Send an e-mail with a login code. With `email` and `code`, log the user in.", toBody("EmailAndCode", email)),
  ];
}
