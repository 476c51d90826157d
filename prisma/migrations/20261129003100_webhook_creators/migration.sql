-- Which account created a webhook (H1).
--
-- The column has no default, so no row is rewritten, and servers of the former release insert webhooks without it. It has no foreign key: the
-- name of an account that was deleted is not shown.

ALTER TABLE "Webhook" ADD COLUMN "createdById" UUID;
