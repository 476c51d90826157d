/** The request and response schemas of the data plane (R1, U7, W2, L1). They contain no alternatives (`oneOf`), which generators support badly. */
import type { ManagedEndpoint } from "@/src/shared/management/schemas";
import type { JsonSchema } from "@/src/shared/openapi";
import { APP_USER_NAME_LENGTH_MAX, type EndpointKind } from "@/src/shared/streams/protocol";
import { APP_PASSWORD_LENGTH_MAX, APP_PASSWORD_LENGTH_MIN } from "@/src/shared/text/password-length";
import { toSchemaParts } from "./endpoint-schema";
import { type HiddenFields, readHiddenFields, toVisibleSchema } from "./visible-schema";

const UNIQUE_ID: JsonSchema = { type: "string", pattern: "^[0-9a-f]{32}$" };
const TIME: JsonSchema = { type: "string", format: "date-time" };
const USER_NAME: JsonSchema = { type: "string", minLength: 1, maxLength: APP_USER_NAME_LENGTH_MAX };

/** References to an endpoint's schemas among the components. */
export interface DataSchemas {
  /** The data of a record, as it is created. */
  data: JsonSchema;
  /** The data of a record as a caller sees and replaces it: fields that access rules can hide are not required. */
  visible: JsonSchema;
  /** A record as read. */
  record: JsonSchema;
  /** The response to a PUT, a DELETE and a login, and where access rules decide, to a POST. Who cannot read gets only a part of it. */
  written: JsonSchema;
  /** The same of records of files. */
  fileRecord: JsonSchema;
  fileWritten: JsonSchema;
}

const FILE_DATA: JsonSchema = {
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
};

