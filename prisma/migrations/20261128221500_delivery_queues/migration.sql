-- Indexes with which the queues of e-mails to users and of webhooks read what is due, however much waits.
--
-- Both tables are short: requests are deleted after two hours, and deliveries after 1,000 of a webhook. Servers of the former release
-- write and read them as before.

CREATE INDEX "EmailRequest_scopeId_dueAt_idx" ON "EmailRequest"("scopeId", "dueAt") WHERE "dueAt" IS NOT NULL;

CREATE INDEX "WebhookDelivery_webhookId_seq_idx" ON "WebhookDelivery"("webhookId", "seq") WHERE "state" IN ('retrying', 'waiting');
