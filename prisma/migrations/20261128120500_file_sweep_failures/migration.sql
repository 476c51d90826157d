-- How often the storage failed to remove a file: the delay until the next attempt grows with it, so that such files do not keep others from being swept.

-- AlterTable
ALTER TABLE "StoredFile" ADD COLUMN     "sweepFailures" INTEGER NOT NULL DEFAULT 0;
