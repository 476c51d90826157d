/** Programs in C#. */
import { type Language, SAMPLE_USER, toQuoted, type Values } from "./program";

const records = ({ http, authorization, sample, filter }: Values) => `using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

const string endpoint = ${toQuoted(http)};
using var client = new HttpClient();
${
  authorization
    ? `client.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(${toQuoted(authorization)});\n`
    : `client.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));\n`
}
async Task<string> Send(HttpMethod method, string url, string? body = null)
{
    using var request = new HttpRequestMessage(method, url);
    if (body != null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
    using var response = await client.SendAsync(request);
    var text = await response.Content.ReadAsStringAsync();
    if (!response.IsSuccessStatusCode) throw new HttpRequestException(text);
    return text;
}

// store a record
var data = ${toQuoted(JSON.stringify(sample))};
var stored = await Send(HttpMethod.Post, endpoint, data);
Console.WriteLine($"stored: {stored}");
var one = $"{endpoint}&uniqueId={JsonNode.Parse(stored)!["uniqueId"]}";

// read it
Console.WriteLine($"read: {await Send(HttpMethod.Get, one)}");

// list the newest 10
Console.WriteLine($"newest: {await Send(HttpMethod.Get, $"{endpoint}&limit=10&order=desc")}");

// list with a filter: a JSONata expression
var filter = Uri.EscapeDataString(${toQuoted(filter)});
Console.WriteLine($"filtered: {await Send(HttpMethod.Get, $"{endpoint}&jsonata={filter}")}");

// replace it, then delete it
Console.WriteLine($"replaced: {await Send(HttpMethod.Put, one, data)}");
Console.WriteLine($"deleted: {await Send(HttpMethod.Delete, one)}");
`;

const stream = (
  values: Values,
) => `// Keeps a copy of the records: the stored ones first, then every change. Resumes after a lost connection.
using System.Net.WebSockets;
using System.Text.Json.Nodes;

const string stream = ${toQuoted(values.stream)};
var records = new Dictionary<string, JsonNode>();
string? cursor = null; // where to resume
var attempt = 0;

while (true)
{
    string reason;
    try
    {
        reason = await Follow();
    }
    catch (Exception error) when (error is WebSocketException or OperationCanceledException or IOException)
    {
        reason = error.Message;
    }
    var delay = Math.Min(30_000, 1000 << Math.Min(attempt++, 5)) * (0.5 + Random.Shared.NextDouble() / 2);
    Console.WriteLine($"disconnected ({reason}): connecting again in {delay:0} ms");
    await Task.Delay(TimeSpan.FromMilliseconds(delay));
}

// Follows one connection until it ends. Returns why it ended.
async Task<string> Follow()
{
    using var socket = new ClientWebSocket();
    using var handshake = new CancellationTokenSource(TimeSpan.FromSeconds(30));
    var start = cursor == null ? "&since=now&snapshot=true" : $"&since={cursor}";
    await socket.ConnectAsync(new Uri(stream + start), handshake.Token);
    var snapshot = new Dictionary<string, JsonNode>();
    while (true)
    {
        var text = await Receive(socket);
        if (text == null)
        {
            // 4000: the stream was refused, for example because the key was revoked.
            if ((int?)socket.CloseStatus == 4000)
            {
                Console.Error.WriteLine($"refused: {socket.CloseStatusDescription}");
                Environment.Exit(1);
            }
            return $"{(int?)socket.CloseStatus} {socket.CloseStatusDescription}";
        }
        attempt = 0;
        var message = JsonNode.Parse(text)!;
        var type = (string)message["type"]!;
        var next = (string?)message["cursor"];
        if (type == "GAP")
        {
            // Some changes are no longer kept: start over with the stored records.
            cursor = null;
            return "gap";
        }
        if (type == "SNAPSHOT")
        {
            foreach (var each in message["record"]!.AsArray()) snapshot[(string)each!["uniqueId"]!] = each;
            // Only the last part has a cursor.
            if (next != null)
            {
                records = snapshot;
                Console.WriteLine($"{records.Count} records");
            }
        }
        if (type is "POST" or "PUT" or "DELETE")
        {
            var record = message["record"]!;
            var id = (string)record["uniqueId"]!;
            if (type == "DELETE") records.Remove(id);
            else records[id] = record;
            Console.WriteLine($"{type} {id} {record["data"]?.ToJsonString() ?? "null"}");
        }
        cursor = next;
    }
}

// Reads a message, which arrives in parts. Returns null if the server closed the connection.
async Task<byte[]?> Receive(ClientWebSocket socket)
{
    // The server sends a message every 25 seconds.
    using var silence = new CancellationTokenSource(TimeSpan.FromSeconds(60));
    using var message = new MemoryStream();
    var buffer = new ArraySegment<byte>(new byte[16_384]);
    while (true)
    {
        var part = await socket.ReceiveAsync(buffer, silence.Token);
        if (part.MessageType == WebSocketMessageType.Close) return null;
        message.Write(buffer.Array!, 0, part.Count);
        if (part.EndOfMessage) return message.ToArray();
    }
}
`;

const users = ({ http }: Values) => `using System.Net.Http.Headers;
using System.Text;

const string endpoint = ${toQuoted(http)};
var user = ${toQuoted(SAMPLE_USER)};
using var client = new HttpClient();

async Task<HttpResponseMessage> Send(HttpMethod method, string url, string? body = null, string? token = null)
{
    var request = new HttpRequestMessage(method, url);
    if (body != null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
    if (token != null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
    return await client.SendAsync(request);
}

// register; a name that is taken fails with username_taken
var registered = await Send(HttpMethod.Post, endpoint, user);
Console.WriteLine($"registered: {await registered.Content.ReadAsStringAsync()}");

// log in: the header Authorization of the response has the access token
var login = await Send(HttpMethod.Post, $"{endpoint}&login=true&noATCookie=true", user);
var token = login.Headers.GetValues("Authorization").First().Replace("Bearer ", "");

// read the user's own record
var own = await Send(HttpMethod.Get, endpoint, token: token);
Console.WriteLine($"read: {await own.Content.ReadAsStringAsync()}");

// log out: revokes the token and closes its streams
var loggedOut = await Send(HttpMethod.Post, $"{endpoint}&logout=true", token: token);
Console.WriteLine($"logged out: {await loggedOut.Content.ReadAsStringAsync()}");
`;

export const csharp: Language = {
  id: "csharp",
  label: "C#",
  syntax: "c",
  tasks: {
    records: (values) => ({ file: "records.cs", run: "dotnet run records.cs (.NET 10)", code: records(values) }),
    stream: (values) => ({ file: "follow.cs", run: "dotnet run follow.cs (.NET 10)", code: stream(values) }),
    users: (values) => ({ file: "users.cs", run: "dotnet run users.cs (.NET 10)", code: users(values) }),
  },
};
