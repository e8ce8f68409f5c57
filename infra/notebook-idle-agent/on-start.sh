#!/usr/bin/env bash
# A lifecycle configuration for SageMaker notebook instances (OnStart): installs the idle agent, which tells CloudWatch every five minutes for
# how long the notebook has not been used. It never stops anything: the cost guard's rule notebook-idle decides. Needs no internet.
set -euo pipefail

# --- Settings -------------------------------------------------------------------------------------------------------------------------
IGNORE_CONNECTIONS=false # true: an open browser tab alone is no use
CPU_BUSY_CORES=0.5       # this many cores in use, on the average of five minutes, are use
GPU_BUSY_PERCENT=5       # any GPU at this utilization is use
# ---------------------------------------------------------------------------------------------------------------------------------------

INSTALL_DIR=${COST_GUARD_INSTALL_DIR:-/opt/cost-guard}
STATE_DIR=${COST_GUARD_STATE_DIR:-/var/run/cost-guard}
LOG=${COST_GUARD_LOG_FILE:-/var/log/cost-guard-idle-agent.log}

mkdir -p "$INSTALL_DIR" "$STATE_DIR"
rm -f "$STATE_DIR/state.json" # the idle clock begins anew with each start

cat >"$INSTALL_DIR/idle-agent.py" <<'IDLE_AGENT'
"""Publishes for how long this notebook instance has not been used. What it cannot find out it does not publish: unknown is not idle."""

import calendar
import fcntl
import json
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

JUPYTER = os.environ.get("COST_GUARD_JUPYTER_URL", "https://localhost:8443")
STATE_DIR = os.environ.get("COST_GUARD_STATE_DIR", "/var/run/cost-guard")
METADATA = os.environ.get("COST_GUARD_METADATA", "/opt/ml/metadata/resource-metadata.json")
PROC_STAT = os.environ.get("COST_GUARD_PROC_STAT", "/proc/stat")
IGNORE_CONNECTIONS = os.environ.get("IGNORE_CONNECTIONS", "false") == "true"
CPU_BUSY_CORES = float(os.environ.get("CPU_BUSY_CORES", "0.5"))
GPU_BUSY_PERCENT = float(os.environ.get("GPU_BUSY_PERCENT", "5"))
TIMEOUT = 5  # seconds, of every question


class Unknown(Exception):
    """Something could not be found out."""


def ask_jupyter(path, absent_means_none=False):
    # The server is on this machine and its certificate is its own: there is nothing to check it against.
    context = ssl._create_unverified_context()
    try:
        with urllib.request.urlopen(JUPYTER + path, timeout=TIMEOUT, context=context) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        if absent_means_none and error.code == 404:
            return []
        raise Unknown(f"{path}: HTTP {error.code}") from error
    except (OSError, ValueError) as error:
        raise Unknown(f"{path}: {error}") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unknown(f"{path}: not a list")
    return found


def seconds(text):
    """Jupyter's times, `2026-11-23T08:00:00.123456Z`, with or without fraction, as seconds since 1970."""
    form = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|\+00:00)", text or "")
    if not form:
        raise Unknown(f"a time that cannot be read: {text!r}")
    return calendar.timegm(time.strptime(form.group(1), "%Y-%m-%dT%H:%M:%S"))


def last_used_in_jupyter(now):
    used = []
    for kernel in ask_jupyter("/api/kernels"):
        busy = kernel.get("execution_state") != "idle"
        watched = not IGNORE_CONNECTIONS and kernel.get("connections", 0) > 0
        used.append(now if busy or watched else seconds(kernel.get("last_activity")))
    # Where terminals are switched off the server does not know the question.
    used += [seconds(terminal.get("last_activity")) for terminal in ask_jupyter("/api/terminals", absent_means_none=True)]
    return max(used, default=None)


def cpu_seconds():
    """Seconds in which a core was at work since the boot."""
    try:
        with open(PROC_STAT) as stat:
            fields = stat.readline().split()
        user, nice, system, _idle, _iowait, irq, softirq = (int(field) for field in fields[1:8])
        return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError) as error:
        raise Unknown(f"{PROC_STAT}: {error}") from error


