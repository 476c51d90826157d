/** Sketches for an ESP32 in the Arduino IDE. */
import { type Language, SAMPLE_USER, toQuoted, type Values } from "./program";

const toRaw = (text: string) => (text.includes(')"') ? toQuoted(text) : `R"(${text})"`);

const CERTIFICATE = `
// The root certificate of the server's certificate, in PEM. Without it, anybody on the way could read the key.
const char* ROOT_CA = R"(-----BEGIN CERTIFICATE-----
…
-----END CERTIFICATE-----
)";
`;

const WIFI = `const char* WIFI_NAME = "…";
const char* WIFI_PASSWORD = "…";
`;

const CONNECT = `  Serial.begin(115200);
  WiFi.begin(WIFI_NAME, WIFI_PASSWORD);
  while (WiFi.status() != WL_CONNECTED) delay(200);`;

const isSecure = (url: string) => /^(?:https|wss):/.test(url);

const toClient = (url: string) =>
  isSecure(url)
    ? { include: "#include <WiFiClientSecure.h>", variable: "WiFiClientSecure client;", setUp: "\n  client.setCACert(ROOT_CA);" }
    : { include: "#include <WiFiClient.h>", variable: "WiFiClient client;", setUp: "" };

const records = ({ http, authorization, sample, filter }: Values) => {
  const client = toClient(http);
  return `#include <ArduinoJson.h>
#include <HTTPClient.h>
#include <WiFi.h>
${client.include}

${WIFI}const String ENDPOINT = ${toQuoted(http)};
${isSecure(http) ? CERTIFICATE : ""}${client.variable}

String send(const char* method, const String& url, const String& body = "") {
  HTTPClient http;
  http.begin(client, url);
  http.addHeader("Content-Type", "application/json");
${authorization ? `  http.addHeader("Authorization", ${toQuoted(authorization)});\n` : ""}  int status = http.sendRequest(method, body);
  String text = status > 0 ? http.getString() : http.errorToString(status);
  if (status < 200 || status >= 300) Serial.printf("failed with %d\\n", status);
  http.end();
  return text;
}

void setup() {
${CONNECT}${client.setUp}

  // store a record
  const String data = ${toRaw(JSON.stringify(sample))};
  String stored = send("POST", ENDPOINT, data);
  Serial.println("stored: " + stored);
  JsonDocument record;
  deserializeJson(record, stored);
  String one = ENDPOINT + "&uniqueId=" + record["uniqueId"].as<String>();

  // read it
  Serial.println("read: " + send("GET", one));

  // list the newest 10
  Serial.println("newest: " + send("GET", ENDPOINT + "&limit=10&order=desc"));

  // list with a filter, the JSONata expression ${filter}
  Serial.println("filtered: " + send("GET", ENDPOINT + "&jsonata=${encodeURIComponent(filter)}"));

  // replace it, then delete it
  Serial.println("replaced: " + send("PUT", one, data));
  Serial.println("deleted: " + send("DELETE", one));
}

void loop() {}
`;
};

