/** Converts stored users of applications and their tokens to the management API's views (G11, G12). Views never contain hashes. */
import type { AppSessionView, AppUserView } from "@/src/shared/management/schemas";

export interface AppUserRow {
  /** 32 hex digits. */
  id: string;
  name: string;
  createdAt: Date;
  updatedAt: Date;
  sessions: number;
  lastUsedAt: Date | null;
}

export function toAppUserView(row: AppUserRow): AppUserView {
  return {
    id: row.id,
    name: row.name,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    sessions: row.sessions,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  };
}

export interface AppSessionRow {
  id: string;
  userAgent: string | null;
  address: string | null;
  createdAt: Date;
  lastUsedAt: Date | null;
  expiresAt: Date;
}

/** The columns of a token that are read. Its hash is not among them. */
export const appSessionSelect = { id: true, userAgent: true, address: true, createdAt: true, lastUsedAt: true, expiresAt: true } as const;

export function toAppSessionView(row: AppSessionRow): AppSessionView {
  return {
    id: row.id,
    userAgent: row.userAgent,
    address: row.address,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    expiresAt: row.expiresAt.toISOString(),
  };
}