/** The schemas of endpoints without a JSON Schema of their own. */
export const COMMON_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  StoredRecord: toRecord({ description: "Any JSON value, as it was sent." }),
  StoredWritten: toWritten({ description: "Any JSON value, as it was sent." }),
  StoredChange: toChange("StoredRecord"),
  FileRecord: toRecord(refer("FileData")),
  FileWritten: toWritten(refer("FileData")),
  FileData: FILE_DATA,
  FileToken: {
    type: "object",
    required: ["fileToken", "expiresAt", "url"],
    properties: {
      fileToken: { type: "string" },
      expiresAt: TIME,
      url: { type: "string", format: "uri", description: "The URL of the file. Supports ranges. Valid until `expiresAt`." },
    },
  },
  EmailMessage: {
    type: "object",
    required: ["to", "subject"],
    additionalProperties: false,
    description: "`text`, `html` or both are required. Addresses are like `ada@example.com` or `Ada <ada@example.com>`.",
    properties: {
      from: { type: "string", description: "One of the senders of the e-mail configuration. Default: its own." },
      to: { description: "An address, or an array of addresses. With `cc` and `bcc` 50 at most." },
      cc: { description: "An address, or an array of addresses." },
      bcc: { description: "An address, or an array of addresses. They are not shown to other recipients." },
      replyTo: { type: "string" },
      subject: { type: "string", minLength: 1, maxLength: 500 },
      text: { type: "string", minLength: 1 },
      html: { type: "string", minLength: 1 },
      attachments: {
        type: "array",
        maxItems: 20,
        description: "10 MiB at most, with `content`, or with the `uniqueId` of a stored file and the master key.",
        items: {
          type: "object",
          additionalProperties: false,
          properties: {
            filename: { type: "string", minLength: 1, maxLength: 200 },
            contentType: { type: "string" },
            content: { type: "string", description: "Base64." },
            uniqueId: UNIQUE_ID,
          },
        },
      },
    },
  },
  EmailFields: {
    type: "object",
    required: ["from", "to", "subject", "delivery"],
    properties: {
      from: { type: "string" },
      to: { type: "array", items: { type: "string" } },
      cc: { type: "array", items: { type: "string" } },
      bcc: { type: "array", items: { type: "string" } },
      replyTo: { type: "array", items: { type: "string" } },
      subject: { type: "string" },
      text: { type: "string" },
      html: { type: "string" },
      attachments: {
        type: "array",
        items: {
          type: "object",
          properties: { filename: { type: "string" }, contentType: { type: "string" }, size: { type: "integer" } },
        },
      },
      delivery: {
        type: "object",
        required: ["state", "attempts", "messageId"],
        properties: {
          state: { type: "string", enum: ["queued", "sending", "sent", "failed"] },
          attempts: { type: "integer" },
          messageId: { type: "string" },
          error: { type: ["string", "null"], description: "Left out for readers who must not see blind copies." },
          recipients: {
            type: "array",
            description: "Once the mail server has refused a recipient: the delivery to each.",
            items: {
              type: "object",
              required: ["address", "state", "error"],
              properties: {
                address: { type: "string" },
                state: { type: "string", enum: ["queued", "sent", "failed"] },
                error: { type: ["string", "null"] },
              },
            },
          },
        },
      },
    },
  },
  EmailRecord: toRecord(refer("EmailFields")),
  EmailWritten: toWritten(refer("EmailFields")),
  EmailChange: toChange("EmailRecord"),
  UserFields: {
    type: "object",
    description: "The data of a user: either `username` or `email`, and any other fields.",
    properties: {
      username: { type: "string" },
      email: { type: "string" },
      emailVerified: {
        type: "boolean",
        description: "Whether the user proved to receive e-mail at `email`. Only the server and the master key set it.",
      },
    },
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
  EmailAddress: { type: "object", required: ["email"], properties: { email: USER_NAME } },
  PasswordReset: {
    type: "object",
    required: ["token", "password"],
    properties: {
      token: { type: "string" },
      password: { type: "string", minLength: APP_PASSWORD_LENGTH_MIN, maxLength: APP_PASSWORD_LENGTH_MAX },
    },
  },
  EmailOrToken: {
    type: "object",
    description: "Either `email`, to send an e-mail, or the `token` of one.",
    properties: { email: USER_NAME, token: { type: "string" } },
  },
  EmailAndCode: {
    type: "object",
    description: "`email` alone sends an e-mail. With the `code` of the e-mail, it logs the user in.",
    required: ["email"],
    properties: { email: USER_NAME, code: { type: "string" } },
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

const COMMON_PREFIXES = { data: "Stored", authentication: "User", email: "Email" } as const satisfies Record<EndpointKind, string>;

/** Adds an endpoint's schemas to the components. Without a JSON Schema the common ones are used. `name` is the prefix of its components. */
export function addDataSchemas(
  components: Record<string, JsonSchema>,
  {
    endpoint: { id, kind, schema, rules },
    name,
  }: { endpoint: Pick<ManagedEndpoint, "id" | "kind" | "schema"> & Partial<Pick<ManagedEndpoint, "rules">>; name: string },
): DataSchemas {
  const common = COMMON_PREFIXES[kind];
  const hidden = readHiddenFields(rules?.hide ?? []);
  const files = toFileSchemas(hidden);
  if (!isSchema(schema)) {
    const data = kind === "data" ? {} : refer(`${common}Fields`);
    return { data, visible: data, record: refer(`${common}Record`), written: refer(`${common}Written`), ...files };
  }
  const data = refer(`${name}Data`);
  const visible = hidden ? refer(`${name}Visible`) : data;
  Object.assign(
    components,
    toSchemaParts({ schema, name: `${name}Data`, id: `urn:rested:endpoint:${id}` }),
    hidden
      ? toSchemaParts({ schema: toVisibleSchema(schema, hidden), name: `${name}Visible`, id: `urn:rested:endpoint:${id}:visible` })
      : {},
    {
      [`${name}Record`]: toRecord(visible, "Records that were stored before the schema was set may not match it."),
      [`${name}Written`]: toWritten(visible),
      [`${name}Change`]: toChange(`${name}Record`),
    },
  );
  return { data, visible, record: refer(`${name}Record`), written: refer(`${name}Written`), ...files };
}

/** The schemas of files, without components of their own if rules can hide fields of them, which is rare. */
function toFileSchemas(hidden: HiddenFields | undefined): Pick<DataSchemas, "fileRecord" | "fileWritten"> {
  if (!hidden) return { fileRecord: refer("FileRecord"), fileWritten: refer("FileWritten") };
  const data = toVisibleSchema(FILE_DATA, hidden);
  return { fileRecord: toRecord(data), fileWritten: toWritten(data) };
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
