-- Of each endpoint's log the newest change that is no longer kept, so that a cursor that stands there can still be compared with it (W26).
-- A table of its own: the sweep must not wait for the endpoint's row, which every write locks.

-- CreateTable
CREATE TABLE "ExpiredChange" (
    "endpointId" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "recordId" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ExpiredChange_pkey" PRIMARY KEY ("endpointId")
);

-- AddForeignKey
ALTER TABLE "ExpiredChange" ADD CONSTRAINT "ExpiredChange_endpointId_fkey" FOREIGN KEY ("endpointId") REFERENCES "Endpoint"("id") ON DELETE CASCADE ON UPDATE CASCADE;
