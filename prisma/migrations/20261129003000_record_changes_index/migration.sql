-- The changes of one record in the log, which the dashboard shows as its history. Without it, the whole log of the endpoint is read.
--
-- Servers of the former release write while it is built. PostgreSQL refuses this in a transaction, so the file has no other statement.

-- CreateIndex
CREATE INDEX CONCURRENTLY "Change_recordId_seq_idx" ON "Change"("recordId", "seq");
