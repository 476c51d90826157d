-- Saved views of an endpoint's records. A new table: nothing else is locked for longer than the foreign key needs.

-- CreateTable
CREATE TABLE "RecordView" (
    "id" UUID NOT NULL,
    "endpointId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "content" JSON NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "RecordView_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "RecordView_endpointId_name_key" ON "RecordView"("endpointId", "name");

-- AddForeignKey
ALTER TABLE "RecordView" ADD CONSTRAINT "RecordView_endpointId_fkey" FOREIGN KEY ("endpointId") REFERENCES "Endpoint"("id") ON DELETE CASCADE ON UPDATE CASCADE;
