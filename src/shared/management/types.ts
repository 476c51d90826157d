/** The types of the management API's requests and responses, derived from the schemas that validate them. */
import type * as z from "zod/mini";
import type {
  accountPatchSchema,
  accountSchema,
  appSessionSchema,
  appUserSchema,
  appUsersSchema,
  changeSchema,
  changesSchema,
  connectionSchema,
  connectionsSchema,
  deliveriesSchema,
  deliveryVerdict,
  endpointCreateSchema,
  endpointDetailSchema,
  endpointPatchSchema,
  endpointSchema,
  gridPageSchema,
  gridRecordSchema,
  importCheckedSchema,
  importedSchema,
  KEY_SCOPES,
  keyCreateSchema,
  keyRotateSchema,
  keySchema,
  loginSchema,
  masterKeySchema,
  passwordChangeSchema,
  passwordResetSchema,
  projectCreatedSchema,
  projectCreateSchema,
  projectPatchSchema,
  projectSchema,
  recordsDeletedSchema,
  recordsDeleteSchema,
  rotatedKeySchema,
  schemaCheckedSchema,
  schemaCheckSchema,
  sessionSchema,
  setupSchema,
  signupSchema,
  startedSchema,
  startSchema,
  streamTicketSchema,
  TOKEN_SCOPES,
  templateUseSchema,
  tokenCreatedSchema,
  tokenCreateSchema,
  tokenSchema,
} from "./schemas";

export type KeyScope = (typeof KEY_SCOPES)[number];
export type ProjectCreate = z.infer<typeof projectCreateSchema>;
export type ProjectPatch = z.infer<typeof projectPatchSchema>;
export type KeyCreate = z.infer<typeof keyCreateSchema>;
export type KeyRotate = z.infer<typeof keyRotateSchema>;
export type EndpointCreate = z.infer<typeof endpointCreateSchema>;
export type EndpointPatch = z.infer<typeof endpointPatchSchema>;
export type Start = z.infer<typeof startSchema>;
export type TemplateUse = z.infer<typeof templateUseSchema>;
export type Setup = z.infer<typeof setupSchema>;
export type Signup = z.infer<typeof signupSchema>;
export type AccountPatch = z.infer<typeof accountPatchSchema>;
export type PasswordChange = z.infer<typeof passwordChangeSchema>;
export type PasswordReset = z.infer<typeof passwordResetSchema>;
export type TokenScope = (typeof TOKEN_SCOPES)[number];
export type TokenCreate = z.infer<typeof tokenCreateSchema>;
export type Login = z.infer<typeof loginSchema>;

export type ManagedKey = z.infer<typeof keySchema>;
export type ManagedProject = z.infer<typeof projectSchema>;
export type ProjectCreated = z.infer<typeof projectCreatedSchema>;
export type ManagedEndpoint = z.infer<typeof endpointSchema>;
export type EndpointDetail = z.infer<typeof endpointDetailSchema>;
export type MasterKey = z.infer<typeof masterKeySchema>;
export type RotatedKey = z.infer<typeof rotatedKeySchema>;
export type Started = z.infer<typeof startedSchema>;
export type IssuedTicket = z.infer<typeof streamTicketSchema>;
export type LoggedChange = z.infer<typeof changeSchema>;
export type LoggedChanges = z.infer<typeof changesSchema>;
export type SchemaCheck = z.infer<typeof schemaCheckSchema>;
export type SchemaChecked = z.infer<typeof schemaCheckedSchema>;
export type AppUserView = z.infer<typeof appUserSchema>;
export type AppUsers = z.infer<typeof appUsersSchema>;
export type AppSessionView = z.infer<typeof appSessionSchema>;
export type ConnectionView = z.infer<typeof connectionSchema>;
export type Connections = z.infer<typeof connectionsSchema>;
export type DeliveryVerdict = z.infer<typeof deliveryVerdict>;
export type Deliveries = z.infer<typeof deliveriesSchema>;
export type GridRecord = z.infer<typeof gridRecordSchema>;
export type GridPage = z.infer<typeof gridPageSchema>;
export type RecordsDelete = z.infer<typeof recordsDeleteSchema>;
export type RecordsDeleted = z.infer<typeof recordsDeletedSchema>;
export type Imported = z.infer<typeof importedSchema>;
export type ImportChecked = z.infer<typeof importCheckedSchema>;
export type AccountView = z.infer<typeof accountSchema>;
export type SessionView = z.infer<typeof sessionSchema>;
export type TokenView = z.infer<typeof tokenSchema>;
export type TokenCreated = z.infer<typeof tokenCreatedSchema>;
