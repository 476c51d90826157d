-- Which key a rotated key replaces (G3, U7).
--
-- The column has no default, so no row is rewritten, and servers of the former release insert keys without it. It has no foreign key: keys
-- are deleted only with their project, all at once.

ALTER TABLE "ApiKey" ADD COLUMN "replacesId" UUID;
