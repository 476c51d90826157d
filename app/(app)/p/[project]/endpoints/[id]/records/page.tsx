/** The records of an endpoint. The first paint includes the first rows. */
import type { Metadata } from "next";
import { NuqsAdapter } from "nuqs/adapters/next/app";
import { getOrigin } from "@/app/lib/current-page";
import { loadEndpoint, loadKeys, loadUser } from "@/app/lib/load-project";
import { parseRecordPageQuery } from "@/src/management/records/record-query";
import { listRecords } from "@/src/management/records/records";
import { getRuntime } from "@/src/runtime/registry";
import { isAppError } from "@/src/shared/errors";
import { RECORD_ORDERS } from "@/src/shared/record-limits";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointQuery, keysQuery } from "@/src/ui/api/queries";
import { type GridQuery, ORDER_DEFAULT, parseGridPage, toParameters } from "@/src/ui/api/record-rows";
import { recordsQuery } from "@/src/ui/api/records";
import { RecordsPage } from "@/src/ui/records/records-page";

export const metadata: Metadata = { title: "Records" };

/** Limits the size of the page. If the first records are larger, the page loads them in the browser. */
const CHARACTERS = 256 * 1024;
const RECORDS = "100";

interface Props {
  params: Promise<{ project: string; id: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function Page({ params, searchParams }: Props) {
  const { project, id } = await params;
  const query = toQuery(await searchParams);
  const { config } = getRuntime();
  const [user, endpoint, keys] = await Promise.all([loadUser(), loadEndpoint(project, id), loadKeys(project)]);
  const first = await readFirst(user.id, id, query);
  return (
    <Prefetched
      data={[
        [endpointQuery(id).queryKey, endpoint],
        [keysQuery(project).queryKey, keys],
        ...(first === undefined
          ? []
          : [[recordsQuery(id, query).queryKey, { pages: [parseGridPage(first)], pageParams: [null] }] as const]),
      ]}
    >
      <NuqsAdapter>
        <RecordsPage key={id} projectId={project} endpointId={id} origin={await getOrigin(config.publicUrl)} />
      </NuqsAdapter>
    </Prefetched>
  );
}

/** The first page of records as JSON text. Undefined if the query is invalid: the browser then requests it and shows the error. */
async function readFirst(ownerId: string, endpointId: string, query: GridQuery): Promise<string | undefined> {
  try {
    const parameters = toParameters(query);
    parameters.set("limit", RECORDS);
    const { db, changes, recordSearch: search } = getRuntime();
    return await listRecords({
      db,
      changes,
      search,
      ownerId,
      endpointId,
      query: parseRecordPageQuery(parameters),
      charactersMax: CHARACTERS,
    });
  } catch (error) {
    if (isAppError(error) && error.code === "parameter_invalid") return undefined;
    throw error;
  }
}

/** Reads the URL in the same way as useRecordsUrl does in the browser. */
function toQuery({ q, filter, sort }: Record<string, string | string[] | undefined>): GridQuery {
  return {
    search: [q].flat()[0] ?? "",
    filters: [filter].flat().filter((each) => each !== undefined),
    order: RECORD_ORDERS.find((order) => order === [sort].flat()[0]) ?? ORDER_DEFAULT,
  };
}
