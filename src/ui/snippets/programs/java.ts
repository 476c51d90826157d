/** Programs in Java. */
import { type Language, SAMPLE_USER, toQuoted, type Values } from "./program";

/** The JSON library of the programs. It is one file without dependencies. */
export const GSON = "gson-2.13.2.jar";

const toText = (value: unknown) => toQuoted(JSON.stringify(value));

const records = ({ http, authorization, sample, filter }: Values) => `import com.google.gson.JsonParser;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;

public class Records {
    static final String ENDPOINT = ${toQuoted(http)};
    // Some proxies do not understand the offer of HTTP/2 that Java's client makes over plain HTTP.
    static final HttpClient CLIENT = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    static String send(String method, String url, String body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url))
            .header("Content-Type", "application/json")
${authorization ? `            .header("Authorization", ${toQuoted(authorization)})\n` : ""}            .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
            .build();
        var response = CLIENT.send(request, BodyHandlers.ofString());
        if (response.statusCode() >= 400) throw new IllegalStateException(response.body());
        return response.body();
    }

    public static void main(String[] args) throws Exception {
        // store a record
        var data = ${toText(sample)};
        var stored = send("POST", ENDPOINT, data);
        System.out.println("stored: " + stored);
        var id = JsonParser.parseString(stored).getAsJsonObject().get("uniqueId").getAsString();
        var one = ENDPOINT + "&uniqueId=" + id;

        // read it
        System.out.println("read: " + send("GET", one, null));

        // list the newest 10
        System.out.println("newest: " + send("GET", ENDPOINT + "&limit=10&order=desc", null));

        // list with a filter: a JSONata expression
        var filter = URLEncoder.encode(${toQuoted(filter)}, StandardCharsets.UTF_8);
        System.out.println("filtered: " + send("GET", ENDPOINT + "&jsonata=" + filter, null));

        // replace it, then delete it
        System.out.println("replaced: " + send("PUT", one, data));
        System.out.println("deleted: " + send("DELETE", one, null));
    }
}
`;

const stream = (values: Values) => `import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Keeps a copy of the records: the stored ones first, then every change. Resumes after a lost connection. */
public class Follow {
    static final String STREAM = ${toQuoted(values.stream)};
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    static Map<String, JsonObject> records = new LinkedHashMap<>();
    static String cursor; // where to resume
    static int attempt;

    public static void main(String[] args) throws Exception {
        while (true) {
            String reason;
            try {
                reason = follow();
            } catch (CompletionException error) {
                reason = String.valueOf(error.getCause());
            }
            var delay = (long) (Math.min(30_000, 1000L << Math.min(attempt++, 5)) * (0.5 + Math.random() / 2));
            System.out.println("disconnected (" + reason + "): connecting again in " + delay + " ms");
            Thread.sleep(delay);
        }
    }

    /** A message, or the end of the connection. */
    record Event(String text, int code, String reason) {}

    /** Follows one connection until it ends. Returns why it ended. */
    static String follow() throws InterruptedException {
        var events = new LinkedBlockingQueue<Event>();
        var address = STREAM + (cursor == null ? "&since=now&snapshot=true" : "&since=" + cursor);
        var socket = CLIENT.newWebSocketBuilder()
            .connectTimeout(Duration.ofSeconds(30))
            .buildAsync(URI.create(address), new Listener(events))
            .join();
        var snapshot = new LinkedHashMap<String, JsonObject>();
        try {
            while (true) {
                // The server sends a message every 25 seconds.
                var event = events.poll(60, TimeUnit.SECONDS);
                if (event == null) return "silence";
                if (event.text() == null) {
                    // 4000: the stream was refused, for example because the key was revoked.
                    if (event.code() == 4000) {
                        System.err.println("refused: " + event.reason());
                        System.exit(1);
                    }
                    return event.code() + " " + event.reason();
                }
                if (!handle(JsonParser.parseString(event.text()).getAsJsonObject(), snapshot)) return "gap";
                socket.request(1);
            }
        } finally {
            socket.abort();
        }
    }

    /** Returns false if some changes are no longer kept. */
    static boolean handle(JsonObject message, Map<String, JsonObject> snapshot) {
        attempt = 0;
        var type = message.get("type").getAsString();
        var next = message.has("cursor") ? message.get("cursor").getAsString() : null;
        switch (type) {
            case "GAP" -> {
                // Start over with the stored records.
                cursor = null;
                return false;
            }
            case "SNAPSHOT" -> {
                for (var each : message.getAsJsonArray("record")) {
                    snapshot.put(each.getAsJsonObject().get("uniqueId").getAsString(), each.getAsJsonObject());
                }
                // Only the last part has a cursor.
                if (next != null) {
                    records = snapshot;
                    System.out.println(records.size() + " records");
                }
            }
            case "POST", "PUT", "DELETE" -> {
                var record = message.getAsJsonObject("record");
                var id = record.get("uniqueId").getAsString();
                if (type.equals("DELETE")) records.remove(id);
                else records.put(id, record);
                System.out.println(type + " " + id + " " + record.get("data"));
            }
            default -> {}
        }
        cursor = next;
        return true;
    }

    static class Listener implements WebSocket.Listener {
        final BlockingQueue<Event> events;
        final StringBuilder text = new StringBuilder();

        Listener(BlockingQueue<Event> events) {
            this.events = events;
        }

        /** A message arrives in parts. The next one is requested after this one was handled. */
        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean isLast) {
            text.append(part);
            if (isLast) {
                events.add(new Event(text.toString(), 0, ""));
                text.setLength(0);
            } else {
                socket.request(1);
            }
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            events.add(new Event(null, code, reason));
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            events.add(new Event(null, 1006, error.toString()));
        }
    }
}
`;

const users = ({ http }: Values) => `import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

public class Users {
    static final String ENDPOINT = ${toQuoted(http)};
    static final String USER = ${toQuoted(SAMPLE_USER)};
    // Some proxies do not understand the offer of HTTP/2 that Java's client makes over plain HTTP.
    static final HttpClient CLIENT = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    static HttpResponse<String> send(String method, String url, String body, String token) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).header("Content-Type", "application/json");
        if (token != null) request.header("Authorization", "Bearer " + token);
        request.method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        return CLIENT.send(request.build(), BodyHandlers.ofString());
    }

    public static void main(String[] args) throws Exception {
        // register; a name that is taken fails with username_taken
        System.out.println("registered: " + send("POST", ENDPOINT, USER, null).body());

        // log in: the header Authorization of the response has the access token
        var login = send("POST", ENDPOINT + "&login=true&noATCookie=true", USER, null);
        var token = login.headers().firstValue("Authorization").orElseThrow().replace("Bearer ", "");

        // read the user's own record
        System.out.println("read: " + send("GET", ENDPOINT, null, token).body());

        // log out: revokes the token and closes its streams
        System.out.println("logged out: " + send("POST", ENDPOINT + "&logout=true", null, token).body());
    }
}
`;

export const java: Language = {
  id: "java",
  label: "Java",
  syntax: "c",
  tasks: {
    records: (values) => ({ file: "Records.java", run: `java -cp ${GSON} Records.java`, code: records(values) }),
    stream: (values) => ({ file: "Follow.java", run: `java -cp ${GSON} Follow.java`, code: stream(values) }),
    users: (values) => ({ file: "Users.java", run: "java Users.java", code: users(values) }),
  },
};