def gpu_is_busy():
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT * 4, check=True)
        return any(float(line) >= GPU_BUSY_PERCENT for line in answer.stdout.split())
    except FileNotFoundError:
        return False  # an instance without GPU
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Unknown(f"nvidia-smi: {error}") from error


def idle_seconds(state, now):
    """For how long nothing was used. `state` is what the last look remembered, and is brought up to date."""
    state.setdefault("last_used", now)  # the start of this run
    cpu, looked_before = cpu_seconds(), "cpu" in state
    cores = (cpu - state["cpu"]) / max(now - state["looked"], 1) if looked_before else 0
    state["cpu"], state["looked"] = cpu, now
    used = [state["last_used"], last_used_in_jupyter(now) or 0]
    if cores >= CPU_BUSY_CORES or gpu_is_busy():
        used.append(now)
    state["last_used"] = min(max(used), now)
    return int(now - state["last_used"])


def publish(idle):
    with open(METADATA) as metadata:
        this = json.load(metadata)
    import boto3  # slow, and not needed when there is nothing to tell

    client = boto3.client("cloudwatch", region_name=this["ResourceArn"].split(":")[3])
    dimensions = [{"Name": "NotebookInstanceName", "Value": this["ResourceName"]}]
    datum = {"MetricName": "IdleSeconds", "Dimensions": dimensions, "Value": idle, "Unit": "Seconds"}
    client.put_metric_data(Namespace="CostGuard/Notebooks", MetricData=[datum])


def main():
    path = os.path.join(STATE_DIR, "state.json")
    with open(os.path.join(STATE_DIR, "lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return print("the last look is not over yet")
        try:
            with open(path) as file:
                state = json.load(file)
        except (OSError, ValueError):
            state = {}
        try:
            idle = idle_seconds(state, int(time.time()))
        except Unknown as why:
            print(f"unknown, so nothing is published: {why}")
            idle = None
        with open(path + ".new", "w") as file:
            json.dump(state, file)
        os.replace(path + ".new", path)
        if idle is not None:
            publish(idle)
            print(f"idle for {idle} s")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime()), end="")
    main()
IDLE_AGENT

# The image's own Python with boto3: nothing is downloaded.
python=
for candidate in ${COST_GUARD_PYTHON:-} /usr/bin/python3 ~ec2-user/anaconda3/bin/python /opt/conda/bin/python python3; do
    if "$candidate" -c 'import boto3' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "cost guard: no Python with boto3 on this image, so the idle agent is not installed" >&2
    exit 0 # a notebook must start without it, too
fi

cat >"$INSTALL_DIR/idle-agent" <<RUN
#!/usr/bin/env bash
# Made by the cost guard's lifecycle configuration. One look; the log keeps its last lines.
export IGNORE_CONNECTIONS=$IGNORE_CONNECTIONS CPU_BUSY_CORES=$CPU_BUSY_CORES GPU_BUSY_PERCENT=$GPU_BUSY_PERCENT
export PATH=\$PATH:/usr/local/bin:/usr/bin:/bin
timeout 120 "$python" "$INSTALL_DIR/idle-agent.py" >>"$LOG" 2>&1
tail -n 500 "$LOG" >"$LOG.new" && mv "$LOG.new" "$LOG"
RUN
chmod +x "$INSTALL_DIR/idle-agent"

if command -v crontab >/dev/null; then
    { crontab -l 2>/dev/null | grep -v "$INSTALL_DIR/idle-agent" || true; echo "*/5 * * * * $INSTALL_DIR/idle-agent"; } | crontab -
else
    # An image without cron: a loop that ends with the instance.
    pkill -f "$INSTALL_DIR/idle-agent-loop" 2>/dev/null || true
    printf '#!/usr/bin/env bash\nwhile true; do %s; sleep 300; done\n' "$INSTALL_DIR/idle-agent" >"$INSTALL_DIR/idle-agent-loop"
    chmod +x "$INSTALL_DIR/idle-agent-loop"
    nohup "$INSTALL_DIR/idle-agent-loop" >/dev/null 2>&1 &
fi
