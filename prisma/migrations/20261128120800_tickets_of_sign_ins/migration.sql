-- A stream ticket belongs to the session or the management token that asked for it, and ends with it.

-- Tickets last 30 s. It is not known who asked for those that are there.
DELETE FROM "StreamTicket";

-- AlterTable
ALTER TABLE "StreamTicket" ADD COLUMN     "managementTokenId" UUID,
ADD COLUMN     "sessionId" UUID;

-- CreateIndex
CREATE INDEX "StreamTicket_sessionId_idx" ON "StreamTicket"("sessionId");

-- CreateIndex
CREATE INDEX "StreamTicket_managementTokenId_idx" ON "StreamTicket"("managementTokenId");

-- AddForeignKey
ALTER TABLE "StreamTicket" ADD CONSTRAINT "StreamTicket_sessionId_fkey" FOREIGN KEY ("sessionId") REFERENCES "Session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "StreamTicket" ADD CONSTRAINT "StreamTicket_managementTokenId_fkey" FOREIGN KEY ("managementTokenId") REFERENCES "ManagementToken"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "StreamTicket" ADD CONSTRAINT "StreamTicket_asked_by_one" CHECK (num_nonnulls("sessionId", "managementTokenId") = 1);
