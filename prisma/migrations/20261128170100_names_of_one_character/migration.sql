-- Names may have one character, and those of projects letters of every script (U2).
ALTER TABLE "Endpoint" DROP CONSTRAINT "Endpoint_name_form";
ALTER TABLE "Endpoint" ADD CONSTRAINT "Endpoint_name_form" CHECK (
  length("name") BETWEEN 1 AND 254 AND "name" ~ '^[a-z0-9]([a-z0-9/-]*[a-z0-9])?$' AND "name" !~ '--|//'
);
ALTER TABLE "Project" DROP CONSTRAINT "Project_name_form";
-- Which characters beyond ASCII are letters is not the same for every version of PostgreSQL: the server checks those.
ALTER TABLE "Project" ADD CONSTRAINT "Project_name_form" CHECK (
  length("name") BETWEEN 1 AND 254 AND "name" !~ '[\x01-\x1f!-,./:-@[-^`{-\x7f]'
);
