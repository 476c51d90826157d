-- Most records belong to nobody, and are never looked up by owner: their entries in this index made each create, and publishing an import, dearer.

-- DropIndex
DROP INDEX "Record_endpointId_ownerId_seq_idx";

-- CreateIndex
CREATE INDEX "Record_endpointId_ownerId_seq_idx" ON "Record"("endpointId", "ownerId", "seq") WHERE "ownerId" IS NOT NULL;
