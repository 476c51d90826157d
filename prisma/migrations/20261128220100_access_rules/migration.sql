-- The access rules of endpoints (A1), and the versions of their access (A5): rules, and access functions from a later release on.
ALTER TABLE "Endpoint" ADD COLUMN "rules" JSON;

CREATE TABLE "AccessVersion" (
  "endpointId" UUID NOT NULL,
  "number" INTEGER NOT NULL,
  "rules" JSON,
  "accessFunction" TEXT,
  "authorId" UUID,
  "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

  CONSTRAINT "AccessVersion_pkey" PRIMARY KEY ("endpointId", "number")
);
CREATE INDEX "AccessVersion_authorId_idx" ON "AccessVersion"("authorId");
ALTER TABLE "AccessVersion"
  ADD CONSTRAINT "AccessVersion_endpointId_fkey" FOREIGN KEY ("endpointId") REFERENCES "Endpoint"("id") ON DELETE CASCADE ON UPDATE CASCADE,
  ADD CONSTRAINT "AccessVersion_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE;

CREATE OR REPLACE TRIGGER endpoint_revises
  AFTER INSERT OR DELETE OR UPDATE OF "projectId", "name", "kind", "secure", "othersCanRead", "othersCanUpdate", "othersCanDelete",
    "fileCacheSeconds", "schema", "rules", "epoch" ON "Endpoint"
  FOR EACH ROW EXECUTE FUNCTION project_revised();
