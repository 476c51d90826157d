-- Numbers over time, and the log of requests. Writers of records touch none of these tables. None has a foreign key: a job deletes the rows of deleted projects
-- in batches (ADR 16).

-- CreateTable
CREATE TABLE "TrafficCount" (
    "projectId" UUID NOT NULL,
    "span" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "endpointId" UUID NOT NULL,
    "keyId" UUID NOT NULL,
    "requests" INTEGER NOT NULL,
    "errors" INTEGER NOT NULL,
    "writes" INTEGER NOT NULL,
    "deliveries" BIGINT NOT NULL,
    "bytesIn" BIGINT NOT NULL,
    "bytesOut" BIGINT NOT NULL,
    "streams" INTEGER NOT NULL,
    "latencies" INTEGER[],

    CONSTRAINT "TrafficCount_pkey" PRIMARY KEY ("projectId","span","at","endpointId","keyId")
);

-- CreateTable
CREATE TABLE "TrafficError" (
    "projectId" UUID NOT NULL,
    "span" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "endpointId" UUID NOT NULL,
    "keyId" UUID NOT NULL,
    "code" TEXT NOT NULL,
    "count" INTEGER NOT NULL,

    CONSTRAINT "TrafficError_pkey" PRIMARY KEY ("projectId","span","at","endpointId","keyId","code")
);

-- CreateTable
CREATE TABLE "KeyUse" (
    "keyId" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "origin" TEXT,
    "address" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "KeyUse_pkey" PRIMARY KEY ("keyId")
);

-- CreateTable
CREATE TABLE "RequestRecording" (
    "projectId" UUID NOT NULL,
    "until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "RequestRecording_pkey" PRIMARY KEY ("projectId")
);

-- CreateTable
CREATE TABLE "LoggedRequest" (
    "id" BIGSERIAL NOT NULL,
    "projectId" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "endpointId" UUID NOT NULL,
    "keyId" UUID,
    "requestId" TEXT NOT NULL,
    "method" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "status" INTEGER NOT NULL,
    "code" TEXT,
    "detail" TEXT,
    "durationMs" REAL NOT NULL,
    "bytesIn" BIGINT NOT NULL,
    "bytesOut" BIGINT NOT NULL,
    "origin" TEXT,
    "address" TEXT NOT NULL,
    "seqs" BIGINT[],

    CONSTRAINT "LoggedRequest_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "TrafficCount_span_at_idx" ON "TrafficCount"("span", "at");

-- CreateIndex
CREATE INDEX "TrafficError_span_at_idx" ON "TrafficError"("span", "at");

-- CreateIndex
CREATE INDEX "KeyUse_projectId_idx" ON "KeyUse"("projectId");

-- CreateIndex
CREATE INDEX "LoggedRequest_projectId_id_idx" ON "LoggedRequest"("projectId", "id");
