/** The management API's operations on the users of an application (G11, G12), as its description lists them. */

import { appUserCreateSchema } from "@/src/shared/management/app-user-create";
import {
  APP_USERS_LIMIT_MAX,
  appPasswordSetSchema,
  appSessionSchema,
  appUserSchema,
  appUsersSchema,
  emailContentSchema,
  userEmailPreviewSchema,
  userEmailsPatchSchema,
  userEmailsSchema,
} from "@/src/shared/management/schemas";
import { APP_USER_NAME_LENGTH_MAX } from "@/src/shared/streams/protocol";
import type { ManageOperation } from "./operation";

const USERS = "Users";
/** A name or a part of one, without control characters. */
const NAME = { type: "string", maxLength: APP_USER_NAME_LENGTH_MAX, pattern: "^[^\\x00-\\x1f\\x7f-\\x9f]*$" };

export const USER_OPERATIONS: readonly ManageOperation[] = [
  {
    id: "listUsers",
    method: "get",
    path: "endpoints/{id}/users",
    tag: USERS,
    summary: "List the users of an authentication endpoint, ordered by name.",
    query: [
      { name: "search", in: "query", description: "Only users whose name contains this text.", schema: NAME },
      { name: "after", in: "query", description: "The `next` of the previous page.", schema: { ...NAME, minLength: 1 } },
      {
        name: "limit",
        in: "query",
        description: "The maximum number of users.",
        schema: { type: "integer", minimum: 1, maximum: APP_USERS_LIMIT_MAX, default: 50 },
      },
    ],
    answer: { status: 200, description: "A page of users. `next` is the start of the next page.", schema: appUsersSchema },
  },
  {
    id: "createUser",
    method: "post",
    path: "endpoints/{id}/users",
    tag: USERS,
    summary: "Add a user with a password, or invite one by e-mail.",
    description:
      "`data` has a `username` or an `email`, and any other fields. With `invite`, the user receives an e-mail to set a password.",
    body: appUserCreateSchema,
    answer: { status: 201, description: "The user.", schema: appUserSchema },
    errors: [
      "credentials_missing",
      "credentials_invalid",
      "username_taken",
      "schema_mismatch",
      "schema_limit",
      "email_not_configured",
      "rate_limited",
      "server_busy",
      "quota_exceeded",
    ],
  },
  {
    id: "sendPasswordEmail",
    method: "post",
    path: "endpoints/{id}/users/{uniqueId}/password-email",
    tag: USERS,
    summary: "Send a user an e-mail to set a new password.",
    errors: ["fields_invalid", "email_not_configured", "rate_limited"],
  },
  {
    id: "readUser",
    method: "get",
    path: "endpoints/{id}/users/{uniqueId}",
    tag: USERS,
    summary: "Get a user.",
    answer: { status: 200, description: "The user.", schema: appUserSchema },
  },
  {
    id: "deleteUser",
    method: "delete",
    path: "endpoints/{id}/users/{uniqueId}",
    tag: USERS,
    summary: "Delete a user with its sessions. Records that it owns at other endpoints stay, without an owner.",
    errors: ["server_busy"],
  },
  {
    id: "setUserPassword",
    method: "put",
    path: "endpoints/{id}/users/{uniqueId}/password",
    tag: USERS,
    summary: "Set a user's password.",
    body: appPasswordSetSchema,
    errors: ["credentials_invalid", "server_busy"],
  },
  {
    id: "readUserEmails",
    method: "get",
    path: "endpoints/{id}/user-emails",
    tag: USERS,
    summary: "Get the e-mails that an authentication endpoint sends to its users: settings, templates and default templates.",
    answer: { status: 200, description: "The settings and templates.", schema: userEmailsSchema },
  },
  {
    id: "updateUserEmails",
    method: "patch",
    path: "endpoints/{id}/user-emails",
    tag: USERS,
    summary: "Change the e-mails that an authentication endpoint sends to its users.",
    description:
      "The origin of `linkBase` must be one of the project's allowed origins. Templates can contain `{{link}}`, `{{code}}` and `{{project}}`; a template that is null is the default one.",
    body: userEmailsPatchSchema,
    answer: { status: 200, description: "The settings and templates.", schema: userEmailsSchema },
    errors: ["server_busy"],
  },
  {
    id: "previewUserEmail",
    method: "post",
    path: "endpoints/{id}/user-emails/preview",
    tag: USERS,
    summary: "Get an e-mail with example values. Nothing is sent.",
    description: "`template` and `linkBase`: absent for the stored ones, null for the default template and no link.",
    body: userEmailPreviewSchema,
    answer: { status: 200, description: "The e-mail.", schema: emailContentSchema },
  },
  {
    id: "listUserSessions",
    method: "get",
    path: "endpoints/{id}/users/{uniqueId}/sessions",
    tag: USERS,
    summary: "List the sessions of a user.",
    answer: { status: 200, description: "The sessions, without their tokens.", schema: appSessionSchema, isList: true },
  },
  {
    id: "revokeUserSessions",
    method: "delete",
    path: "endpoints/{id}/users/{uniqueId}/sessions",
    tag: USERS,
    summary: "Log a user out everywhere.",
  },
  {
    id: "revokeUserSession",
    method: "delete",
    path: "endpoints/{id}/users/{uniqueId}/sessions/{sessionId}",
    tag: USERS,
    summary: "End one of a user's sessions.",
  },
];
