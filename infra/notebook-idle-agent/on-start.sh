#!/usr/bin/env bash
# A lifecycle configuration for SageMaker notebook instances (OnStart): installs the idle agent, which tells CloudWatch every five minutes for
# how long the notebook has not been used. It never stops anything: the cost guard's rule notebook-idle decides. Needs no internet.
set -euo pipefail
# A configuration that fails keeps the notebook from starting: that is worse than a notebook without an agent.
trap 'echo "cost guard: the idle agent is not installed: line $LINENO failed" >&2; exit 0' ERR

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
import glob
import http.client
import json
import math
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
PCI_DEVICES = os.environ.get("COST_GUARD_PCI_DEVICES", "/sys/bus/pci/devices")
IGNORE_CONNECTIONS = os.environ.get("IGNORE_CONNECTIONS", "false") == "true"
CPU_BUSY_CORES = float(os.environ.get("CPU_BUSY_CORES", "0.5"))
GPU_BUSY_PERCENT = float(os.environ.get("GPU_BUSY_PERCENT", "5"))
NAMESPACE, METRIC = "CostGuard/Notebooks", "IdleSeconds"
TIMEOUT = 5  # seconds, of every question
GPU_TIMEOUT = 20  # seconds; nvidia-smi wakes every GPU first, and there may be eight
LONGEST_GAP = 900  # seconds between looks; after a longer one the idle clock begins anew

# The server is on this machine, its certificate its own: there is nothing to check it against, and no proxy on the way.
LOOPBACK = urllib.request.build_opener(
    urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl._create_unverified_context())
)


class Unknown(Exception):
    """Something could not be found out."""


def ask_jupyter(path, absent_means_none=False):
    try:
        # Else the agent's own questions would count as use for Jupyter's own idle shutdown.
        with LOOPBACK.open(JUPYTER + path + "?no_track_activity=1", timeout=TIMEOUT) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        if absent_means_none and error.code == 404:
            return []
        raise Unknown(f"{path}: HTTP {error.code}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Unknown(f"{path}: {error!r}") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unknown(f"{path}: not a list")
    return found


def seconds(text):
    """Jupyter's times, `2026-11-23T08:00:00.123456Z`, with or without fraction, as seconds since 1970."""
    form = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|\+00:00)", str(text))
    try:
        return calendar.timegm(time.strptime(form.group(1), "%Y-%m-%dT%H:%M:%S"))
    except (AttributeError, ValueError) as error:
        raise Unknown(f"a time that cannot be read: {text!r}") from error


def kernel_is_used(kernel):
    # Only "busy" is use. A kernel that hangs while it starts, restarts or ends stays in that state for ever, and so may its tab.
    if kernel.get("execution_state") == "busy":
        return True
    if IGNORE_CONNECTIONS or kernel.get("execution_state") != "idle":
        return False
    connections = kernel.get("connections")
    if not isinstance(connections, int):
        raise Unknown(f"/api/kernels: {connections!r} connections")
    return connections > 0


def last_activity(one, name, seen, now):
    """When a kernel or a terminal was last active. Where the server knows it and it is null, it counts as active when it was first seen."""
    if "last_activity" in one and one["last_activity"] is None and name:
        return seen.setdefault(str(name), now)
    return seconds(one.get("last_activity"))


def last_used_in_jupyter(now, before):
    """When a kernel or a terminal was last used; 0 where there are none. Also when those were first seen that do not tell."""
    seen = dict(before)
    kernels = ask_jupyter("/api/kernels")
    # Where terminals are switched off the server does not know the question.
    terminals = ask_jupyter("/api/terminals", absent_means_none=True)
    used = [now if kernel_is_used(one) else last_activity(one, one.get("id"), seen, now) for one in kernels]
    used += [last_activity(one, one.get("name"), seen, now) for one in terminals]
    there = {str(one.get(key)) for all, key in ((kernels, "id"), (terminals, "name")) for one in all}
    return max(used, default=0), {name: since for name, since in seen.items() if name in there}


def cpu_seconds():
    """Seconds in which a core was at work since the boot."""
    try:
        with open(PROC_STAT) as stat:
            fields = stat.readline().split()
        user, nice, system, _idle, _iowait, irq, softirq = (int(field) for field in fields[1:8])
        return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError) as error:
        raise Unknown(f"{PROC_STAT}: {error}") from error


def has_gpu():
    for path in glob.glob(os.path.join(PCI_DEVICES, "*", "vendor")):
        with open(path) as vendor:
            if vendor.read().strip() == "0x10de":
                return True
    return False


