/** A bare loop over the sockets of `ws`: each POST is answered after its body was sent to every socket. Nothing is stored. */
import http from "node:http";
import { WebSocketServer } from "ws";

const sockets = new Set();
const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    for (const socket of sockets) socket.send(body, { binary: false });
    response.writeHead(201, { "Content-Length": 2 }).end("{}");
  });
});
const streams = new WebSocketServer({ server, perMessageDeflate: false });
streams.on("connection", (socket) => {
  sockets.add(socket);
  socket.once("close", () => sockets.delete(socket));
});
// A turn with many sends takes longer than Node's default of 5 s, after which it would close connections whose next request has arrived.
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
process.once("disconnect", () => process.exit());
