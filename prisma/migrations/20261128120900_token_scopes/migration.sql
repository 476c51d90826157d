-- Management tokens have a scope, and may be limited to some projects. Those that there are may do everything, as before.

-- CreateEnum
CREATE TYPE "TokenScope" AS ENUM ('read', 'write');

-- AlterTable
ALTER TABLE "ManagementToken" ADD COLUMN     "allProjects" BOOLEAN NOT NULL DEFAULT true,
ADD COLUMN     "projectIds" UUID[] DEFAULT ARRAY[]::UUID[],
ADD COLUMN     "scope" "TokenScope" NOT NULL DEFAULT 'write';
