/** The live console of an endpoint. The first paint includes the newest changes. */
import type { Metadata } from "next";
import { NuqsAdapter } from "nuqs/adapters/next/app";
import { getOrigin } from "@/app/lib/current-page";
import { loadEndpoint, loadKeys, loadUser } from "@/app/lib/load-project";
import { listChanges } from "@/src/management/changes/list-changes";
import { getRuntime } from "@/src/runtime/registry";
import { isTemplateId } from "@/src/shared/text/templates";
import { Prefetched } from "@/src/ui/api/prefetched";
import { endpointQuery, keysQuery } from "@/src/ui/api/queries";
import { Console } from "@/src/ui/console/console";
import { ConsoleEngine } from "@/src/ui/console/engine/console-engine";
import type { Flush } from "@/src/ui/console/engine/console-messages";
import { type EventFilter, hasPattern, parseFilter } from "@/src/ui/console/engine/event-filter";
import { parseLogPage } from "@/src/ui/stream/stream-message";
import { TemplateNotice } from "@/src/ui/templates/template-notice";

export const metadata: Metadata = { title: "Live" };

/** More rows than fit in a large window, and more characters than fit in a row. */
const VIEW = { follow: true, count: 60, characters: 240 } as const;
const LIMITS = { eventsMax: 200, bytesMax: 16 * 1024 * 1024 };

interface Props {
  params: Promise<{ project: string; id: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function Page({ params, searchParams }: Props) {
  const { project, id } = await params;
  const { q, op, dim, time, at, change, template } = await searchParams;
  const first = (value: string | string[] | undefined) => [value].flat()[0] ?? null;
  const filter = parseFilter({ q: first(q), op: first(op), dim: first(dim), time: first(time) });
  // The worker reads another part of the log, and matches regular expressions.
  const isPlain = at === undefined && change === undefined && !hasPattern(filter);
  const { db, changes: log, config } = getRuntime();
  const origin = await getOrigin(config.publicUrl);
  const [user, endpoint, keys] = await Promise.all([loadUser(), loadEndpoint(project, id), loadKeys(project)]);
  const changes = await listChanges({
    db,
    changes: log,
    ownerId: user.id,
    endpointId: id,
    before: null,
    after: null,
    recordId: null,
    limit: VIEW.count,
  });
  return (
    <Prefetched
      data={[
        [endpointQuery(id).queryKey, endpoint],
        [keysQuery(project).queryKey, keys],
      ]}
    >
      <NuqsAdapter>
        <div className="flex h-full min-h-0 flex-col">
          {isTemplateId(template) ? <TemplateNotice template={template} projectId={project} endpointId={id} origin={origin} /> : null}
          <div className="min-h-0 flex-1">
            <Console
              key={id}
              projectId={project}
              endpointId={id}
              origin={origin}
              initial={toFirstPaint(isPlain ? changes : undefined, filter)}
            />
          </div>
        </div>
      </NuqsAdapter>
    </Prefetched>
  );
}

/** The console's first paint, by the engine itself. `logPage`: the newest page of the log, as `endpoints/{id}/changes` returns it. */
function toFirstPaint(logPage: string | undefined, filter: EventFilter): Flush {
  const engine = new ConsoleEngine({ limits: LIMITS, filter, nowMs: () => Date.now() });
  if (logPage !== undefined) engine.begin(parseLogPage(logPage));
  engine.setView(VIEW);
  return engine.flush();
}
