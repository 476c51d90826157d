/** Gives up the rights of root in a sandbox worker, before it gets its first job. */

/** The overflow user and group: `nobody` on every Linux, and mapped in every container. */
const UNPRIVILEGED_ID = 65_534;

/**
 * As root, becomes an unprivileged user in an unprivileged group, which can't be taken back: the system drops all capabilities with it. Otherwise, and on
 * Windows, does nothing. Done by the worker itself once it runs, because Node and the script may lie where only root may read. Where the system does not
 * allow it (a user namespace without that user), the worker stays what it is: Node's permission flag still holds.
 */
export function dropPrivileges(): void {
  if (process.getuid?.() !== 0) return;
  try {
    process.setgroups?.([UNPRIVILEGED_ID]);
    process.setgid?.(UNPRIVILEGED_ID);
    process.setuid?.(UNPRIVILEGED_ID);
  } catch {
    // The server sees whose process it is, and warns.
  }
}
