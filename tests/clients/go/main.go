// Uses an endpoint with net/http and coder/websocket. Prints what it saw as one line of JSON.
//
//	go run . URL   (…/api/1/ce/<name>?key=…)
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

type record struct {
	UniqueID string          `json:"uniqueId"`
	Data     json.RawMessage `json:"data"`
}

type message struct {
	Type   string `json:"type"`
	Record record `json:"record"`
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func send(method, url, contentType, body string, header ...string) answer {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	check(err)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	check(err)
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	check(err)
	return answer{response.StatusCode, response.Header, read}
}

func post(url, body string) answer { return send("POST", url, "application/json", body) }

func decode(a answer) (decoded record) {
	check(json.Unmarshal(a.body, &decoded))
	return
}

func main() {
	url := os.Args[1]
	seen := map[string]any{}

	created := post(url, `{"text":"café","from":"net/http"}`)
	one := url + "&uniqueId=" + decode(created).UniqueID
	seen["created"] = []any{created.status, decode(created).Data}

	read := send("GET", one, "", "")
	var list []record
	check(json.Unmarshal(read.body, &list))
	seen["read"] = []any{read.status, list[0].Data}
	check(json.Unmarshal(send("GET", url+"&limit=1", "", "").body, &list))
	seen["listed"] = len(list)

	etag := read.header.Get("ETag")
	replaced := send("PUT", one, "application/json", `{"n":2}`, "If-Match", etag)
	stale := send("PUT", one, "application/json", `{"n":3}`, "If-Match", etag)
	seen["replaced"] = []any{replaced.status, stale.status}

	// CreateFormFile sends application/octet-stream, whatever the file's name.
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	part, err := writer.CreateFormFile("file", "pixel.png")
	check(err)
	_, err = part.Write([]byte("\x89PNG\r\n\x1a\n"))
	check(err)
	check(writer.Close())
	uploaded := send("POST", url, writer.FormDataContentType(), form.String())
	file := send("GET", url+"&fileOnly=true&uniqueId="+decode(uploaded).UniqueID, "", "")
	seen["file"] = []any{uploaded.status, file.header.Get("Content-Type"), len(file.body)}

	ctx := context.Background()
	socket, _, err := websocket.Dial(ctx, url, nil)
	check(err)
	post(url, `{"n":4}`)
	var received message
	check(wsjson.Read(ctx, socket, &received))
	seen["websocket"] = []any{received.Type, received.Record.Data}
	check(socket.Close(websocket.StatusNormalClosure, ""))

	seen["events"] = followEvents(url)
	seen["deleted"] = []any{send("DELETE", one, "", "").status, json.RawMessage(send("GET", one, "", "").body)}
	check(json.NewEncoder(os.Stdout).Encode(seen))
}

func followEvents(url string) []any {
	request, err := http.NewRequest("GET", url, nil)
	check(err)
	request.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(request)
	check(err)
	defer response.Body.Close()
	post(url, `{"n":6}`)
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		data, found := strings.CutPrefix(lines.Text(), "data:")
		var received message
		if found && json.Unmarshal([]byte(data), &received) == nil && received.Type == "POST" {
			return []any{received.Type, received.Record.Data}
		}
	}
	return nil
}
