-- For how many seconds any cache may keep the endpoint's files (F2); 0: browsers alone keep them, and ask each time.
ALTER TABLE "Endpoint" ADD COLUMN "fileCacheSeconds" INTEGER NOT NULL DEFAULT 0 CHECK ("fileCacheSeconds" BETWEEN 0 AND 31536000);

DROP TRIGGER endpoint_revises ON "Endpoint";
CREATE TRIGGER endpoint_revises
  AFTER INSERT OR DELETE OR UPDATE OF "projectId", "name", "kind", "secure", "othersCanRead", "othersCanUpdate", "othersCanDelete", "fileCacheSeconds", "schema", "epoch"
  ON "Endpoint" FOR EACH ROW EXECUTE FUNCTION project_revised();
