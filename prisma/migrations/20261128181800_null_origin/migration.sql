-- A project may allow the origin `null` (sandboxed frames, files, some redirects) beside the origins that it lists.
ALTER TABLE "Project" ADD COLUMN "allowNullOrigin" BOOLEAN NOT NULL DEFAULT false;

DROP TRIGGER project_revises_itself ON "Project";
CREATE TRIGGER project_revises_itself
  BEFORE UPDATE OF "name", "ownerId", "allowedOrigins", "allowNullOrigin", "disallowNoOrigin", "masterKeyHash", "rateLimit" ON "Project"
  FOR EACH ROW EXECUTE FUNCTION project_revises_itself();
