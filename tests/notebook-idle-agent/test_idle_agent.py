"""The idle agent against a real Jupyter server, a stand-in for CloudWatch, and stand-ins for nvidia-smi and crontab."""

import base64
import datetime
import fcntl
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

import cbor2
import pytest
import websocket
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SCRIPT = pathlib.Path(__file__).parents[2] / "infra" / "notebook-idle-agent" / "on-start.sh"
AGENT = re.search(r"<<'IDLE_AGENT'\n(.*?)\nIDLE_AGENT\n", SCRIPT.read_text(), re.S).group(1)
# The server's own certificate is nobody's business but its own.
UNCHECKED = ssl._create_unverified_context()


def wait_for(condition, what, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s for {what}")


class Jupyter:
    """A real server, over TLS and without a token, as on a notebook instance."""

    def __init__(self, folder, token=""):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.timezone.utc)
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
        )  # fmt: skip
        pem = folder / "certificate.pem"
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"https://localhost:{port}"
        command = [
            sys.executable, "-m", "jupyter_server", f"--port={port}", "--ip=127.0.0.1", "--no-browser", "--allow-root",
            f"--IdentityProvider.token={token}", "--ServerApp.disable_check_xsrf=True", f"--certfile={pem}", f"--ServerApp.root_dir={folder}",
        ]  # fmt: skip
        environment = dict(os.environ, JUPYTER_CONFIG_DIR=str(folder), JUPYTER_RUNTIME_DIR=str(folder / "run"), HOME=str(folder))
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.answers, "the Jupyter server")

    def answers(self):
        try:
            urllib.request.urlopen(self.url + "/api", context=UNCHECKED)
            return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method, data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, context=UNCHECKED) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def kernel(self):
        return self.ask("POST", "/api/kernels", {"name": "python3"})["id"]

    def channels(self, kernel):
        url = self.url.replace("https", "wss") + f"/api/kernels/{kernel}/channels"
        return websocket.create_connection(url, sslopt={"cert_reqs": ssl.CERT_NONE})

    def state(self, kernel):
        return self.ask("GET", f"/api/kernels/{kernel}")

    def clear(self):
        for kernel in self.ask("GET", "/api/kernels"):
            self.ask("DELETE", f"/api/kernels/{kernel['id']}")
        for terminal in self.ask("GET", "/api/terminals"):
            self.ask("DELETE", f"/api/terminals/{terminal['name']}")

    def end(self):
        self.process.kill()
        self.process.wait()


