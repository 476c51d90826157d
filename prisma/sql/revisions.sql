-- Revisions. Servers cache projects, keys, endpoints and access tokens, and compare "Project"."revision" and
-- "Project"."tokenRevision" to find out whether the cached ones are current.

-- A key or an endpoint of the project was created, changed or deleted. The triggers' column lists leave out "Endpoint"."seq"
-- and "ApiKey"."lastUsedAt", which change all the time and are not cached.
CREATE OR REPLACE FUNCTION project_revised() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Two projects if the row moves from one to the other.
  UPDATE "Project" SET "revision" = "revision" + 1 WHERE "id" IN (OLD."projectId", NEW."projectId");
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER api_key_revises
  AFTER INSERT OR DELETE OR UPDATE OF "projectId", "name", "key", "scope", "expiresAt", "revokedAt" ON "ApiKey"
  FOR EACH ROW EXECUTE FUNCTION project_revised();

CREATE OR REPLACE TRIGGER endpoint_revises
  AFTER INSERT OR DELETE OR UPDATE OF "projectId", "name", "kind", "secure", "othersCanRead", "othersCanUpdate", "othersCanDelete",
    "fileCacheSeconds", "schema", "rules", "epoch" ON "Endpoint"
  FOR EACH ROW EXECUTE FUNCTION project_revised();

CREATE OR REPLACE TRIGGER endpoint_function_revises AFTER UPDATE OF "accessFunction" ON "Endpoint"
  FOR EACH ROW EXECUTE FUNCTION project_revised();

-- The project itself was changed.
CREATE OR REPLACE FUNCTION project_revises_itself() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW."revision" := OLD."revision" + 1;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER project_revises_itself
  BEFORE UPDATE OF "name", "ownerId", "allowedOrigins", "allowNullOrigin", "disallowNoOrigin", "masterKeyHash", "rateLimit" ON "Project"
  FOR EACH ROW EXECUTE FUNCTION project_revises_itself();

-- An access token ended before it expired: it was revoked, or deleted with its user. A token that expires needs no revision.
-- The project's row is updated once in a transaction, because deleting an endpoint can end the tokens of all its users, and many
-- updates of one row in one transaction are slow.
CREATE OR REPLACE FUNCTION access_token_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- endpoint_ends_tokens counted them when the endpoint was deleted.
  IF current_setting('rested.purge', true) = 'on' THEN
    RETURN NULL;
  END IF;
  IF current_setting('rested.tokens_ended', true) IS DISTINCT FROM OLD."projectId"::text THEN
    UPDATE "Project" SET "tokenRevision" = "tokenRevision" + 1 WHERE "id" = OLD."projectId";
    PERFORM set_config('rested.tokens_ended', OLD."projectId"::text, true);
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER access_token_revoked AFTER UPDATE OF "revokedAt" ON "AccessToken" FOR EACH ROW
  WHEN (OLD."revokedAt" IS DISTINCT FROM NEW."revokedAt") EXECUTE FUNCTION access_token_ended();

CREATE OR REPLACE TRIGGER access_token_deleted AFTER DELETE ON "AccessToken" FOR EACH ROW
  WHEN (OLD."revokedAt" IS NULL AND OLD."expiresAt" > clock_timestamp()) EXECUTE FUNCTION access_token_ended();

-- An authentication endpoint was deleted. The tokens of its users end at once; purge_endpoint deletes their rows later.
CREATE OR REPLACE FUNCTION endpoint_ends_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "Project" SET "tokenRevision" = "tokenRevision" + 1 WHERE "id" = OLD."projectId";
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER endpoint_ends_tokens AFTER UPDATE OF "projectId" ON "Endpoint" FOR EACH ROW
  WHEN (OLD."kind" = 'authentication' AND OLD."projectId" IS NOT NULL AND NEW."projectId" IS NULL)
  EXECUTE FUNCTION endpoint_ends_tokens();
