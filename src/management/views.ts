/** Converts stored rows to the management API's views (G2–G4). Views never contain hashes. */
import type {
  AccountView,
  EndpointDetail,
  ManagedEndpoint,
  ManagedKey,
  ManagedProject,
  SessionView,
  TokenView,
} from "@/src/shared/management/schemas";
import { toDefaultRules } from "@/src/shared/rules/access-rules";
import type { EndpointKind } from "@/src/shared/streams/protocol";
import { toRulesView } from "./access/stored-rules";

const toTime = (date: Date) => date.toISOString();
const toTimeOrNull = (date: Date | null) => date?.toISOString() ?? null;

export interface ProjectRow {
  id: string;
  name: string;
  allowedOrigins: string[];
  allowNullOrigin: boolean;
  disallowNoOrigin: boolean;
  rateLimit: number | null;
  masterKeyHash: Uint8Array | null;
  createdAt: Date;
  updatedAt: Date;
  _count: { endpoints: number; keys: number };
}

/** The columns of a project that are read. `now` decides which keys count as valid. */
export const projectSelect = (now: Date) => ({
  id: true as const,
  name: true as const,
  allowedOrigins: true as const,
  allowNullOrigin: true as const,
  disallowNoOrigin: true as const,
  rateLimit: true as const,
  masterKeyHash: true as const,
  createdAt: true as const,
  updatedAt: true as const,
  _count: {
    select: { endpoints: true as const, keys: { where: { revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] } } },
  },
});

export function toManagedProject(row: ProjectRow): ManagedProject {
  return {
    id: row.id,
    name: row.name,
    allowedOrigins: row.allowedOrigins,
    allowNullOrigin: row.allowNullOrigin,
    disallowNoOrigin: row.disallowNoOrigin,
    rateLimit: row.rateLimit,
    hasMasterKey: row.masterKeyHash !== null,
    createdAt: toTime(row.createdAt),
    updatedAt: toTime(row.updatedAt),
    counts: { endpoints: row._count.endpoints, keys: row._count.keys },
  };
}

export interface KeyRow {
  id: string;
  projectId: string;
  name: string;
  key: string;
  scope: "read" | "write" | "read_write";
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
  createdAt: Date;
  replacesId: string | null;
}

/** `replacedById`: the newest key that replaces it. */
export function toManagedKey(row: KeyRow, { replacedById = null }: { replacedById?: string | null } = {}): ManagedKey {
  return {
    id: row.id,
    projectId: row.projectId,
    name: row.name,
    key: row.key,
    scope: row.scope,
    expiresAt: toTimeOrNull(row.expiresAt),
    lastUsedAt: toTimeOrNull(row.lastUsedAt),
    revokedAt: toTimeOrNull(row.revokedAt),
    createdAt: toTime(row.createdAt),
    replacesId: row.replacesId,
    replacedById,
  };
}

export interface EndpointRow {
  id: string;
  projectId: string;
  name: string;
  description: string;
  kind: EndpointKind;
  secure: boolean;
  othersCanRead: boolean;
  othersCanUpdate: boolean;
  othersCanDelete: boolean;
  fileCacheSeconds: number;
  schema: unknown;
  accessFunction: string | null;
  rules: unknown;
  seq: bigint;
  /** Maintained by the database with every write. */
  recordCount: bigint;
  createdAt: Date;
  updatedAt: Date;
  lastChangeAt: Date | null;
  /** The open streams of all servers, as of about a second ago. */
  subscribers: bigint;
}

/** `subscribersHere` is the current number of open streams on this server. */
function toManagedEndpoint(row: EndpointRow, subscribersHere: number): ManagedEndpoint {
  return {
    id: row.id,
    projectId: row.projectId,
    name: row.name,
    description: row.description,
    kind: row.kind,
    secure: row.secure,
    othersCanRead: row.othersCanRead,
    othersCanUpdate: row.othersCanUpdate,
    othersCanDelete: row.othersCanDelete,
    fileCacheSeconds: row.fileCacheSeconds,
    schema: row.schema ?? null,
    accessFunction: row.accessFunction,
    rules: toRulesView(row.rules),
    defaultRules: toDefaultRules(row),
    createdAt: toTime(row.createdAt),
    updatedAt: toTime(row.updatedAt),
    changeCount: Number(row.seq),
    lastChangeAt: toTimeOrNull(row.lastChangeAt),
    subscribers: Math.max(Number(row.subscribers), subscribersHere),
  };
}

export function toEndpointDetail(row: EndpointRow, subscribersHere: number): EndpointDetail {
  return { ...toManagedEndpoint(row, subscribersHere), recordCount: Number(row.recordCount) };
}

export interface AccountRow {
  id: string;
  name: string;
  email: string;
  role: "admin" | "member";
  createdAt: Date;
}

export const accountSelect = { id: true, name: true, email: true, role: true, createdAt: true } as const;

export function toAccountView(row: AccountRow): AccountView {
  return { id: row.id, name: row.name, email: row.email, role: row.role, createdAt: toTime(row.createdAt) };
}

export interface SessionRow {
  id: string;
  userAgent: string | null;
  address: string | null;
  createdAt: Date;
  lastSeenAt: Date;
  expiresAt: Date;
}

export function toSessionView(row: SessionRow, currentId: string | null): SessionView {
  return {
    id: row.id,
    userAgent: row.userAgent,
    address: row.address,
    createdAt: toTime(row.createdAt),
    lastSeenAt: toTime(row.lastSeenAt),
    expiresAt: toTime(row.expiresAt),
    current: row.id === currentId,
  };
}

export interface TokenRow {
  id: string;
  name: string;
  prefix: string;
  scope: TokenView["scope"];
  allProjects: boolean;
  projectIds: string[];
  createdAt: Date;
  lastUsedAt: Date | null;
  expiresAt: Date | null;
}

export function toTokenView(row: TokenRow): TokenView {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scope: row.scope,
    projectIds: row.allProjects ? null : row.projectIds,
    createdAt: toTime(row.createdAt),
    lastUsedAt: toTimeOrNull(row.lastUsedAt),
    expiresAt: toTimeOrNull(row.expiresAt),
  };
}
