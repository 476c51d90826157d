/** Programs for a POSIX shell with curl. */
import { toShellWord } from "../snippets";
import { type Language, SAMPLE_USER, type Values } from "./program";

const JSON_TYPE = "-H 'Content-Type: application/json'";

const toHeader = ({ authorization }: Values) => (authorization ? ` \\\n  -H ${toShellWord(`Authorization: ${authorization}`)}` : "");

const records = (values: Values) => {
  const header = toHeader(values);
  const body = toShellWord(JSON.stringify(values.sample));
  return `#!/bin/sh
endpoint=${toShellWord(values.http)}

# store a record
stored=$(curl -sS "$endpoint"${header} \\
  ${JSON_TYPE} \\
  -d ${body})
echo "stored: $stored"

# the id is the first member of a record
id=$(echo "$stored" | sed 's/^{"uniqueId":"\\([0-9a-f]*\\)".*/\\1/')

# read it
printf '\\nread: '
curl -sS "$endpoint&uniqueId=$id"${header}

# list the newest 10
printf '\\nnewest: '
curl -sS "$endpoint&limit=10&order=desc"${header}

# list with a filter: a JSONata expression
printf '\\nfiltered: '
curl -sS -G "$endpoint"${header} \\
  --data-urlencode ${toShellWord(`jsonata=${values.filter}`)}

# replace it, then delete it
printf '\\nreplaced: '
curl -sS -X PUT "$endpoint&uniqueId=$id"${header} \\
  ${JSON_TYPE} \\
  -d ${body}
printf '\\ndeleted: '
curl -sS -X DELETE "$endpoint&uniqueId=$id"${header}
`;
};

const stream = (values: Values) => `#!/bin/sh
# Prints the stored records, then every change. Resumes after a lost connection.
endpoint=${toShellWord(values.events)}
cursor=$(mktemp) # where to resume
wait=1

while true; do
  if [ -s "$cursor" ]; then start="since=$(cat "$cursor")"; else start='since=now&snapshot=true'; fi
  began=$(date +%s)
  # The server sends something every 25 seconds. curl gives up after 60 seconds of silence.
  curl -sSN --speed-limit 1 --speed-time 60 -w '\\nstatus: %{http_code}\\n' \\
    -H 'Accept: text/event-stream' "$endpoint&$start" |
    while IFS= read -r line; do
      case $line in
        'id: '*) id=\${line#id: } ;;
        'data: '*)
          case $line in
            *'{"type":"READY"'* | *'{"type":"BEAT"'*) ;;
            # Some changes are no longer kept: start over with the stored records.
            *'{"type":"GAP"'*) : > "$cursor"; echo 'gap: reading the records again'; exit 0 ;;
            *) echo "\${line#data: }" ;;
          esac ;;
        # The end of an event. Its cursor is kept after the change was printed.
        '') [ -n "$id" ] && echo "$id" > "$cursor"; id= ;;
        # An error response. It is final, unless there were too many requests.
        '{'*) echo "$line" >&2 ;;
        'status: 429' | 'status: 408') ;;
        'status: 4'*) exit 4 ;;
      esac
    done
  [ $? -eq 4 ] && exit 1
  # Twice as long after each failure, at most 32 seconds.
  [ $(($(date +%s) - began)) -gt 60 ] && wait=1
  echo "disconnected: connecting again in $wait s" >&2
  sleep "$wait"
  [ "$wait" -lt 32 ] && wait=$((wait * 2))
done
`;

const users = ({ http }: Values) => `#!/bin/sh
endpoint=${toShellWord(http)}
user=${toShellWord(SAMPLE_USER)}

# register; a name that is taken fails with username_taken
printf 'registered: '
curl -sS "$endpoint" ${JSON_TYPE} -d "$user"

# log in: the header Authorization of the response has the access token
token=$(curl -sS -D - -o /dev/null "$endpoint&login=true&noATCookie=true" ${JSON_TYPE} -d "$user" |
  tr -d '\\r' | sed -n 's/^[Aa]uthorization: Bearer //p')

# read the user's own record
printf '\\nread: '
curl -sS "$endpoint" -H "Authorization: Bearer $token"

# log out: revokes the token and closes its streams
printf '\\nlogged out: '
curl -sS -X POST "$endpoint&logout=true" -H "Authorization: Bearer $token"
`;

export const curl: Language = {
  id: "curl",
  label: "curl",
  syntax: "hash",
  tasks: {
    records: (values) => ({ file: "records.sh", run: "sh records.sh", code: records(values) }),
    stream: (values) => ({ file: "follow.sh", run: "sh follow.sh", code: stream(values) }),
    users: (values) => ({ file: "users.sh", run: "sh users.sh", code: users(values) }),
  },
};
