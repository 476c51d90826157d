/** Programs in Go. */
import { type Language, SAMPLE_USER, toQuoted, type Values } from "./program";

/** `text` as a raw string of Go, or as a quoted one if it has a backquote. */
const toRaw = (text: string) => (text.includes("`") ? toQuoted(text) : `\`${text}\``);

const records = ({ http, authorization, sample, filter }: Values) => `package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"strings"
)

const endpoint = ${toQuoted(http)}

func send(method, address, body string) []byte {
	request, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
${authorization ? `	request.Header.Set("Authorization", ${toQuoted(authorization)})\n` : ""}	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	result, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	if response.StatusCode >= 400 {
		log.Fatalf("%s: %s", response.Status, result)
	}
	return result
}

func main() {
	// store a record
	data := ${toRaw(JSON.stringify(sample))}
	stored := send("POST", endpoint, data)
	fmt.Printf("stored: %s\\n", stored)
	var record struct {
		UniqueID string          \`json:"uniqueId"\`
		Data     json.RawMessage \`json:"data"\`
	}
	if err := json.Unmarshal(stored, &record); err != nil {
		log.Fatal(err)
	}
	one := endpoint + "&uniqueId=" + record.UniqueID

	// read it
	fmt.Printf("read: %s\\n", send("GET", one, ""))

	// list the newest 10
	fmt.Printf("newest: %s\\n", send("GET", endpoint+"&limit=10&order=desc", ""))

	// list with a filter: a JSONata expression
	filter := url.QueryEscape(${toQuoted(filter)})
	fmt.Printf("filtered: %s\\n", send("GET", endpoint+"&jsonata="+filter, ""))

	// replace it, then delete it
	fmt.Printf("replaced: %s\\n", send("PUT", one, data))
	fmt.Printf("deleted: %s\\n", send("DELETE", one, ""))
}
`;

const stream = (
  values: Values,
) => `// Keeps a copy of the records: the stored ones first, then every change. Resumes after a lost connection.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

const stream = ${toQuoted(values.stream)}

type record struct {
	UniqueID string          \`json:"uniqueId"\`
	Data     json.RawMessage \`json:"data"\`
}

type message struct {
	Type   string          \`json:"type"\`
	Cursor string          \`json:"cursor"\`
	Record json.RawMessage \`json:"record"\`
}

var (
	records = map[string]record{}
	cursor  string // where to resume
	attempt int
)

func main() {
	for {
		err := follow()
		// 4000: the stream was refused, for example because the key was revoked.
		if websocket.CloseStatus(err) == 4000 {
			log.Fatalf("refused: %v", err)
		}
		delay := min(30*time.Second, time.Second<<min(attempt, 5))
		delay = delay/2 + rand.N(delay/2)
		attempt++
		fmt.Printf("disconnected (%v): connecting again in %v\\n", err, delay.Round(time.Millisecond))
		time.Sleep(delay)
	}
}

// follow follows one connection until it ends.
func follow() error {
	address := stream + "&since=now&snapshot=true"
	if cursor != "" {
		address = stream + "&since=" + cursor
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	socket, _, err := websocket.Dial(ctx, address, nil)
	if err != nil {
		return err
	}
	defer socket.CloseNow()
	socket.SetReadLimit(-1) // by default the library rejects messages over 32 KiB
	snapshot := map[string]record{}
	for {
		var received message
		if err := read(socket, &received); err != nil {
			return err
		}
		attempt = 0
		switch received.Type {
		case "GAP":
			// Some changes are no longer kept: start over with the stored records.
			cursor = ""
			return errors.New("gap")
		case "SNAPSHOT":
			var part []record
			if err := json.Unmarshal(received.Record, &part); err != nil {
				return err
			}
			for _, each := range part {
				snapshot[each.UniqueID] = each
			}
			// Only the last part has a cursor.
			if received.Cursor != "" {
				records = snapshot
				fmt.Println(len(records), "records")
			}
		case "POST", "PUT", "DELETE":
			var changed record
			if err := json.Unmarshal(received.Record, &changed); err != nil {
				return err
			}
			if received.Type == "DELETE" {
				delete(records, changed.UniqueID)
			} else {
				records[changed.UniqueID] = changed
			}
			fmt.Printf("%s %s %s\\n", received.Type, changed.UniqueID, changed.Data)
		}
		cursor = received.Cursor
	}
}

// read waits for a message. The server sends one every 25 seconds.
func read(socket *websocket.Conn, received *message) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return wsjson.Read(ctx, socket, received)
}
`;

const users = ({ http }: Values) => `package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
)

const endpoint = ${toQuoted(http)}
const user = ${toRaw(SAMPLE_USER)}

func send(method, address, body, token string) (http.Header, string) {
	request, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	result, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	return response.Header, string(result)
}

func main() {
	// register; a name that is taken fails with username_taken
	_, registered := send("POST", endpoint, user, "")
	fmt.Println("registered:", registered)

	// log in: the header Authorization of the response has the access token
	header, _ := send("POST", endpoint+"&login=true&noATCookie=true", user, "")
	token := strings.TrimPrefix(header.Get("Authorization"), "Bearer ")

	// read the user's own record
	_, own := send("GET", endpoint, "", token)
	fmt.Println("read:", own)

	// log out: revokes the token and closes its streams
	_, loggedOut := send("POST", endpoint+"&logout=true", "", token)
	fmt.Println("logged out:", loggedOut)
}
`;

export const go: Language = {
  id: "go",
  label: "Go",
  syntax: "c",
  tasks: {
    records: (values) => ({ file: "records.go", run: "go run records.go", code: records(values) }),
    stream: (values) => ({
      file: "follow.go",
      run: "go mod init follow && go get github.com/coder/websocket && go run follow.go",
      code: stream(values),
    }),
    users: (values) => ({ file: "users.go", run: "go run users.go", code: users(values) }),
  },
};
