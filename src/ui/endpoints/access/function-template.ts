/** Where a new access function starts. Refuses what it does not know. */
export const FUNCTION_TEMPLATE = `// Runs on the server for every request and every change of a stream, after the rules.
// Returns true, false or { allow, reason }. If it fails, access is refused.
export default async function access({ operation, user, record, input, find }) {
  // user: { uniqueId, endpoint, data }, or null if nobody is logged in.
  if (!user) return { allow: false, reason: "Log in first." };

  // data is the user's own record. Rules of the authentication endpoint must keep users from setting their role.
  if (user.data.role === "admin") return true;

  // A create has no stored record: input is its body.
  if (operation === "create") return input.author === user.uniqueId;

  // find reads records of this project: find(endpoint, { uniqueId }) or find(endpoint, { filter, limit }).
  // const [room] = await find("chat/rooms", { uniqueId: record.data.room });
  // return room !== undefined && room.data.members.includes(user.uniqueId);

  // read, update, delete and subscribe: record is { uniqueId, data, owner }.
  return record.owner === user.uniqueId;
}
`;
