/** A table of users with columns of their own fields. Each row opens the user. */
import type { AppUserView } from "@/src/shared/management/schemas";
import { type GridRow, toNode } from "../api/record-rows";
import { RelativeTime } from "../components/relative-time";
import { formatCount } from "../format/format-number";
import { CellValue } from "../records/grid/cell";
import { toCellContent } from "../records/grid/cell-content";

const HEAD = "h-8 px-3 text-data font-medium text-muted whitespace-nowrap";
const CELL = "h-row px-3 whitespace-nowrap";
const FIELDS_MAX = 3;
/** These are shown as the name, or decide nothing here. */
const KNOWN = new Set(["username", "email"]);

interface Props {
  users: readonly AppUserView[];
  /** By id; undefined while they are read. */
  records: ReadonlyMap<string, GridRow> | undefined;
  onChoose: (user: AppUserView) => void;
}

export function UsersTable({ users, records, onChoose }: Props) {
  const fields = chooseFields(records);
  return (
    <table className="w-full border-collapse text-left">
      <thead>
        <tr className="border-b border-line">
          <th scope="col" className={`${HEAD} w-full pl-5`}>
            Name
          </th>
          {fields.map((field) => (
            <th key={field} scope="col" title={field} className={`${HEAD} max-w-48 truncate font-mono font-normal max-md:hidden`}>
              {field}
            </th>
          ))}
          <th scope="col" className={`${HEAD} max-sm:hidden`}>
            Registered
          </th>
          <th scope="col" className={`${HEAD} text-right`}>
            Sessions
          </th>
          <th scope="col" className={`${HEAD} pr-5 text-right`}>
            Last active
          </th>
        </tr>
      </thead>
      <tbody>
        {users.map((user) => (
          <tr key={user.id} className="relative border-b border-line transition-colors duration-[120ms] last:border-b-0 hover:bg-hover">
            <th scope="row" className={`${CELL} max-w-0 pl-5 font-normal`}>
              <button
                type="button"
                title={user.name}
                onClick={() => onChoose(user)}
                className="block w-full min-w-32 truncate text-left font-medium after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-focus"
              >
                {user.name}
              </button>
            </th>
            {fields.map((field) => {
              const row = records?.get(user.id);
              const content = row ? toCellContent(row, [field]) : undefined;
              return (
                <td
                  key={field}
                  className={`${CELL} max-w-48 truncate font-mono text-data tabular-nums max-md:hidden ${content?.kind === "number" ? "text-right" : ""}`}
                >
                  {content ? <CellValue content={content} showTimes /> : null}
                </td>
              );
            })}
            <td className={`${CELL} text-muted max-sm:hidden`}>
              <RelativeTime time={user.createdAt} />
            </td>
            <td className={`${CELL} text-right ${user.sessions > 0 ? "" : "text-muted"}`}>{formatCount(user.sessions)}</td>
            <td className={`${CELL} pr-5 text-right text-muted`}>
              <RelativeTime time={user.lastUsedAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The most common fields of the users on this page. */
function chooseFields(records: Props["records"]): readonly string[] {
  const counts = new Map<string, number>();
  for (const row of records?.values() ?? []) {
    const node = toNode(row);
    for (const { key } of node?.kind === "object" ? node.entries : []) if (!KNOWN.has(key)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .slice(0, FIELDS_MAX)
    .map(([key]) => key);
}
