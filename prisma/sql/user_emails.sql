-- E-mails to users: settings that servers cache, and tokens that end when what they depend on changes.

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
