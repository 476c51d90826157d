/** A bare `node:http` server: reads and parses the body, and answers the bytes that it was given. The upper bound for a server on Node.js. */
import http from "node:http";

let answer = { status: 200, headers: [], body: "" };

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    if (chunks.length > 0) JSON.parse(Buffer.concat(chunks).toString());
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  });
});
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
process.on("message", (given) => {
  answer = given;
  process.send({ ready: true });
});
process.once("disconnect", () => process.exit());
