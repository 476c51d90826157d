-- A server of the former release may have been writing while 20261128120300 added the counters. A write that had begun to wait for the endpoint's row
-- went on by the former functions, and was not counted. Such endpoints have a young last change.

-- Writers end first; those that come now count by the present functions.
LOCK TABLE "Endpoint" IN SHARE ROW EXCLUSIVE MODE;

UPDATE "Endpoint" e SET "recordCount" = held.records, "recordBytes" = held.bytes
  FROM (
    SELECT w."id", count(r."id") AS records, coalesce(sum(octet_length(r."data"::text)), 0) AS bytes
    FROM "Endpoint" w LEFT JOIN "Record" r ON r."endpointId" = w."id"
    WHERE w."projectId" IS NOT NULL
      AND EXISTS (SELECT FROM "Change" c WHERE c."endpointId" = w."id" AND c."seq" = w."seq" AND c."at" > clock_timestamp() - interval '1 hour')
    GROUP BY w."id") AS held
  WHERE held."id" = e."id" AND (e."recordCount" <> held.records OR e."recordBytes" <> held.bytes);