def gpu_is_busy():
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    try:
        # Asked first, because an image may have nvidia-smi on an instance without GPU, where it always fails.
        if not has_gpu():
            return False
        answer = subprocess.run(command, capture_output=True, text=True, timeout=GPU_TIMEOUT, check=True)
        return max(float(line) for line in answer.stdout.split()) >= GPU_BUSY_PERCENT
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Unknown(f"GPU: {error}") from error


def remembered(path):
    """What was remembered of the last look at which everything was known. None: nothing that can be read."""
    try:
        with open(path) as file:
            before = json.load(file)
        numbers = [before["looked"], before["cpu"], before["last_used"], *before.get("seen", {}).values()]
        return before if all(map(math.isfinite, numbers)) else None
    except Exception:  # whatever the file has: the next look writes it anew
        return None


def look(before, now):
    """What is to be remembered of this look; `before` is what is remembered of an earlier one."""
    after = {"looked": now, "cpu": cpu_seconds(), "last_used": now}
    (in_jupyter, after["seen"]), gpu_busy = last_used_in_jupyter(now, (before or {}).get("seen", {})), gpu_is_busy()
    # The first look of this run; or nobody knows what was used in between; or the clock was set back.
    if before is None or not 0 <= now - before["looked"] <= LONGEST_GAP:
        return after
    cores = (after["cpu"] - before["cpu"]) / max(now - before["looked"], 1)
    if cores < CPU_BUSY_CORES and not gpu_busy:
        after["last_used"] = min(max(before["last_used"], in_jupyter), now)
    return after


def publish(idle):
    with open(METADATA) as metadata:
        this = json.load(metadata)
    name, region = this["ResourceName"], this["ResourceArn"].split(":")[3]
    try:
        import boto3  # slow, and not needed when there is nothing to tell
        from botocore.config import Config
    except ImportError:
        command = ["aws", "cloudwatch", "put-metric-data", "--region", region, "--namespace", NAMESPACE, "--metric-name", METRIC]
        command += ["--dimensions", f"NotebookInstanceName={name}", "--value", str(idle), "--unit", "Seconds"]
        command += ["--cli-connect-timeout", str(TIMEOUT), "--cli-read-timeout", str(TIMEOUT)]
        subprocess.run(command, check=True, timeout=60)
        return
    config = Config(connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"max_attempts": 2})
    datum = {"MetricName": METRIC, "Dimensions": [{"Name": "NotebookInstanceName", "Value": name}], "Value": idle, "Unit": "Seconds"}
    boto3.client("cloudwatch", region_name=region, config=config).put_metric_data(Namespace=NAMESPACE, MetricData=[datum])


def main():
    path = os.path.join(STATE_DIR, "state.json")
    with open(os.path.join(STATE_DIR, "lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return print("the last look is not over yet")
        before = remembered(path)
        try:
            after = look(before, int(time.time()))
        except Unknown as why:
            return print(f"unknown, so nothing is published: {why}")
        with open(path + ".new", "w") as file:
            json.dump(after, file)
        os.replace(path + ".new", path)
        idle = after["looked"] - after["last_used"]
        try:
            publish(idle)
        except Exception as error:  # of boto3, the AWS CLI or the metadata: one line in the log tells more than a page
            return print(f"idle for {idle} s, but it could not be published: {error!r}")
        print(f"idle for {idle} s")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime()), end="")
    main()
IDLE_AGENT

# The image's own Python with boto3, or its Python and its AWS CLI: nothing is downloaded. Not the notebook user's Python, which that user
# may change: this runs as root.
python=
for candidate in ${COST_GUARD_PYTHON:-/usr/bin/python3 /usr/bin/python3.[0-9] /usr/bin/python3.[0-9][0-9]}; do
    if timeout 60 "$candidate" -c 'import boto3' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ] && command -v aws >/dev/null; then
    python=$(command -v python3 || true)
fi
if [ -z "$python" ]; then
    echo "cost guard: the idle agent is not installed: this image has neither a Python with boto3 in /usr/bin nor python3 and the aws command" >&2
    exit 0
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

into_crontab() {
    pgrep -x 'crond?' >/dev/null && # a crontab that nobody reads is none
        { crontab -l 2>/dev/null | grep -vF "$INSTALL_DIR/idle-agent" || true; echo "*/5 * * * * $INSTALL_DIR/idle-agent"; } | crontab -
}
# Amazon Linux 2023 comes without cron: there, a loop that ends with the instance. The lock keeps it the only one.
if ! into_crontab; then
    nohup flock -n -o "$STATE_DIR/loop" bash -c "while true; do '$INSTALL_DIR/idle-agent'; sleep 300; done" </dev/null >/dev/null 2>&1 &
fi
