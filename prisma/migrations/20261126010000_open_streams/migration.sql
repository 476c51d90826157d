-- Which streams are open, on which server: what the dashboard lists. Unlogged: rows are written and forgotten all the time, and a crash ends streams anyway.

-- CreateTable
CREATE UNLOGGED TABLE "ServerNode" (
    "id" UUID NOT NULL,
    "seenAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ServerNode_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE UNLOGGED TABLE "OpenStream" (
    "id" UUID NOT NULL,
    "nodeId" UUID NOT NULL,
    "endpointId" UUID NOT NULL,
    "keyId" UUID,
    "userId" UUID,
    "onlyOwner" UUID,
    "transport" TEXT NOT NULL,
    "origin" TEXT,
    "isResumable" BOOLEAN NOT NULL,
    "openedAt" TIMESTAMPTZ(3) NOT NULL,
    "openedSeq" BIGINT NOT NULL,
    "replayedTo" BIGINT,
    "queueBytes" INTEGER NOT NULL,
    "endRequestedAt" TIMESTAMPTZ(3),

    CONSTRAINT "OpenStream_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "OpenStream_nodeId_idx" ON "OpenStream"("nodeId");

-- CreateIndex
CREATE INDEX "OpenStream_endpointId_idx" ON "OpenStream"("endpointId");

-- AddForeignKey
ALTER TABLE "OpenStream" ADD CONSTRAINT "OpenStream_nodeId_fkey" FOREIGN KEY ("nodeId") REFERENCES "ServerNode"("id") ON DELETE CASCADE ON UPDATE CASCADE;
