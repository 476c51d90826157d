-- Open streams tell their filter, so that the dashboard can say whom a change was not sent to, and why.

-- AlterTable
ALTER TABLE "OpenStream" ADD COLUMN "filter" TEXT;
