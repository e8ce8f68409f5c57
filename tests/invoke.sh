#!/usr/bin/env bash
# `make invoke`: one event to the real binary, which runs under cargo lambda against the simulated account. Prints the report and the mails.
set -euo pipefail
function_name=$1 event=$2 policy=$3
port=${PORT:-$(python3 -c "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])")}
logs=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$logs"
}
trap finish EXIT

: >"$logs/simulator"
target/debug/simulator --estate tests/end-to-end/estates/ml-team.toml --port 0 --real-time >"$logs/simulator" 2>&1 &
pids+=($!)
for _ in $(seq 50); do grep -q now= "$logs/simulator" && break; sleep 0.1; done
read -r endpoint topic _ <"$logs/simulator" || { cat "$logs/simulator"; exit 1; }
echo "The simulated account: ${endpoint#*=}"

# cargo lambda stands in for Lambda's runtime API; the binary is the one of the workspace's own build.
cargo-lambda lambda watch --only-lambda-apis --ignore-changes --invoke-address 127.0.0.1 --invoke-port "$port" >"$logs/cargo-lambda" 2>&1 &
pids+=($!)
for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
env "$endpoint" "$topic" COST_GUARD_TABLE=cost-guard COST_GUARD_POLICY="file:$policy" \
    AWS_ACCESS_KEY_ID=simulated AWS_SECRET_ACCESS_KEY=simulated AWS_REGION=eu-central-1 AWS_EC2_METADATA_DISABLED=true \
    AWS_LAMBDA_RUNTIME_API="http://127.0.0.1:$port/.rt/$function_name" AWS_LAMBDA_FUNCTION_NAME="$function_name" AWS_LAMBDA_FUNCTION_VERSION=1 \
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128 AWS_LAMBDA_LOG_GROUP_NAME="$function_name" AWS_LAMBDA_LOG_STREAM_NAME=local RUST_BACKTRACE=0 \
    "target/debug/$function_name" >"$logs/function" 2>&1 &
pids+=($!)
sleep 0.5
kill -0 "${pids[-1]}" 2>/dev/null || { echo "$function_name ended at once:"; cat "$logs/function"; exit 1; }

echo "The answer of $function_name to $event:"
status=0
timeout 120 cargo-lambda lambda invoke --invoke-address 127.0.0.1 --invoke-port "$port" "$function_name" --data-file "$event" >"$logs/answer" 2>&1 || status=$?
# Its last lines are cargo lambda's own, about where to ask.
python3 -m json.tool --no-ensure-ascii "$logs/answer" 2>/dev/null || grep -v "cargo-lambda/discussions" "$logs/answer"
if [ "$status" -ne 0 ]; then
    echo "The function's log:"
    cat "$logs/function"
fi
python3 - "${endpoint#*=}" "$logs/answer" <<'PYTHON'
import json, sys, urllib.request
mails = json.load(urllib.request.urlopen(sys.argv[1] + "/_simulator/mails"))
try:
    report = json.load(open(sys.argv[2]))
    looked = ", ".join(f"{count} {kind}" for kind, count in report["examined"].items())
    print(f"In short: looked at {looked or 'nothing'}; {report['total-findings']} findings, {len(report['actions'])} actions, {len(report['unread'])} unread.")
    for unread in report["unread"]:
        print(f"  unread: {unread['what']}: {unread['why']}")
except (ValueError, KeyError):
    pass
print(f"Mails sent: {len(mails)}")
for mail in mails:
    print(f"  to {mail['attributes']['owner'][1]}: {mail['subject']}")
if mails:
    print(f"The first of them:\n\n{mails[0]['message']}")
PYTHON
exit "$status"
