import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Uses an endpoint with the JDK's default HttpClient, which offers h2c with every request over http. Prints what it saw as one line of JSON.
 * java Client.java URL   (…/api/1/ce/<name>?key=…)
 */
public class Client {
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    static HttpResponse<String> send(String method, String url, String type, String body, String... headers) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url));
        if (type != null) request.header("Content-Type", type);
        if (headers.length > 0) request.headers(headers);
        request.method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        return CLIENT.send(request.build(), BodyHandlers.ofString());
    }

    static HttpResponse<String> post(String url, String body) throws Exception {
        return send("POST", url, "application/json", body);
    }

    /** A record's `data`, and other values that need no real parser. */
    static String find(String pattern, String text) {
        var matcher = Pattern.compile(pattern).matcher(text);
        if (!matcher.find()) throw new IllegalStateException(pattern + " is not in " + text);
        return matcher.group(1);
    }

    static String data(String text) {
        return find("\"data\":(\\{[^}]*\\})", text);
    }

    static String id(String text) {
        return find("\"uniqueId\":\"([^\"]+)\"", text);
    }

    public static void main(String[] args) throws Exception {
        var url = args[0];
        var created = post(url, "{\"text\":\"café\",\"from\":\"HttpClient\"}");
        var one = url + "&uniqueId=" + id(created.body());
        var read = send("GET", one, null, null);
        var list = send("GET", url + "&limit=1", null, null);
        var etag = read.headers().firstValue("ETag").orElseThrow();
        var replaced = send("PUT", one, "application/json", "{\"n\":2}", "If-Match", etag);
        var stale = send("PUT", one, "application/json", "{\"n\":3}", "If-Match", etag);

        var form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"pixel.png\"\r\n\r\n12345678\r\n--b--\r\n";
        var uploaded = send("POST", url, "multipart/form-data; boundary=b", form);
        var file = send("GET", url + "&fileOnly=true&uniqueId=" + id(uploaded.body()), null, null);
        var type = file.headers().firstValue("Content-Type").orElseThrow();

        var websocket = followSocket(url);
        var events = followEvents(url);
        var deleted = send("DELETE", one, null, null);
        var gone = send("GET", one, null, null);
        System.out.write(String.format("""
            {"created":[%d,%s],"read":[%d,%s],"listed":%d,"replaced":[%d,%d],"file":[%d,"%s",%d],\
            "websocket":["POST",%s],"events":["POST",%s],"deleted":[%d,%s]}
            """, created.statusCode(), data(created.body()), read.statusCode(), data(read.body()),
            Pattern.compile("\"uniqueId\"").matcher(list.body()).results().count(), replaced.statusCode(), stale.statusCode(),
            uploaded.statusCode(), type, file.body().length(), data(websocket), data(events), deleted.statusCode(), gone.body())
            .getBytes(StandardCharsets.UTF_8));
        System.out.flush();
        System.exit(0);
    }

    static String followSocket(String url) throws Exception {
        var message = new CompletableFuture<String>();
        var text = new StringBuilder();
        var socket = CLIENT.newWebSocketBuilder().buildAsync(URI.create(url.replaceFirst("^http", "ws")), new WebSocket.Listener() {
            @Override
            public CompletionStage<?> onText(WebSocket webSocket, CharSequence part, boolean isLast) {
                text.append(part);
                if (isLast) message.complete(text.toString());
                webSocket.request(1);
                return null;
            }
        }).join();
        post(url, "{\"n\":4}");
        var received = message.get();
        socket.abort();
        return received;
    }

    static String followEvents(String url) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).header("Accept", "text/event-stream").build();
        HttpResponse<Stream<String>> stream = CLIENT.send(request, BodyHandlers.ofLines());
        post(url, "{\"n\":6}");
        return stream.body().filter(line -> line.startsWith("data:") && line.contains("\"POST\"")).findFirst().orElseThrow();
    }
}