const stream = (values: Values) => {
  const { hostname, port, pathname, search } = new URL(values.stream.replace(/^ws/, "http"));
  const secure = isSecure(values.stream);
  const path = decodeURI(pathname + search);
  return `// Prints the stored records, then every change. Resumes after a lost connection.
// Libraries: WebSockets by Markus Sattler, ArduinoJson 7 by Benoit Blanchon.
#include <ArduinoJson.h>
#include <WebSocketsClient.h>
#include <WiFi.h>

${WIFI}const char* HOST = ${toQuoted(hostname)};
const uint16_t PORT = ${port || (secure ? 443 : 80)};
// maxMessage: the library rejects messages over 15 KiB. Larger records arrive as a notice of the type OMITTED.
const String PATH = ${toQuoted(`${path}&maxMessage=8192`)};
${secure ? CERTIFICATE : ""}
WebSocketsClient stream;
String cursor;  // where to resume
String path;    // the library keeps a pointer to it
int attempt = 0;
bool isWaiting = true;
unsigned long lostAt = 0;
unsigned long delayMs = 0;

void connect() {
  path = PATH + (cursor.isEmpty() ? String("&since=now&snapshot=true") : "&since=" + cursor);
  stream.${secure ? "beginSslWithCA(HOST, PORT, path.c_str(), ROOT_CA)" : "begin(HOST, PORT, path.c_str())"};
}

/** Waits twice as long after each failure, at most 32 s, and then connects again. */
void disconnected(const char* reason) {
  if (isWaiting) return;
  isWaiting = true;
  lostAt = millis();
  delayMs = (1000UL << min(attempt++, 5)) * random(50, 100) / 100;
  Serial.printf("disconnected (%s): connecting again in %lu ms\\n", reason, delayMs);
}

void received(uint8_t* text, size_t length) {
  JsonDocument message;
  if (deserializeJson(message, text, length)) return;
  attempt = 0;
  String type = message["type"];
  if (type == "GAP") {
    // Some changes are no longer kept: start over with the stored records.
    cursor = "";
    return disconnected("gap");
  }
  if (type == "SNAPSHOT") {
    for (JsonObject each : message["record"].as<JsonArray>()) Serial.println("record " + each["data"].as<String>());
  }
  if (type == "POST" || type == "PUT" || type == "DELETE") {
    Serial.println(type + " " + message["record"]["uniqueId"].as<String>() + " " + message["record"]["data"].as<String>());
  }
  // Parts of a snapshot have no cursor, except for the last one.
  cursor = message["cursor"] | "";
}

void handle(WStype_t type, uint8_t* payload, size_t length) {
  if (type == WStype_TEXT) received(payload, length);
  if (type == WStype_DISCONNECTED) disconnected("closed");
}

void setup() {
${CONNECT}
  stream.onEvent(handle);
  // Finds out that the connection is lost: a ping every 25 s, two of which may stay unanswered.
  stream.enableHeartbeat(25000, 10000, 2);
}

void loop() {
  if (isWaiting) {
    if (millis() - lostAt < delayMs) return;
    stream.disconnect();
    isWaiting = false;
    connect();
  }
  stream.loop();
}
`;
};

const users = ({ http }: Values) => {
  const client = toClient(http);
  return `#include <HTTPClient.h>
#include <WiFi.h>
${client.include}

${WIFI}const String ENDPOINT = ${toQuoted(http)};
const String USER = ${toRaw(SAMPLE_USER)};
${isSecure(http) ? CERTIFICATE : ""}${client.variable}
String token;

String send(const char* method, const String& url, const String& body = "") {
  HTTPClient http;
  const char* kept[] = {"Authorization"};
  http.begin(client, url);
  http.collectHeaders(kept, 1);
  http.addHeader("Content-Type", "application/json");
  if (!token.isEmpty()) http.addHeader("Authorization", "Bearer " + token);
  int status = http.sendRequest(method, body);
  String text = status > 0 ? http.getString() : http.errorToString(status);
  String header = http.header("Authorization");
  if (header.startsWith("Bearer ")) token = header.substring(7);
  http.end();
  return text;
}

void setup() {
${CONNECT}${client.setUp}

  // register; a name that is taken fails with username_taken
  Serial.println("registered: " + send("POST", ENDPOINT, USER));

  // log in: the header Authorization of the response has the access token
  send("POST", ENDPOINT + "&login=true&noATCookie=true", USER);

  // read the user's own record
  Serial.println("read: " + send("GET", ENDPOINT));

  // log out: revokes the token and closes its streams
  Serial.println("logged out: " + send("POST", ENDPOINT + "&logout=true"));
}

void loop() {}
`;
};

export const arduino: Language = {
  id: "arduino",
  label: "Arduino",
  syntax: "c",
  tasks: {
    records: (values) => ({ file: "records.ino", run: "the Arduino IDE, board ESP32; library ArduinoJson", code: records(values) }),
    stream: (values) => ({
      file: "follow.ino",
      run: "the Arduino IDE, board ESP32; libraries WebSockets and ArduinoJson",
      code: stream(values),
    }),
    users: (values) => ({ file: "users.ino", run: "the Arduino IDE, board ESP32", code: users(values) }),
  },
};
