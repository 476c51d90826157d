/** The numbers of a project by endpoint, key and error. */
import type { ReactNode } from "react";
import type { ProjectTraffic } from "@/src/shared/management/traffic";
import { Section } from "../components/page/page";
import { RelativeTime } from "../components/relative-time";
import { formatCount } from "../format/format-number";
import { formatShare } from "./format-traffic";
import { Sparkline } from "./sparkline";

const HEAD = "h-8 px-3 text-right text-data font-medium text-muted whitespace-nowrap first:text-left";
const CELL = "h-row px-3 text-right whitespace-nowrap tabular-nums";
const NAME = "h-row max-w-0 w-full truncate px-3 text-left font-normal";

function Table({
  title,
  head,
  children,
}: {
  title: string;
  head: readonly (string | { text: string; wide: true })[];
  children: ReactNode;
}) {
  return (
    <Section title={title}>
      <div className="overflow-x-auto rounded-md border border-line bg-surface">
        <table className="w-full border-collapse">
          <thead>
            <tr className="border-b border-line">
              {head.map((column) => (
                <th
                  key={typeof column === "string" ? column : column.text}
                  scope="col"
                  className={`${HEAD} ${typeof column === "string" ? "" : "max-sm:hidden"}`}
                >
                  {typeof column === "string" ? column : column.text}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      </div>
    </Section>
  );
}

const ROW = "border-b border-line last:border-b-0";
const WIDE = "max-sm:hidden";

function Errors({ errors, requests }: { errors: number; requests: number }) {
  return (
    <td className={`${CELL} ${errors > 0 ? "text-delete" : "text-muted"}`} title={formatShare(errors, requests)}>
      {formatCount(errors)}
    </td>
  );
}

export function EndpointParts({ endpoints, onSelect }: { endpoints: ProjectTraffic["endpoints"]; onSelect: (id: string) => void }) {
  if (endpoints.length === 0) return null;
  const head = ["Endpoint", { text: "Over time", wide: true }, "Requests", "Errors", { text: "Writes", wide: true }, "Deliveries"] as const;
  return (
    <Table title="By endpoint" head={head}>
      {endpoints.map(({ id, name, requests, errors, writes, deliveries, series }) => (
        <tr key={id} className={ROW}>
          <th scope="row" className={`${NAME} font-mono text-data`}>
            <Choice
              name={name ?? (id === null ? "Others" : "Deleted endpoint")}
              onSelect={name === null || id === null ? undefined : () => onSelect(id)}
            />
          </th>
          <td className={`${CELL} ${WIDE} w-30`}>
            <Sparkline values={series} className="ml-auto" />
          </td>
          <td className={CELL}>{formatCount(requests)}</td>
          <Errors errors={errors} requests={requests} />
          <td className={`${CELL} ${WIDE}`}>{formatCount(writes)}</td>
          <td className={CELL}>{formatCount(deliveries)}</td>
        </tr>
      ))}
    </Table>
  );
}

export function KeyParts({ keys, onSelect }: { keys: ProjectTraffic["keys"]; onSelect: (id: string) => void }) {
  if (keys.length === 0) return null;
  const head = [
    "Key",
    "Requests",
    "Errors",
    { text: "Last origin", wide: true },
    { text: "Last address", wide: true },
    "Last used",
  ] as const;
  return (
    <Table title="By key" head={head}>
      {keys.map(({ id, name, requests, errors, lastOrigin, lastAddress, lastUsedAt }) => (
        <tr key={id} className={ROW}>
          <th scope="row" className={NAME}>
            <Choice
              name={name ?? (id === null ? "No key (dashboard)" : "Deleted key")}
              onSelect={name === null || id === null ? undefined : () => onSelect(id)}
            />
          </th>
          <td className={CELL}>{formatCount(requests)}</td>
          <Errors errors={errors} requests={requests} />
          <td className={`${CELL} ${WIDE} max-w-52 truncate text-muted`} title={lastOrigin ?? undefined}>
            {lastOrigin ?? "–"}
          </td>
          <td className={`${CELL} ${WIDE} font-mono text-data text-muted`}>{lastAddress ?? "–"}</td>
          <td className={`${CELL} text-muted`}>{id === null ? "–" : <RelativeTime time={lastUsedAt} />}</td>
        </tr>
      ))}
    </Table>
  );
}

/** A name that selects its part. Without `onSelect`, there is nothing to select. */
function Choice({ name, onSelect }: { name: string; onSelect: (() => void) | undefined }) {
  if (!onSelect) return <span className="text-muted">{name}</span>;
  return (
    <button
      type="button"
      onClick={onSelect}
      title={name}
      className="block max-w-full truncate rounded-sm text-left hover:underline pointer-coarse:h-11"
    >
      {name}
      <span className="sr-only">: show only this</span>
    </button>
  );
}

export function CodeParts({
  codes,
  requests,
  toHref,
}: {
  codes: ProjectTraffic["codes"];
  requests: number;
  toHref: (code: string) => string;
}) {
  if (codes.length === 0) return null;
  return (
    <Table title="Errors by code" head={["Code", "Share of requests", "Requests"]}>
      {codes.map(({ code, count }) => (
        <tr key={code} className={ROW}>
          <th scope="row" className={`${NAME} font-mono text-data`}>
            <a href={toHref(code)}>
              {code}
              <span className="sr-only">: show the last requests</span>
            </a>
          </th>
          <td className={`${CELL} text-muted`}>{formatShare(count, requests)}</td>
          <td className={CELL}>{formatCount(count)}</td>
        </tr>
      ))}
    </Table>
  );
}
