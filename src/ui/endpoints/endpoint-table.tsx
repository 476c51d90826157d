/** A table of endpoints. Each row links to the console. */
import Link from "next/link";
import type { ManagedEndpoint } from "@/src/shared/management/schemas";
import type { ProjectTraffic } from "@/src/shared/management/traffic";
import { Badge } from "../components/badge";
import { RelativeTime } from "../components/relative-time";
import { formatCount } from "../format/format-number";
import { Sparkline } from "../traffic/sparkline";
import { KIND_LABELS } from "./kind-choice";

const NO_REQUESTS: readonly number[] = [0, 0];
const HEAD = "h-8 px-3 text-left text-data font-medium text-muted whitespace-nowrap";
const CELL = "h-row px-3 whitespace-nowrap";

export function EndpointTable({
  projectId,
  endpoints,
  traffic,
}: {
  projectId: string;
  endpoints: readonly ManagedEndpoint[];
  /** The last hour. Undefined: it is not known. */
  traffic?: ProjectTraffic | undefined;
}) {
  const rates = new Map(traffic?.endpoints.map((part) => [part.id, part]));
  return (
    <div className="overflow-x-auto rounded-md border border-line bg-surface">
      <table className="w-full border-collapse">
        <thead>
          <tr className="border-b border-line">
            <th scope="col" className={`${HEAD} w-full`}>
              Name
            </th>
            <th scope="col" className={`${HEAD} max-sm:hidden`}>
              Kind
            </th>
            <th scope="col" className={`${HEAD} max-sm:hidden`}>
              Access
            </th>
            <th scope="col" className={`${HEAD} text-right`}>
              Changes
            </th>
            <th scope="col" className={`${HEAD} text-right max-sm:hidden`}>
              Streams
            </th>
            <th scope="col" className={`${HEAD} text-right max-md:hidden`}>
              Requests, last hour
            </th>
            <th scope="col" className={`${HEAD} text-right`}>
              Last change
            </th>
          </tr>
        </thead>
        <tbody>
          {endpoints.map(({ id, name, kind, secure, changeCount, subscribers, lastChangeAt }) => (
            <tr key={id} className="relative border-b border-line transition-colors duration-[120ms] last:border-b-0 hover:bg-hover">
              <td className={`${CELL} max-w-0`}>
                <Link
                  href={`/p/${projectId}/endpoints/${id}/live`}
                  title={name}
                  className="block truncate font-mono text-data no-underline after:absolute after:inset-0"
                >
                  {name}
                </Link>
              </td>
              <td className={`${CELL} text-muted max-sm:hidden`}>{KIND_LABELS[kind]}</td>
              <td className={`${CELL} max-sm:hidden`}>
                {kind === "authentication" ? (
                  <span className="text-muted">Own account only</span>
                ) : secure ? (
                  <Badge>Secure</Badge>
                ) : (
                  <span className="text-muted">Open</span>
                )}
              </td>
              <td className={`${CELL} text-right`}>{formatCount(changeCount)}</td>
              <td className={`${CELL} text-right max-sm:hidden ${subscribers > 0 ? "text-live" : "text-muted"}`}>
                {formatCount(subscribers)}
              </td>
              <td className={`${CELL} text-right max-md:hidden`}>
                <span className="flex items-center justify-end gap-3">
                  <Sparkline values={rates.get(id)?.series ?? NO_REQUESTS} />
                  <span className="min-w-10">{formatCount(rates.get(id)?.requests ?? 0)}</span>
                </span>
              </td>
              <td className={`${CELL} text-right text-muted`}>
                <RelativeTime time={lastChangeAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
