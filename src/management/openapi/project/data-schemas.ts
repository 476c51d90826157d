/** The request and response schemas of the data plane (R1, U7, W2, L1). They contain no alternatives (`oneOf`), which generators support badly. */
import type { ManagedEndpoint } from "@/src/shared/management/schemas";
import type { JsonSchema } from "@/src/shared/openapi";
import { APP_USER_NAME_LENGTH_MAX } from "@/src/shared/streams/protocol";
import { APP_PASSWORD_LENGTH_MAX, APP_PASSWORD_LENGTH_MIN } from "@/src/shared/text/password-length";
import { toSchemaParts } from "./endpoint-schema";

const UNIQUE_ID: JsonSchema = { type: "string", pattern: "^[0-9a-f]{32}$" };
const TIME: JsonSchema = { type: "string", format: "date-time" };
const USER_NAME: JsonSchema = { type: "string", minLength: 1, maxLength: APP_USER_NAME_LENGTH_MAX };

/** References to an endpoint's schemas among the components. */
export interface DataSchemas {
  /** The data of a record. */
  data: JsonSchema;
  /** A record as read. */
  record: JsonSchema;
  /** The response to a PUT, a DELETE and a login, and where access rules decide, to a POST. Who cannot read gets only a part of it. */
  written: JsonSchema;
}

/** The schemas of endpoints without a JSON Schema of their own. */
export const COMMON_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  StoredRecord: toRecord({ description: "Any JSON value, as it was sent." }),
  StoredWritten: toWritten({ description: "Any JSON value, as it was sent." }),
  StoredChange: toChange("StoredRecord"),
  FileRecord: toRecord(refer("FileData")),
  FileWritten: toWritten(refer("FileData")),
  FileData: {
    type: "object",
    required: ["file", "metadata"],
    properties: {
      file: {
        type: "object",
        required: ["name", "type", "size", "sha256"],
        properties: { name: { type: "string" }, type: { type: "string" }, size: { type: "integer" }, sha256: { type: "string" } },
      },
      metadata: { type: "object", description: "The text parts of the form. Repeated parts are arrays.", additionalProperties: true },
    },
  },
  FileToken: {
    type: "object",
    required: ["fileToken", "expiresAt", "url"],
    properties: {
      fileToken: { type: "string" },
      expiresAt: TIME,
      url: { type: "string", format: "uri", description: "The URL of the file. Supports ranges. Valid until `expiresAt`." },
    },
  },
  UserFields: {
    type: "object",
    description: "The data of a user: either `username` or `email`, and any other fields.",
    properties: { username: { type: "string" }, email: { type: "string" } },
    additionalProperties: true,
  },
  UserRecord: toRecord(refer("UserFields")),
  UserWritten: toWritten(refer("UserFields")),
  UserChange: toChange("UserRecord"),
  Credentials: {
    type: "object",
    description: "Either `username` or `email`, and the password. Any other fields of a registration are stored with the user.",
    required: ["password"],
    properties: {
      username: USER_NAME,
      email: USER_NAME,
      password: {
        type: "string",
        minLength: APP_PASSWORD_LENGTH_MIN,
        maxLength: APP_PASSWORD_LENGTH_MAX,
        description: "Never stored, returned or streamed.",
      },
    },
    additionalProperties: true,
  },
  UserPatch: {
    type: "object",
    description: "The fields of a user. The current `password` changes nothing; a new one needs `currentPassword`.",
    properties: {
      username: USER_NAME,
      email: USER_NAME,
      password: { type: "string", minLength: APP_PASSWORD_LENGTH_MIN, maxLength: APP_PASSWORD_LENGTH_MAX },
      currentPassword: { type: "string", minLength: 1, maxLength: APP_PASSWORD_LENGTH_MAX },
    },
    additionalProperties: true,
  },
};

/** Adds an endpoint's schemas to the components. Without a JSON Schema the common ones are used. `name` is the prefix of its components. */
export function addDataSchemas(
  components: Record<string, JsonSchema>,
  { endpoint: { id, kind, schema }, name }: { endpoint: Pick<ManagedEndpoint, "id" | "kind" | "schema">; name: string },
): DataSchemas {
  const common = kind === "authentication" ? "User" : "Stored";
  if (!isSchema(schema)) {
    const data = kind === "authentication" ? refer("UserFields") : {};
    return { data, record: refer(`${common}Record`), written: refer(`${common}Written`) };
  }
  const data = refer(`${name}Data`);
  Object.assign(components, toSchemaParts({ schema, name: `${name}Data`, id: `urn:rested:endpoint:${id}` }), {
    [`${name}Record`]: toRecord(data, "Records that were stored before the schema was set may not match it."),
    [`${name}Written`]: toWritten(data),
    [`${name}Change`]: toChange(`${name}Record`),
  });
  return { data, record: refer(`${name}Record`), written: refer(`${name}Written`) };
}

function toRecord(data: JsonSchema, description?: string): JsonSchema {
  return {
    type: "object",
    ...(description === undefined ? {} : { description }),
    required: ["uniqueId", "data", "createdAt", "updatedAt"],
    properties: { uniqueId: UNIQUE_ID, data, createdAt: TIME, updatedAt: TIME },
  };
}

function toWritten(data: JsonSchema): JsonSchema {
  return {
    type: "object",
    description:
      "The record. A key of scope `write`, and a caller whom the access rules do not let read the record, get only `uniqueId` and, unless it is deleted, `updatedAt`.",
    required: ["uniqueId"],
    properties: { uniqueId: UNIQUE_ID, data, createdAt: TIME, updatedAt: TIME },
  };
}

function toChange(record: string): JsonSchema {
  return {
    type: "object",
    description:
      "A message of a stream. `record` is the state after the change, or the last state of a deleted record. Files that were uploaded together are one message, whose `record` is an array, unless the stream has `since`.",
    required: ["type", "record"],
    properties: {
      type: { type: "string", enum: ["POST", "PUT", "DELETE"] },
      record: refer(record),
      cursor: { type: "string", description: "With `since`: the position of the stream." },
    },
  };
}

function refer(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "boolean" || (typeof value === "object" && value !== null && !Array.isArray(value));
}
