/** Programs in Kotlin, for Android and the JVM. */
import { type Language, SAMPLE_USER, type Values } from "./program";

/** `text` as a literal of Kotlin, in which `$` begins a template. */
const toText = (text: string) => JSON.stringify(text).replaceAll("$", "\\$");

/** The Gradle dependencies of the programs. */
export const KOTLIN_LIBRARIES = ["com.squareup.okhttp3:okhttp:5.3.2", "com.google.code.gson:gson:2.13.2"];

const RUN = KOTLIN_LIBRARIES.map((library) => `implementation("${library}")`).join(" and ");

const send = (authorization: string | undefined) => `val client = OkHttpClient()
val json = "application/json".toMediaType()

fun send(method: String, url: HttpUrl, body: String? = null): String {
    val request = Request.Builder().url(url).method(method, body?.toRequestBody(json))
${authorization ? `    request.header("Authorization", ${toText(authorization)})\n` : ""}    client.newCall(request.build()).execute().use { response ->
        val text = response.body.string()
        check(response.isSuccessful) { text }
        return text
    }
}`;

const records = ({ http, authorization, sample, filter }: Values) => `import com.google.gson.JsonParser
import okhttp3.HttpUrl
import okhttp3.HttpUrl.Companion.toHttpUrl
import okhttp3.MediaType.Companion.toMediaType
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody

val endpoint = ${toText(http)}.toHttpUrl()
${send(authorization)}

fun HttpUrl.with(name: String, value: String) = newBuilder().addQueryParameter(name, value).build()

fun main() {
    // store a record
    val data = ${toText(JSON.stringify(sample))}
    val stored = send("POST", endpoint, data)
    println("stored: $stored")
    val one = endpoint.with("uniqueId", JsonParser.parseString(stored).asJsonObject["uniqueId"].asString)

    // read it
    println("read: " + send("GET", one))

    // list the newest 10
    println("newest: " + send("GET", endpoint.with("limit", "10").with("order", "desc")))

    // list with a filter: a JSONata expression
    println("filtered: " + send("GET", endpoint.with("jsonata", ${toText(filter)})))

    // replace it, then delete it
    println("replaced: " + send("PUT", one, data))
    println("deleted: " + send("DELETE", one))
}
`;

const stream = (values: Values) => `import com.google.gson.JsonObject
import com.google.gson.JsonParser
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.random.Random
import kotlin.system.exitProcess
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.Response
import okhttp3.WebSocket
import okhttp3.WebSocketListener

const val STREAM = ${toText(values.stream)}

/** A message, or the end of the connection. */
class Event(val text: String?, val code: Int = 0, val reason: String = "")

/** Keeps a copy of the records: the stored ones first, then every change. Resumes after a lost connection. */
class Copy {
    private val client = OkHttpClient.Builder().readTimeout(0, TimeUnit.SECONDS).build()
    private var records = mutableMapOf<String, JsonObject>()
    private var cursor: String? = null // where to resume
    private var attempt = 0

    fun run() {
        while (true) {
            val reason = follow()
            val delay = (minOf(30_000L, 1000L shl minOf(attempt++, 5)) * (0.5 + Random.nextDouble() / 2)).toLong()
            println("disconnected ($reason): connecting again in $delay ms")
            Thread.sleep(delay)
        }
    }

    /** Follows one connection until it ends. Returns why it ended. */
    private fun follow(): String {
        val events = LinkedBlockingQueue<Event>()
        val start = cursor?.let { "&since=$it" } ?: "&since=now&snapshot=true"
        val socket = client.newWebSocket(Request.Builder().url(STREAM + start).build(), Listener(events))
        val snapshot = mutableMapOf<String, JsonObject>()
        try {
            while (true) {
                // The server sends a message every 25 seconds.
                val event = events.poll(60, TimeUnit.SECONDS) ?: return "silence"
                if (event.text == null) {
                    // 4000: the stream was refused, for example because the key was revoked.
                    if (event.code == 4000) {
                        System.err.println("refused: \${event.reason}")
                        exitProcess(1)
                    }
                    return "\${event.code} \${event.reason}"
                }
                if (!handle(JsonParser.parseString(event.text).asJsonObject, snapshot)) return "gap"
            }
        } finally {
            socket.cancel()
        }
    }

    /** Returns false if some changes are no longer kept. */
    private fun handle(message: JsonObject, snapshot: MutableMap<String, JsonObject>): Boolean {
        attempt = 0
        val next = message["cursor"]?.asString
        when (val type = message["type"].asString) {
            "GAP" -> {
                // Start over with the stored records.
                cursor = null
                return false
            }
            "SNAPSHOT" -> {
                for (each in message.getAsJsonArray("record")) {
                    snapshot[each.asJsonObject["uniqueId"].asString] = each.asJsonObject
                }
                // Only the last part has a cursor.
                if (next != null) {
                    records = snapshot
                    println("\${records.size} records")
                }
            }
            "POST", "PUT", "DELETE" -> {
                val record = message.getAsJsonObject("record")
                val id = record["uniqueId"].asString
                if (type == "DELETE") records.remove(id) else records[id] = record
                println("$type $id \${record["data"]}")
            }
        }
        cursor = next
        return true
    }

    private class Listener(val events: LinkedBlockingQueue<Event>) : WebSocketListener() {
        override fun onMessage(webSocket: WebSocket, text: String) {
            events.put(Event(text))
        }

        override fun onClosing(webSocket: WebSocket, code: Int, reason: String) {
            events.put(Event(null, code, reason))
        }

        override fun onFailure(webSocket: WebSocket, t: Throwable, response: Response?) {
            events.put(Event(null, 1006, t.toString()))
        }
    }
}

fun main() = Copy().run()
`;

const users = ({ http }: Values) => `import okhttp3.HttpUrl
import okhttp3.HttpUrl.Companion.toHttpUrl
import okhttp3.MediaType.Companion.toMediaType
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody

val endpoint = ${toText(http)}.toHttpUrl()
const val USER = ${toText(SAMPLE_USER)}
val client = OkHttpClient()
val json = "application/json".toMediaType()

/** The text of the response, and its header Authorization. */
fun send(method: String, url: HttpUrl, body: String? = null, token: String? = null): Pair<String, String?> {
    val request = Request.Builder().url(url).method(method, body?.toRequestBody(json))
    if (token != null) request.header("Authorization", "Bearer $token")
    client.newCall(request.build()).execute().use { response ->
        return response.body.string() to response.header("Authorization")
    }
}

fun HttpUrl.with(name: String, value: String) = newBuilder().addQueryParameter(name, value).build()

fun main() {
    // register; a name that is taken fails with username_taken
    println("registered: " + send("POST", endpoint, USER).first)

    // log in: the header Authorization of the response has the access token
    val (_, header) = send("POST", endpoint.with("login", "true").with("noATCookie", "true"), USER)
    val token = checkNotNull(header).removePrefix("Bearer ")

    // read the user's own record
    println("read: " + send("GET", endpoint, token = token).first)

    // log out: revokes the token and closes its streams
    println("logged out: " + send("POST", endpoint.with("logout", "true"), "", token).first)
}
`;

export const kotlin: Language = {
  id: "kotlin",
  label: "Kotlin",
  syntax: "c",
  tasks: {
    records: (values) => ({ file: "Records.kt", run: RUN, code: records(values) }),
    stream: (values) => ({ file: "Follow.kt", run: RUN, code: stream(values) }),
    users: (values) => ({ file: "Users.kt", run: RUN, code: users(values) }),
  },
};
