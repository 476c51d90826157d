/** A table of open streams. On narrow windows each row becomes a card. */
import type { ReactNode } from "react";
import type { ConnectionView } from "@/src/shared/management/schemas";
import { Button } from "../components/button";
import { RelativeTime } from "../components/relative-time";
import { formatBytes, formatCount } from "../format/format-number";
import { shortenExpression, TRANSPORT_LABELS, toClientName } from "../stream/stream-name";

const COLUMNS = ["Endpoint", "Client", "Origin", "Transport", "Opened"];

export function ConnectionsTable({
  connections,
  onEnd,
}: {
  connections: readonly ConnectionView[];
  onEnd: (connection: ConnectionView) => void;
}) {
  return (
    <div className="@container rounded-md border border-line bg-surface">
      <table className="w-full text-left @max-[50rem]:block">
        <thead className="@max-[50rem]:sr-only">
          <tr className="border-b border-line text-data text-muted">
            {COLUMNS.map((column) => (
              <th key={column} scope="col" className="h-8 px-3 font-medium whitespace-nowrap first:pl-5">
                {column}
              </th>
            ))}
            <th scope="col" className="px-3 text-right font-medium">
              Lag
            </th>
            <th scope="col" className="px-3 text-right font-medium">
              Queue
            </th>
            <th scope="col" className="pr-3">
              <span className="sr-only">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody className="@max-[50rem]:block">
          {connections.map((connection) => (
            <ConnectionRow key={connection.id} connection={connection} onEnd={() => onEnd(connection)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ConnectionRow({ connection, onEnd }: { connection: ConnectionView; onEnd: () => void }) {
  const { endpoint, origin, transport, filter, openedAt, state, lag, queueBytes } = connection;
  const client = toClientName(connection);
  return (
    <tr className="border-b border-line last:border-b-0 @max-[50rem]:grid @max-[50rem]:grid-cols-3 @max-[50rem]:gap-x-4 @max-[50rem]:gap-y-2 @max-[50rem]:px-4 @max-[50rem]:py-3">
      <th
        scope="row"
        title={filter === null ? endpoint : `${endpoint}\nFilter: ${filter}`}
        className="h-row max-w-52 truncate py-1.5 pr-3 pl-5 font-mono text-data font-normal @max-[50rem]:col-span-3 @max-[50rem]:h-auto @max-[50rem]:max-w-none @max-[50rem]:p-0"
      >
        {endpoint}
        {filter === null ? null : <span className="block truncate text-muted">{shortenExpression(filter)}</span>}
      </th>
      <Cell label="Client" wide>
        {client}
      </Cell>
      <Cell label="Origin" wide>
        {origin ?? <span className="text-muted">None</span>}
      </Cell>
      <Cell label="Transport">{TRANSPORT_LABELS[transport]}</Cell>
      <Cell label="Opened">
        <RelativeTime time={openedAt} />
      </Cell>
      <Cell label="Lag" right>
        <span className={state === "replaying" ? "text-warn" : "text-muted"}>{state === "replaying" ? formatCount(lag) : "Live"}</span>
      </Cell>
      <Cell label="Queue" right>
        <span className={queueBytes > 0 ? "" : "text-muted"}>{formatBytes(queueBytes)}</span>
      </Cell>
      <td className="pr-2 text-right whitespace-nowrap @max-[50rem]:col-span-3 @max-[50rem]:-ml-3 @max-[50rem]:p-0 @max-[50rem]:text-left">
        <Button tone="quiet" onClick={onEnd} aria-label={`Disconnect ${client} from ${endpoint}`}>
          Disconnect
        </Button>
      </td>
    </tr>
  );
}

function Cell({ label, wide = false, right = false, children }: { label: string; wide?: boolean; right?: boolean; children: ReactNode }) {
  return (
    <td
      className={`px-3 @max-[50rem]:p-0 ${wide ? "max-w-48 truncate @max-[50rem]:col-span-3 @max-[50rem]:max-w-none" : "whitespace-nowrap"} ${right ? "text-right @max-[50rem]:text-left" : ""}`}
    >
      <span aria-hidden="true" className="hidden text-data text-muted @max-[50rem]:block">
        {label}
      </span>
      {children}
    </td>
  );
}
