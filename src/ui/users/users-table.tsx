/** A table of users. Each row opens the user. */
import type { AppUserView } from "@/src/shared/management/schemas";
import { RelativeTime } from "../components/relative-time";
import { formatCount } from "../format/format-number";

const HEAD = "h-8 px-3 text-data font-medium text-muted whitespace-nowrap";
const CELL = "h-row px-3 whitespace-nowrap";

export function UsersTable({ users, onChoose }: { users: readonly AppUserView[]; onChoose: (user: AppUserView) => void }) {
  return (
    <table className="w-full border-collapse text-left">
      <thead>
        <tr className="border-b border-line">
          <th scope="col" className={`${HEAD} w-full pl-5`}>
            Name
          </th>
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
                className="block w-full truncate text-left font-medium after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-focus"
              >
                {user.name}
              </button>
            </th>
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
