// Decides about each message { from, to, text }: only the two people that it names can see it.
export default function ({ operation, user, record, input }) {
  const me = user.data.username;
  switch (operation) {
    case "read":
    case "subscribe":
      return { allow: record.data.from === me || record.data.to === me, reason: "This message is for somebody else." };
    case "create":
      return { allow: input.from === me && typeof input.to === "string", reason: "Write in your own name, and to somebody." };
    case "delete":
      return { allow: record.data.from === me, reason: "Only its author can delete a message." };
    default:
      return { allow: false, reason: "Messages cannot be changed." };
  }
}
