/** Programs in Swift, for Apple's platforms. */
import { type Language, SAMPLE_USER, type Values } from "./program";

/** `text` as a literal of Swift. JSON's escapes are written in another way there. */
const toText = (text: string) =>
  JSON.stringify(text)
    .replaceAll("\\b", "\\u{8}")
    .replaceAll("\\f", "\\u{c}")
    .replace(/\\u([\da-f]{4})/g, "\\u{$1}");

/** `text` as a raw literal of Swift, or as a quoted one if it has the raw literal's end. */
const toRaw = (text: string) => (text.includes('"#') || /[\n\r]/.test(text) ? toText(text) : `#"${text}"#`);

const records = ({ http, authorization, sample, filter }: Values) => `import Foundation

let endpoint = ${toText(http)}

func send(_ method: String, _ url: String, body: String? = nil) async throws -> Data {
  var request = URLRequest(url: URL(string: url)!)
  request.httpMethod = method
  request.httpBody = body?.data(using: .utf8)
  request.setValue("application/json", forHTTPHeaderField: "Content-Type")
${authorization ? `  request.setValue(${toText(authorization)}, forHTTPHeaderField: "Authorization")\n` : ""}  let (data, response) = try await URLSession.shared.data(for: request)
  guard let status = (response as? HTTPURLResponse)?.statusCode, status < 400 else {
    throw NSError(domain: String(decoding: data, as: UTF8.self), code: 1)
  }
  return data
}

func show(_ what: String, _ data: Data) {
  print("\\(what): \\(String(decoding: data, as: UTF8.self))")
}

// store a record
let data = ${toRaw(JSON.stringify(sample))}
let stored = try await send("POST", endpoint, body: data)
show("stored", stored)
let record = try JSONSerialization.jsonObject(with: stored) as! [String: Any]
let one = endpoint + "&uniqueId=\\(record["uniqueId"] as! String)"

// read it
show("read", try await send("GET", one))

// list the newest 10
show("newest", try await send("GET", endpoint + "&limit=10&order=desc"))

// list with a filter: a JSONata expression
let filter = ${toText(filter)}.addingPercentEncoding(withAllowedCharacters: .alphanumerics)!
show("filtered", try await send("GET", endpoint + "&jsonata=" + filter))

// replace it, then delete it
show("replaced", try await send("PUT", one, body: data))
show("deleted", try await send("DELETE", one))
`;

const stream = (values: Values) => `import Foundation

/// Keeps a copy of the records: the stored ones first, then every change. Resumes after a lost connection.
actor Copy {
  let stream = ${toText(values.stream)}
  var records: [String: [String: Any]] = [:]
  var cursor: String?  // where to resume
  var attempt = 0

  func run() async throws {
    while true {
      let reason: String
      do {
        reason = try await follow()
      } catch {
        reason = error.localizedDescription
      }
      let delay = min(30, pow(2, Double(min(attempt, 5)))) * Double.random(in: 0.5...1)
      attempt += 1
      print("disconnected (\\(reason)): connecting again in \\(delay) s")
      try await Task.sleep(nanoseconds: UInt64(delay * 1_000_000_000))
    }
  }

  /// Follows one connection until it ends. Returns why it ended.
  func follow() async throws -> String {
    let start = cursor.map { "&since=\\($0)" } ?? "&since=now&snapshot=true"
    let socket = URLSession.shared.webSocketTask(with: URL(string: stream + start)!)
    socket.maximumMessageSize = Int.max  // the default rejects messages over 1 MiB
    socket.resume()
    defer { socket.cancel() }
    var snapshot: [String: [String: Any]] = [:]
    while true {
      let text: String
      do {
        text = try await receive(socket)
      } catch {
        // 4000: the stream was refused, for example because the key was revoked.
        if socket.closeCode.rawValue == 4000 {
          print("refused: " + String(decoding: socket.closeReason ?? Data(), as: UTF8.self))
          exit(1)
        }
        throw error
      }
      attempt = 0
      let message = try JSONSerialization.jsonObject(with: Data(text.utf8)) as! [String: Any]
      let type = message["type"] as! String
      let next = message["cursor"] as? String
      switch type {
      case "GAP":
        // Some changes are no longer kept: start over with the stored records.
        cursor = nil
        return "gap"
      case "SNAPSHOT":
        for each in message["record"] as! [[String: Any]] { snapshot[each["uniqueId"] as! String] = each }
        // Only the last part has a cursor.
        if next != nil {
          records = snapshot
          print("\\(records.count) records")
        }
      case "POST", "PUT", "DELETE":
        let record = message["record"] as! [String: Any]
        let id = record["uniqueId"] as! String
        records[id] = type == "DELETE" ? nil : record
        print(type, id, record["data"] ?? "")
      default: break
      }
      cursor = next
    }
  }

  /// Waits for a message. The server sends one every 25 seconds.
  func receive(_ socket: URLSessionWebSocketTask) async throws -> String {
    let silence = Task {
      try await Task.sleep(nanoseconds: 60_000_000_000)
      socket.cancel()
    }
    defer { silence.cancel() }
    guard case .string(let text) = try await socket.receive() else { throw URLError(.cannotParseResponse) }
    return text
  }
}

try await Copy().run()
`;

const users = ({ http }: Values) => `import Foundation

let endpoint = ${toText(http)}
let user = ${toRaw(SAMPLE_USER)}

func send(_ method: String, _ url: String, body: String? = nil, token: String? = nil) async throws -> (String, HTTPURLResponse) {
  var request = URLRequest(url: URL(string: url)!)
  request.httpMethod = method
  request.httpBody = body?.data(using: .utf8)
  request.setValue("application/json", forHTTPHeaderField: "Content-Type")
  if let token = token { request.setValue("Bearer \\(token)", forHTTPHeaderField: "Authorization") }
  let (data, response) = try await URLSession.shared.data(for: request)
  return (String(decoding: data, as: UTF8.self), response as! HTTPURLResponse)
}

// register; a name that is taken fails with username_taken
print("registered:", try await send("POST", endpoint, body: user).0)

// log in: the header Authorization of the response has the access token
let (_, login) = try await send("POST", endpoint + "&login=true&noATCookie=true", body: user)
let token = login.value(forHTTPHeaderField: "Authorization")!.replacingOccurrences(of: "Bearer ", with: "")

// read the user's own record
print("read:", try await send("GET", endpoint, token: token).0)

// log out: revokes the token and closes its streams
print("logged out:", try await send("POST", endpoint + "&logout=true", token: token).0)
`;

export const swift: Language = {
  id: "swift",
  label: "Swift",
  syntax: "c",
  tasks: {
    records: (values) => ({ file: "records.swift", run: "swift records.swift (macOS 12 or later)", code: records(values) }),
    stream: (values) => ({ file: "follow.swift", run: "swift follow.swift (macOS 12 or later)", code: stream(values) }),
    users: (values) => ({ file: "users.swift", run: "swift users.swift (macOS 12 or later)", code: users(values) }),
  },
};