class CloudWatch:
    """Takes metrics, in whichever of its protocols they come."""

    def __init__(self):
        self.published = published = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                kind = self.headers.get("content-type", "")
                if "cbor" in kind:
                    published.append(cbor2.loads(body))
                    answer, answer_kind = cbor2.dumps({}), "application/cbor"
                elif "json" in kind:
                    published.append(json.loads(body))
                    answer, answer_kind = b"{}", kind
                else:
                    published.append(dict(urllib.parse.parse_qsl(body.decode())))
                    answer, answer_kind = b"<PutMetricDataResponse/>", "text/xml"
                self.send_response(200)
                self.send_header("content-type", answer_kind)
                self.send_header("smithy-protocol", self.headers.get("smithy-protocol", ""))
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    server = Jupyter(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.end()


@pytest.fixture
def jupyter(server):
    yield server
    server.clear()


def command(path, script):
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


class Notebook:
    """A notebook instance, as far as the agent sees it."""

    def __init__(self, folder, url):
        self.folder, self.cloudwatch = folder, CloudWatch()
        (folder / "agent.py").write_text(AGENT)
        (folder / "bin").mkdir()
        (folder / "pci").mkdir()
        arn = "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/churn-eda-2"
        (folder / "metadata.json").write_text(json.dumps({"ResourceName": "Churn-EDA-2", "ResourceArn": arn}))
        self.cpu(0)
        self.environment = {
            "PATH": f"{folder}/bin:/usr/bin:/bin",
            "COST_GUARD_JUPYTER_URL": url,
            "COST_GUARD_STATE_DIR": str(folder),
            "COST_GUARD_METADATA": str(folder / "metadata.json"),
            "COST_GUARD_PROC_STAT": str(folder / "stat"),
            "COST_GUARD_PCI_DEVICES": str(folder / "pci"),
            "AWS_ENDPOINT_URL_CLOUDWATCH": self.cloudwatch.url,
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",
            "AWS_CONFIG_FILE": os.devnull,
        }

    def cpu(self, seconds):
        ticks = int(seconds * os.sysconf("SC_CLK_TCK"))
        (self.folder / "stat").write_text(f"cpu  {ticks} 0 0 99999 0 0 0 0 0 0\n")

    def has_gpu(self):
        for device, vendor in [("0000:00:1d.0", "0x1d0f"), ("0000:00:1e.0", "0x10de")]:
            (self.folder / "pci" / device).mkdir()
            (self.folder / "pci" / device / "vendor").write_text(vendor + "\n")

    def nvidia_smi(self, script):
        command(self.folder / "bin" / "nvidia-smi", script)

    def started(self, seconds_ago, looked=300):
        """As if it had started that long ago, nothing had been used since, and the last look had been `looked` seconds ago."""
        now = int(time.time())
        (self.folder / "state.json").write_text(json.dumps({"last_used": now - seconds_ago, "looked": now - looked, "cpu": 0}))

    def look(self, *python, **settings):
        """One look; the idle seconds that were published, or what the log says."""
        before = len(self.cloudwatch.published)
        called = [sys.executable, *python, self.folder / "agent.py"]
        done = subprocess.run(called, env=dict(self.environment, **settings), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        new = self.cloudwatch.published[before:]
        if not new:
            return done.stdout
        assert len(new) == 1
        return value_of(new[0])


def value_of(call):
    if "MetricData" in call:
        datum = call["MetricData"][0]
        namespace, name, unit, dimensions = call["Namespace"], datum["MetricName"], datum["Unit"], datum["Dimensions"]
        value = datum["Value"]
    else:
        prefix = "MetricData.member.1."
        namespace, name, unit = call["Namespace"], call[prefix + "MetricName"], call[prefix + "Unit"]
        dimensions = [{"Name": call[prefix + "Dimensions.member.1.Name"], "Value": call[prefix + "Dimensions.member.1.Value"]}]
        value = float(call[prefix + "Value"])
    assert (namespace, name, unit) == ("CostGuard/Notebooks", "IdleSeconds", "Seconds")
    assert dimensions == [{"Name": "NotebookInstanceName", "Value": "Churn-EDA-2"}]
    return value


@pytest.fixture
def notebook(tmp_path, jupyter):
    return Notebook(tmp_path, jupyter.url)


def execute(channels, code):
    header = {"msg_id": "1", "session": "1", "username": "", "msg_type": "execute_request", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    channels.send(json.dumps({"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}))


def last_activity(told):
    return datetime.datetime.fromisoformat(told["last_activity"].replace("Z", "+00:00")).timestamp()


def look_after_a_pause(notebook, state, **settings):
    """A look once nothing has happened for two seconds, which is told apart from 0 by what the server itself says before and after."""
    wait_for(lambda: 2 <= time.time() - last_activity(state()), "two seconds without use")
    notebook.started(4000)
    before, begun = last_activity(state()), time.time()
    idle = notebook.look(**settings)
    # Jupyter may hear from a kernel once more at any time: the truth lies between its two answers. The agent counts whole seconds.
    assert begun - last_activity(state()) - 1 <= idle <= time.time() - before + 1


def idle_kernel(jupyter):
    """A kernel that ran something, with the tab from which that was done."""
    kernel = jupyter.kernel()
    channels = jupyter.channels(kernel)
    execute(channels, "1")
    wait_for(lambda: jupyter.state(kernel)["execution_state"] == "idle" and jupyter.state(kernel)["connections"] == 1, "an idle kernel with a tab")
    return kernel, channels


def test_without_kernels_it_is_idle_since_its_start(notebook):
    assert notebook.look() == 0
    notebook.started(4000)
    assert 4000 <= notebook.look() <= 4060


@pytest.mark.parametrize("text", [
    "", "{", "{}", "[]", '"x"', "7", "null", '{"looked": 1, "cpu": 0}', '{"cpu": 0, "last_used": 1}', '{"looked": "1", "cpu": 0, "last_used": 1}',
    '{"looked": 1, "cpu": null, "last_used": 1}', '{"looked": 1, "cpu": 0, "last_used": NaN}', '{"looked": 1, "cpu": 0, "last_used": 1, "seen": []}',
    '{"looked": 1, "cpu": 0, "last_used": 1, "seen": {"kernel": "x"}}',
])  # fmt: skip
def test_a_state_that_cannot_be_read_is_written_anew(notebook, text):
    (notebook.folder / "state.json").write_text(text)
    assert notebook.look() == 0
    assert {"looked", "cpu", "last_used", "seen"} == json.loads((notebook.folder / "state.json").read_text()).keys()


def test_an_idle_kernel_counts_from_its_last_activity(notebook, jupyter):
    kernel, channels = idle_kernel(jupyter)
    channels.close()
    wait_for(lambda: jupyter.state(kernel)["connections"] == 0, "the tab to be closed")
    look_after_a_pause(notebook, lambda: jupyter.state(kernel))


def test_a_busy_kernel_is_use_even_without_a_tab(notebook, jupyter):
    kernel = jupyter.kernel()
    channels = jupyter.channels(kernel)
    execute(channels, "import time; time.sleep(60)")
    wait_for(lambda: jupyter.state(kernel)["execution_state"] == "busy", "the kernel to be busy")
    channels.close()
    wait_for(lambda: jupyter.state(kernel)["connections"] == 0, "the tab to be closed")
    wait_for(lambda: 2 <= time.time() - last_activity(jupyter.state(kernel)), "two seconds without a word of the kernel")
    notebook.started(4000)
    assert notebook.look() == 0


def test_an_open_tab_is_use_unless_it_is_ignored(notebook, jupyter):
    kernel, channels = idle_kernel(jupyter)
    wait_for(lambda: 2 <= time.time() - last_activity(jupyter.state(kernel)), "two seconds without use")
    notebook.started(4000)
    assert notebook.look() == 0
    look_after_a_pause(notebook, lambda: jupyter.state(kernel), IGNORE_CONNECTIONS="true")
    channels.close()


def test_a_terminal_counts_from_its_last_output(notebook, jupyter):
    terminal = jupyter.ask("POST", "/api/terminals")["name"]
    opened = jupyter.ask("GET", f"/api/terminals/{terminal}")["last_activity"]
    url = jupyter.url.replace("https", "wss") + f"/terminals/websocket/{terminal}"
    shell = websocket.create_connection(url, sslopt={"cert_reqs": ssl.CERT_NONE})
    shell.send(json.dumps(["stdin", "echo hello\r"]))
    wait_for(lambda: "hello" in shell.recv(), "the shell's answer")
    shell.close()
    assert jupyter.ask("GET", f"/api/terminals/{terminal}")["last_activity"] > opened
    look_after_a_pause(notebook, lambda: jupyter.ask("GET", f"/api/terminals/{terminal}"))


@pytest.fixture
def canned(notebook):
    """Makes Jupyter answer what a test says: a status and a text for each path, 404 for others."""
    answers = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, text = answers.get(self.path.partition("?")[0], (404, "{}"))
            if status is None:
                self.wfile.write(text.encode())
                return
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    notebook.environment["COST_GUARD_JUPYTER_URL"] = f"http://127.0.0.1:{server.server_port}"
    return answers


def ago(seconds, form="%Y-%m-%dT%H:%M:%S.%fZ"):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)).strftime(form)


def kernel(last_activity, state="idle", connections=0):
    return {"execution_state": state, "connections": connections, "last_activity": last_activity}


# States in which a kernel may hang for weeks, as Jupyter, its extensions and older versions spell them.
STUCK = ["starting", "restarting", "autorestarting", "unknown", "terminating", "dead", "restarted", "connecting", "debugging", "BUSY", "", None]

# The table's times were made then.
COLLECTED = time.time()


@pytest.mark.parametrize(
    ("kernels", "terminals", "idle"),
    [
        ([kernel(ago(1000)), kernel(ago(2000))], None, 1000),
        ([kernel(ago(1000, "%Y-%m-%dT%H:%M:%SZ"))], [], 1000),
        ([kernel(ago(1000, "%Y-%m-%dT%H:%M:%S.%f+00:00"))], [], 1000),
        ([kernel(ago(2000))], [{"last_activity": ago(1000)}, {"last_activity": ago(1500)}], 1000),
        ([kernel(ago(9000))], [], 4000),  # of an earlier run: it started 4000 s ago
        *(([kernel(ago(1000), state)], [], 1000) for state in STUCK),
        *(([kernel(ago(1000), state, connections=1)], [], 1000) for state in STUCK),
        ([kernel(ago(1000), connections=1)], [], 0),
        ([kernel(ago(1000), "busy", connections=None)], [], 0),
        ([kernel(ago(1000), "starting"), kernel(ago(1000), "busy")], [], 0),
        ([kernel(ago(1000), "busy")], [], 0),
        ([kernel(ago(-500))], [], 0),
    ],
)
def test_the_latest_use_counts(notebook, canned, kernels, terminals, idle):
    canned["/api/kernels"] = 200, json.dumps(kernels)
    if terminals is not None:
        canned["/api/terminals"] = 200, json.dumps(terminals)
    notebook.started(4000)
    found = notebook.look()
    assert found == 0 if idle == 0 else idle <= found <= idle + time.time() - COLLECTED + 2


NEVER_ACTIVE = {"id": "k1", **kernel(None)}


@pytest.mark.parametrize("state", ["idle", "starting", "dead"])
def test_what_was_never_active_counts_from_when_it_was_first_seen(notebook, canned, state):
    one = dict(NEVER_ACTIVE, execution_state=state)
    canned["/api/kernels"] = 200, json.dumps([one])
    canned["/api/terminals"] = 200, json.dumps([{"name": "1", "last_activity": None}])
    notebook.started(4000)
    assert notebook.look() == 0, "it may have been started a moment ago"
    state = notebook.folder / "state.json"

    def an_hour_passes():
        told = json.loads(state.read_text())
        seen = {name: since - 3600 for name, since in told["seen"].items()}
        state.write_text(json.dumps({**told, "last_used": told["last_used"] - 3600, "looked": told["looked"] - 300, "seen": seen}))

    an_hour_passes()
    assert 3600 <= notebook.look() <= 3660, "it is no use for ever"
    canned["/api/kernels"] = 200, json.dumps([one, dict(one, id="k2")])
    assert notebook.look() == 0, "another one was started"
    canned["/api/kernels"] = 200, "[]"
    canned["/api/terminals"] = 200, "[]"
    notebook.look()
    assert json.loads(state.read_text())["seen"] == {}, "what is gone is forgotten"


UNREADABLE = [
    "<html>", "{}", "[1]", "null", "\N{SNOWMAN}", '[{"execution_state": "idle", "connections": 0}]',
    *(json.dumps([kernel(time)]) for time in ("yesterday", 5, None, "2026-13-45T00:00:00Z", "2026-11-23T08:00:00+01:00")),
    *(json.dumps([kernel(ago(1000), connections=count)]) for count in (None, "1")),
]  # fmt: skip


@pytest.mark.parametrize("answer", UNREADABLE)
def test_an_answer_that_cannot_be_read_is_unknown(notebook, canned, answer):
    canned["/api/kernels"] = 200, answer
    notebook.started(4000)
    assert "unknown, so nothing is published" in notebook.look()


@pytest.mark.parametrize("terminals", [(200, '[{"last_activity": "yesterday"}]'), (500, "[]"), (None, "no HTTP")])
def test_terminals_that_cannot_be_read_are_unknown(notebook, canned, terminals):
    canned["/api/kernels"] = 200, "[]"
    canned["/api/terminals"] = terminals
    notebook.started(4000)
    assert "unknown, so nothing is published: /api/terminals" in notebook.look() or terminals[0] == 200


def test_what_jupyter_does_not_tell_is_unknown(notebook, tmp_path_factory):
    notebook.started(4000)
    notebook.environment["COST_GUARD_JUPYTER_URL"] = "https://localhost:1"
    assert "unknown, so nothing is published" in notebook.look()
    locked = Jupyter(tmp_path_factory.mktemp("locked"), token="secret")
    try:
        notebook.environment["COST_GUARD_JUPYTER_URL"] = locked.url
        assert "HTTP 403" in notebook.look()
    finally:
        locked.end()


def test_cores_at_work_are_use(notebook):
    notebook.started(4000)
    notebook.cpu(0.4 * 300)
    assert notebook.look() >= 4000, "less than half a core"
    notebook.started(4000)
    notebook.cpu(0.6 * 300)
    assert notebook.look() == 0


def test_a_gpu_at_work_is_use_and_a_broken_one_unknown(notebook):
    notebook.has_gpu()
    notebook.started(4000)
    notebook.nvidia_smi("printf '0\\n4\\n'")
    assert notebook.look() >= 4000
    notebook.nvidia_smi("printf '0\\n37\\n'")
    assert notebook.look() == 0
    notebook.started(4000)
    for broken in ("echo 'NVIDIA-SMI has failed'; exit 9", "echo '[N/A]'", "true"):
        notebook.nvidia_smi(broken)
        assert "unknown, so nothing is published: GPU" in notebook.look()
    (notebook.folder / "bin" / "nvidia-smi").unlink()
    assert "unknown, so nothing is published: GPU" in notebook.look()


def test_without_a_gpu_nvidia_smi_is_not_asked(notebook):
    notebook.nvidia_smi("echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver'; exit 9")
    notebook.started(4000)
    assert notebook.look() >= 4000


def test_time_of_which_nothing_is_known_is_not_idle(notebook):
    notebook.started(20000, looked=1000)
    assert notebook.look() == 0, "more than two looks failed: anything may have been used"
    notebook.started(20000, looked=-1000)
    assert notebook.look() == 0, "the clock was set back"
    notebook.started(20000, looked=600)
    notebook.cpu(0.6 * 600)
    known = notebook.environment["COST_GUARD_JUPYTER_URL"]
    notebook.environment["COST_GUARD_JUPYTER_URL"] = "https://localhost:1"
    assert "unknown" in notebook.look()
    notebook.environment["COST_GUARD_JUPYTER_URL"] = known
    assert notebook.look() == 0, "what was at work while Jupyter did not answer is not forgotten"


def test_two_looks_at_once_are_one(notebook):
    with open(notebook.folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "not over yet" in notebook.look()


def test_without_boto3_the_aws_command_publishes(notebook):
    command(notebook.folder / "bin" / "aws", f'echo "$@" >{notebook.folder}/called')
    notebook.started(4000)
    assert "idle for 40" in notebook.look("-S")
    called = (notebook.folder / "called").read_text()
    told = "--namespace CostGuard/Notebooks --metric-name IdleSeconds --dimensions NotebookInstanceName=Churn-EDA-2 --value 40"
    assert called.startswith("cloudwatch put-metric-data --region eu-central-1 ") and told in called and "--unit Seconds" in called


def test_the_log_tells_why_it_could_not_be_published(notebook):
    assert "could not be published: FileNotFoundError" in notebook.look(COST_GUARD_METADATA="/nowhere")
    assert "could not be published: EndpointConnectionError" in notebook.look(AWS_ENDPOINT_URL_CLOUDWATCH="http://127.0.0.1:1")


# What the installation uses of the image, and nothing else that this machine may have, like a cron of its own.
IMAGE = ["bash", "cat", "chmod", "env", "flock", "grep", "mkdir", "mv", "nohup", "rm", "sh", "sleep", "tail", "timeout"]


class Installation:
    """The lifecycle configuration, run as at a notebook's start."""

    def __init__(self, folder, server):
        self.folder = folder
        (folder / "bin").mkdir()
        for name in IMAGE:
            (folder / "bin" / name).symlink_to(shutil.which(name))
        (folder / "crontab").write_text("0 3 * * * /usr/bin/own-job\n")
        (folder / "metadata.json").write_text('{"ResourceName": "n", "ResourceArn": "arn:aws:sagemaker:eu-central-1:1:notebook-instance/n"}')
        self.environment = dict(
            PATH=f"{folder}/bin", HOME=str(folder), COST_GUARD_PYTHON=sys.executable, COST_GUARD_LOG_FILE=str(folder / "log"),
            COST_GUARD_INSTALL_DIR=str(folder / "agent"), COST_GUARD_STATE_DIR=str(folder / "state"), COST_GUARD_JUPYTER_URL=server,
        )  # fmt: skip

    def has_cron(self):
        kept = self.folder / "crontab"
        command(self.folder / "bin" / "crontab", f'if [ "$1" = -l ]; then cat {kept}; else cat >{kept}.new && mv {kept}.new {kept}; fi')
        command(self.folder / "bin" / "pgrep", "true")

    def run(self):
        """What it says on its standard error."""
        # Its own session, so that a loop that it leaves behind can be ended.
        process = subprocess.Popen(
            ["bash", SCRIPT], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.session = process.pid
        errors = process.communicate(timeout=60)[1]
        assert process.returncode == 0, errors
        return errors

    def end_loop(self):
        try:
            os.killpg(self.session, signal.SIGKILL)
            return True
        except ProcessLookupError:
            return False

    def log(self):
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def installation(tmp_path):
    installation = Installation(tmp_path, "https://localhost:1")
    yield installation
    installation.end_loop()


def test_it_installs_the_agent_once_and_keeps_other_jobs(installation):
    folder = installation.folder
    installation.has_cron()
    assert installation.run() == ""
    (folder / "state" / "state.json").write_text("{}")
    installation.run()
    assert (folder / "crontab").read_text().splitlines() == ["0 3 * * * /usr/bin/own-job", f"*/5 * * * * {folder}/agent/idle-agent"]
    assert (folder / "agent" / "idle-agent.py").read_text() == AGENT + "\n"
    assert not (folder / "state" / "state.json").exists(), "the idle clock begins anew with each start"
    assert not installation.end_loop(), "cron does it"


def test_the_installed_agent_looks_and_keeps_its_log_short(installation):
    installation.has_cron()
    installation.run()
    (installation.folder / "log").write_text("old\n" * 5000)
    subprocess.run([installation.folder / "agent" / "idle-agent"], env=installation.environment, check=True, timeout=60)
    assert len(installation.log()) == 500 and "unknown, so nothing is published" in installation.log()[-1]


@pytest.mark.parametrize("without", ["cron", "crontab", "pgrep"])
def test_where_cron_does_not_run_one_loop_looks(installation, without):
    installation.has_cron()
    if without == "cron":
        command(installation.folder / "bin" / "pgrep", "exit 1")
    elif without == "crontab":
        command(installation.folder / "bin" / "crontab", "echo 'root is not allowed to use crontab' >&2; exit 1")
    else:
        (installation.folder / "bin" / "pgrep").unlink()
    installation.run()
    wait_for(installation.log, "the first look")
    assert (installation.folder / "crontab").read_text() == "0 3 * * * /usr/bin/own-job\n"
    first = installation.session
    installation.run()
    wait_for(lambda: not installation.end_loop(), "the second loop to end by itself")
    installation.session = first


def test_without_boto3_it_installs_for_the_aws_command_and_without_that_not(installation):
    installation.has_cron()
    installation.environment["COST_GUARD_PYTHON"] = "/nowhere/python3"
    command(installation.folder / "bin" / "python3", f'exec {sys.executable} -S "$@"')
    assert "is not installed: this image has neither" in installation.run()
    assert "idle-agent" not in (installation.folder / "crontab").read_text()
    command(installation.folder / "bin" / "aws", "true")
    assert installation.run() == ""
    assert f'"{installation.folder}/bin/python3"' in (installation.folder / "agent" / "idle-agent").read_text()


def test_a_notebook_starts_even_if_the_agent_cannot_be_installed(installation):
    installation.has_cron()
    installation.environment["COST_GUARD_INSTALL_DIR"] = "/dev/null/agent"
    assert "the idle agent is not installed: line" in installation.run()


def test_the_configuration_fits_and_asks_nothing_of_the_internet():
    text = SCRIPT.read_text()
    assert len(base64.b64encode(text.encode())) <= 16384
    assert b"\r" not in SCRIPT.read_bytes()
    assert not re.search(r"\b(curl|wget|pip|conda install|git|yum|dnf|apt)\b", text)
    assert "stop_notebook" not in text and "stop-notebook" not in text, "the Lambda decides"
    subprocess.run(["bash", "-n", SCRIPT], check=True)
