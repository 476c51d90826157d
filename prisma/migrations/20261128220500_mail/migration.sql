-- E-mail: the configuration of projects, and the queue of mails that wait to be sent.
--
-- It adds tables and an enum value, and reads no existing row. Servers of the former release ignore both. The value is not used in
-- this transaction, which PostgreSQL would refuse.

ALTER TYPE "EndpointKind" ADD VALUE IF NOT EXISTS 'email';

CREATE TABLE "ProjectEmail" (
  "projectId" UUID NOT NULL,
  "host" TEXT NOT NULL,
  "port" INTEGER NOT NULL,
  "secure" BOOLEAN NOT NULL,
  "user" TEXT,
  "password" BYTEA,
  "from" TEXT NOT NULL,
  "recipients" JSONB NOT NULL,
  "senders" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
  "rate" INTEGER NOT NULL,
  "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "ProjectEmail_pkey" PRIMARY KEY ("projectId"),
  CONSTRAINT "ProjectEmail_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE "OutboxMail" (
  "id" UUID NOT NULL,
  "projectId" UUID NOT NULL,
  "accountId" UUID NOT NULL,
  "endpointId" UUID,
  "recordId" UUID,
  "messageId" TEXT NOT NULL,
  "message" BYTEA NOT NULL,
  "bytes" INTEGER NOT NULL,
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "leaseId" UUID,
  "dueAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "OutboxMail_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "OutboxMail_projectId_dueAt_idx" ON "OutboxMail"("projectId", "dueAt");
CREATE INDEX "OutboxMail_accountId_idx" ON "OutboxMail"("accountId");
CREATE INDEX "OutboxMail_recordId_idx" ON "OutboxMail"("recordId");
