/** The means by which the processes of a server work together (ADR 40). */
import type { CountExchange, LoginLimiter } from "@/src/core/limits/ports";
import type { BusLink } from "@/src/realtime/cluster/cluster-bus";

/** `data`: serves the endpoints and streams. `dashboard`: serves the dashboard and the management API. */
export type Role = "data" | "dashboard";

export interface Siblings {
  role: Role;
  /** The id of the server, which its processes share. */
  serverId: string;
  link: BusLink;
  counts: CountExchange;
  /** Counts the logins at authentication endpoints for the whole server. */
  loginLimiter: LoginLimiter;
}
