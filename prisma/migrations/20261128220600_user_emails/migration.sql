-- E-mails to users (L8 to L13): verification, reset and log-in by e-mail.
--
-- The new columns have no default, so no row is rewritten. The triggers end tokens when servers of the former release change a
-- name or a password, too.

CREATE TYPE "UserEmailKind" AS ENUM ('reset', 'verify', 'link', 'code');

ALTER TABLE "Endpoint" ADD COLUMN "userEmails" JSON;

ALTER TABLE "AppUser" ADD COLUMN "verifiedName" TEXT;

CREATE TABLE "EmailToken" (
  "hash" BYTEA NOT NULL,
  "kind" "UserEmailKind" NOT NULL,
  "appUserId" UUID,
  "accountId" UUID,
  "name" TEXT NOT NULL,
  "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "expiresAt" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "EmailToken_pkey" PRIMARY KEY ("hash"),
  CONSTRAINT "EmailToken_one_owner" CHECK (num_nonnulls("appUserId", "accountId") = 1)
);

CREATE UNIQUE INDEX "EmailToken_appUserId_kind_key" ON "EmailToken"("appUserId", "kind");
CREATE UNIQUE INDEX "EmailToken_accountId_kind_key" ON "EmailToken"("accountId", "kind");
CREATE INDEX "EmailToken_expiresAt_idx" ON "EmailToken"("expiresAt");

ALTER TABLE "EmailToken" ADD CONSTRAINT "EmailToken_appUserId_fkey" FOREIGN KEY ("appUserId") REFERENCES "AppUser"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "EmailToken" ADD CONSTRAINT "EmailToken_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "EmailRequest" (
  "scopeId" UUID NOT NULL,
  "kind" "UserEmailKind" NOT NULL,
  "name" TEXT NOT NULL,
  "isOwn" BOOLEAN NOT NULL DEFAULT false,
  "count" INTEGER NOT NULL DEFAULT 1,
  "startedAt" TIMESTAMPTZ(3) NOT NULL,
  "dueAt" TIMESTAMPTZ(3),
  "failures" INTEGER NOT NULL DEFAULT 0,
  "triesLeft" INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT "EmailRequest_pkey" PRIMARY KEY ("scopeId", "kind", "name", "isOwn")
);

CREATE INDEX "EmailRequest_dueAt_idx" ON "EmailRequest"("dueAt");
CREATE INDEX "EmailRequest_startedAt_idx" ON "EmailRequest"("startedAt");

CREATE TABLE "UserEmailTemplate" (
  "endpointId" UUID NOT NULL,
  "kind" "UserEmailKind" NOT NULL,
  "subject" TEXT NOT NULL,
  "text" TEXT NOT NULL,
  "html" TEXT,
  "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "UserEmailTemplate_pkey" PRIMARY KEY ("endpointId", "kind")
);

ALTER TABLE "UserEmailTemplate" ADD CONSTRAINT "UserEmailTemplate_endpointId_fkey" FOREIGN KEY ("endpointId") REFERENCES "Endpoint"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Servers cache "userEmails" with the endpoint. The trigger endpoint_revises covers the other columns.
CREATE OR REPLACE TRIGGER endpoint_user_emails_revise AFTER UPDATE OF "userEmails" ON "Endpoint"
  FOR EACH ROW EXECUTE FUNCTION project_revised();

-- A token was sent to the former address, or would replace a password that is newer than it. A token that verifies an address
-- does not depend on the password.
CREATE OR REPLACE FUNCTION app_user_ends_email_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "EmailToken" t WHERE t."appUserId" = NEW."id" AND (NEW."name" <> OLD."name" OR t."kind" <> 'verify');
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER app_user_ends_email_tokens AFTER UPDATE OF "name", "passwordHash" ON "AppUser" FOR EACH ROW
  WHEN (OLD."name" <> NEW."name" OR OLD."passwordHash" <> NEW."passwordHash")
  EXECUTE FUNCTION app_user_ends_email_tokens();

-- The same for accounts of the dashboard.
CREATE OR REPLACE FUNCTION user_ends_email_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "EmailToken" t WHERE t."accountId" = NEW."id";
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER user_ends_email_tokens AFTER UPDATE OF "email", "passwordHash" ON "User" FOR EACH ROW
  WHEN (OLD."email" <> NEW."email" OR OLD."passwordHash" IS DISTINCT FROM NEW."passwordHash")
  EXECUTE FUNCTION user_ends_email_tokens();
