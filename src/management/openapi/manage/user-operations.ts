/** The management API's operations on the users of an application (G11, G12), as its description lists them. */
import {
  APP_USERS_LIMIT_MAX,
  appPasswordSetSchema,
  appSessionSchema,
  appUserSchema,
  appUsersSchema,
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
