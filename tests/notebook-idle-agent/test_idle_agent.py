"""The idle agent against a real Jupyter server, a stand-in for CloudWatch, and stand-ins for nvidia-smi and crontab."""

import base64
import datetime
import http.server
import json
import os
import pathlib
import re
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
    server.clear()
    yield server
    server.clear()


class Notebook:
    """A notebook instance, as far as the agent sees it."""

    def __init__(self, folder, url):
        self.folder, self.cloudwatch = folder, CloudWatch()
        (folder / "agent.py").write_text(AGENT)
        (folder / "bin").mkdir()
        arn = "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/churn-eda-2"
        (folder / "metadata.json").write_text(json.dumps({"ResourceName": "Churn-EDA-2", "ResourceArn": arn}))
        self.cpu(0)
        self.environment = {
            "PATH": f"{folder}/bin:/usr/bin:/bin",
            "COST_GUARD_JUPYTER_URL": url,
            "COST_GUARD_STATE_DIR": str(folder),
            "COST_GUARD_METADATA": str(folder / "metadata.json"),
            "COST_GUARD_PROC_STAT": str(folder / "stat"),
            "AWS_ENDPOINT_URL_CLOUDWATCH": self.cloudwatch.url,
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",
        }

    def cpu(self, seconds):
        ticks = int(seconds * os.sysconf("SC_CLK_TCK"))
        (self.folder / "stat").write_text(f"cpu  {ticks} 0 0 99999 0 0 0 0 0 0\n")

    def gpu(self, script):
        path = self.folder / "bin" / "nvidia-smi"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def started(self, seconds_ago):
        """As if the agent had looked for the first time that long ago, and nothing had been used since."""
        then = int(time.time()) - seconds_ago
        (self.folder / "state.json").write_text(json.dumps({"last_used": then, "looked": int(time.time()) - 300, "cpu": 0}))

    def look(self, **settings):
        """One look; the idle seconds that were published, or what the log says."""
        before = len(self.cloudwatch.published)
        done = subprocess.run(
            [sys.executable, self.folder / "agent.py"], env=dict(self.environment, **settings), capture_output=True, text=True, timeout=60
        )
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


def test_without_kernels_it_is_idle_since_its_start(notebook):
    assert notebook.look() <= 2
    notebook.started(4000)
    assert 4000 <= notebook.look() <= 4010


def test_an_idle_kernel_counts_from_its_last_activity(notebook, jupyter):
    kernel = jupyter.kernel()
    wait_for(lambda: jupyter.state(kernel)["execution_state"] in ("idle", "starting"), "the kernel")
    channels = jupyter.channels(kernel)
    execute(channels, "1")
    wait_for(lambda: jupyter.state(kernel)["execution_state"] == "idle", "the kernel to be idle")
    channels.close()
    wait_for(lambda: jupyter.state(kernel)["connections"] == 0, "the tab to be closed")
    notebook.started(4000)
    time.sleep(2)
    assert 1 <= notebook.look() <= 30, "used a moment ago, not 4000 s ago"


