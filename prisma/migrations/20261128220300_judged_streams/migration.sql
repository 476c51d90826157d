-- Whether an open stream receives only what access rules or an access function allow (W29). Servers of the former release write no value.
ALTER TABLE "OpenStream" ADD COLUMN "isJudged" BOOLEAN NOT NULL DEFAULT false;
