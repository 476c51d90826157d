-- The source of the endpoint's access function (S8). Null: none. The statement reads no row.
ALTER TABLE "Endpoint" ADD COLUMN "accessFunction" TEXT;

-- A trigger of its own, beside endpoint_revises.
CREATE OR REPLACE TRIGGER endpoint_function_revises AFTER UPDATE OF "accessFunction" ON "Endpoint"
  FOR EACH ROW EXECUTE FUNCTION project_revised();