def execute(channels, code):
    header = {"msg_id": "1", "session": "1", "username": "", "msg_type": "execute_request", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    channels.send(json.dumps({"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}))


def test_a_busy_kernel_is_use_even_without_a_tab(notebook, jupyter):
    kernel = jupyter.kernel()
    channels = jupyter.channels(kernel)
    execute(channels, "import time; time.sleep(60)")
    wait_for(lambda: jupyter.state(kernel)["execution_state"] == "busy", "the kernel to be busy")
    channels.close()
    notebook.started(4000)
    time.sleep(1.5)
    assert notebook.look() == 0


def test_an_open_tab_is_use_unless_it_is_ignored(notebook, jupyter):
    kernel = jupyter.kernel()
    channels = jupyter.channels(kernel)
    execute(channels, "1")
    wait_for(lambda: jupyter.state(kernel)["execution_state"] == "idle" and jupyter.state(kernel)["connections"] == 1, "an idle kernel with a tab")
    time.sleep(2)
    assert notebook.look() == 0
    notebook.started(4000)
    assert 1 <= notebook.look(IGNORE_CONNECTIONS="true") <= 30
    channels.close()


def test_a_terminal_counts_from_its_last_activity(notebook, jupyter):
    jupyter.ask("POST", "/api/terminals")
    notebook.started(4000)
    time.sleep(1.5)
    assert notebook.look() <= 30


def test_cores_at_work_are_use(notebook):
    notebook.started(4000)
    notebook.cpu(0.4 * 300)
    assert notebook.look() >= 4000, "less than half a core"
    notebook.started(4000)
    notebook.cpu(0.6 * 300)
    assert notebook.look() == 0


def test_a_gpu_at_work_is_use_and_a_broken_one_unknown(notebook):
    notebook.started(4000)
    notebook.gpu("printf '0\\n4\\n'")
    assert notebook.look() >= 4000
    notebook.gpu("printf '0\\n37\\n'")
    assert notebook.look() == 0
    notebook.started(4000)
    notebook.gpu("echo 'NVIDIA-SMI has failed'; exit 9")
    assert "unknown, so nothing is published: nvidia-smi" in notebook.look()


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


@pytest.mark.parametrize("answer", ["<html>", "{}", "[1]", '[{"execution_state": "idle", "last_activity": "yesterday"}]', '[{"execution_state": "idle"}]'])
def test_an_answer_that_cannot_be_read_is_unknown(notebook, answer):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    notebook.started(4000)
    notebook.environment["COST_GUARD_JUPYTER_URL"] = f"http://127.0.0.1:{server.server_port}"
    assert "unknown, so nothing is published" in notebook.look()


def test_two_looks_at_once_are_one(notebook):
    import fcntl

    with open(notebook.folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "not over yet" in notebook.look()


@pytest.fixture
def installed(tmp_path):
    """The lifecycle configuration, run as at a notebook's start, with a crontab that is a file."""
    (tmp_path / "bin").mkdir()
    crontab = tmp_path / "bin" / "crontab"
    crontab.write_text(f'#!/bin/sh\nif [ "$1" = -l ]; then cat {tmp_path}/crontab; else cat >{tmp_path}/crontab.new && mv {tmp_path}/crontab.new {tmp_path}/crontab; fi\n')
    crontab.chmod(0o755)
    (tmp_path / "crontab").write_text("0 3 * * * /usr/bin/own-job\n")
    environment = dict(
        PATH=f"{tmp_path}/bin:/usr/bin:/bin", HOME=str(tmp_path), COST_GUARD_PYTHON=sys.executable, COST_GUARD_LOG_FILE=str(tmp_path / "log"),
        COST_GUARD_INSTALL_DIR=str(tmp_path / "agent"), COST_GUARD_STATE_DIR=str(tmp_path / "state"),
    )  # fmt: skip

    def run():
        started = time.monotonic()
        done = subprocess.run(["bash", SCRIPT], env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert time.monotonic() - started < 10
        return tmp_path

    return run


def test_the_configuration_installs_the_agent_once_and_keeps_other_jobs(installed):
    folder = installed()
    (folder / "state" / "state.json").write_text("{}")
    installed()
    assert (folder / "crontab").read_text().splitlines() == ["0 3 * * * /usr/bin/own-job", f"*/5 * * * * {folder}/agent/idle-agent"]
    assert (folder / "agent" / "idle-agent.py").read_text() == AGENT + "\n"
    assert not (folder / "state" / "state.json").exists(), "the idle clock begins anew with each start"


def test_the_installed_agent_looks_and_keeps_its_log_short(installed):
    folder = installed()
    (folder / "log").write_text("old\n" * 5000)
    environment = dict(os.environ, COST_GUARD_STATE_DIR=str(folder / "state"), COST_GUARD_JUPYTER_URL="https://localhost:1")
    subprocess.run([folder / "agent" / "idle-agent"], env=environment, check=True, timeout=60)
    lines = (folder / "log").read_text().splitlines()
    assert len(lines) == 500 and "unknown, so nothing is published" in lines[-1]


def test_the_configuration_fits_and_asks_nothing_of_the_internet():
    text = SCRIPT.read_text()
    assert len(base64.b64encode(text.encode())) <= 16384
    assert "\r" not in text
    assert not re.search(r"\b(curl|wget|pip|conda install|git|yum|apt)\b", text)
    subprocess.run(["bash", "-n", SCRIPT], check=True)
