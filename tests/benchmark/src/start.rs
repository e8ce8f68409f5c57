//! The start: the CPU time from exec to the first AWS answer over TLS, and the first invocation with the CPU share of a 128 MB Lambda function.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use anyhow::Context as _;
use serde_json::json;
use simulator::{Estate, Simulator};
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

use crate::{Figure, NOTEBOOK_STOPPER, median, start};

/// The kernel's default period of a CPU quota, in microseconds.
const PERIOD_US: u32 = 100_000;

/// The quota per period: at 1,769 MB Lambda gives one whole core, and at 128 MB the proportional share, 7 %.
const QUOTA_US: u32 = PERIOD_US * 128 / 1_769;

/// The simulated account behind TLS. It records the client's CPU time when its first answer is sent.
struct Tls {
    endpoint: String,
    /// The simulator's certificate with Amazon's root certificates, which a function parses in AWS.
    roots: NamedTempFile,
    client: Arc<AtomicU32>,
    first_answer: Arc<Mutex<Option<f64>>>,
}

pub(crate) async fn measure(runs: usize) -> anyhow::Result<Vec<Figure>> {
    let account = Simulator::start(Estate::default())?;
    let tls = Tls::before(&account).await?;
    let roots = tls.roots.path().display().to_string();
    let (mut cpu, mut first) = (vec![], vec![]);
    for _ in 0..runs {
        *tls.first_answer.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let started = Instant::now();
        let mut run = start(NOTEBOOK_STOPPER, &account, &tls.endpoint, "", &[("SSL_CERT_FILE", &roots)]).await?;
        tls.client.store(run.function.id().unwrap_or_default(), Ordering::Relaxed);
        run.function.invoke(json!({"dry-run": true})).await?.map_err(anyhow::Error::msg)?;
        first.push(started.elapsed().as_secs_f64() * 1000.0);
        cpu.extend(*tls.first_answer.lock().unwrap_or_else(PoisonError::into_inner));
    }
    let mut figures = vec![
        Figure { what: "exec to first AWS answer over TLS: CPU", measured: format!("{:.1} ms", median(cpu)), goal: "≤ 6 ms" },
        Figure {
            what: "exec to the end of the first run (4 services, each its own TLS connection)",
            measured: format!("{:.0} ms", median(first)),
            goal: "",
        },
    ];
    figures.push(match throttled(&account, &tls, &roots, runs).await {
        Ok((answer, whole)) => Figure {
            what: "under the CPU quota of a 128 MB Lambda: first AWS answer / whole first run",
            measured: format!("{answer:.0} ms / {whole:.0} ms"),
            goal: "≤ 80 ms",
        },
        Err(error) => {
            Figure { what: "under the CPU quota of a 128 MB Lambda", measured: format!("not measured: {error:#}"), goal: "≤ 80 ms" }
        }
    });
    Ok(figures)
}

/// The first invocation of a process that starts without a quota, and gets it with its first event, as on Lambda.
async fn throttled(account: &Simulator, tls: &Tls, roots: &str, runs: usize) -> anyhow::Result<(f64, f64)> {
    let group = Group::new()?;
    let (mut answers, mut wholes) = (vec![], vec![]);
    for _ in 0..runs {
        let mut run = start(NOTEBOOK_STOPPER, account, &tls.endpoint, "", &[("SSL_CERT_FILE", roots)]).await?;
        let process = run.function.id().context("the process has ended")?;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        group.take(process)?;
        *tls.first_answer.lock().unwrap_or_else(PoisonError::into_inner) = None;
        tls.client.store(process, Ordering::Relaxed);
        let started = Instant::now();
        let waiting = run.function.invoke(json!({"dry-run": true}));
        tokio::pin!(waiting);
        let mut answered = None;
        let ended = loop {
            tokio::select! {
                ended = &mut waiting => break ended,
                () = tokio::time::sleep(std::time::Duration::from_millis(1)) => {
                    if answered.is_none() && tls.first_answer.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                        answered = Some(started.elapsed());
                    }
                }
            }
        };
        ended?.map_err(anyhow::Error::msg)?;
        wholes.push(started.elapsed().as_secs_f64() * 1000.0);
        answers.extend(answered.map(|passed| passed.as_secs_f64() * 1000.0));
    }
    Ok((median(answers), median(wholes)))
}

/// A control group with the quota. It is removed when dropped.
pub(crate) struct Group(PathBuf);

impl Group {
    pub(crate) fn new() -> anyhow::Result<Self> {
        static GROUPS: AtomicU32 = AtomicU32::new(0);
        let root = Path::new("/sys/fs/cgroup");
        let is_v2 = root.join("cgroup.controllers").exists();
        let of_cpu = if is_v2 { root.to_owned() } else { root.join("cpu") };
        let name = format!("cost-guard-bench-{}-{}", std::process::id(), GROUPS.fetch_add(1, Ordering::Relaxed));
        let group = of_cpu.join(name);
        fs::create_dir(&group).context("no control group can be made here (it needs root)")?;
        let group = Self(group);
        let (file, quota) = if is_v2 { ("cpu.max", format!("{QUOTA_US} {PERIOD_US}")) } else { ("cpu.cfs_quota_us", QUOTA_US.to_string()) };
        // Opens the kernel's existing file. Creating a new file would set no quota.
        fs::OpenOptions::new()
            .write(true)
            .open(group.0.join(file))
            .and_then(|mut file| std::io::Write::write_all(&mut file, quota.as_bytes()))
            .context("the control group takes no CPU quota")?;
        Ok(group)
    }

    pub(crate) fn take(&self, process: u32) -> anyhow::Result<()> {
        Ok(fs::write(self.0.join("cgroup.procs"), process.to_string())?)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The group cannot be removed until its last process has ended.
        for _ in 0..50 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

impl Tls {
    async fn before(account: &Simulator) -> anyhow::Result<Self> {
        let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let roots = include_str!("../../../shared/aws/src/amazon-roots.pem").to_owned() + &certified.cert.pem();
        let file = NamedTempFile::new()?;
        fs::write(file.path(), roots)?;
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certified.cert.der().clone()], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("https://localhost:{}", listener.local_addr()?.port());
        let (client, first_answer) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(None)));
        let behind = account.endpoint().trim_start_matches("http://").to_owned();
        let (noted_client, noted) = (Arc::clone(&client), Arc::clone(&first_answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                let (client, noted) = (Arc::clone(&noted_client), Arc::clone(&noted));
                tokio::spawn(async move { forward(acceptor, stream, &behind, &client, &noted).await });
            }
        });
        Ok(Self { endpoint, roots: file, client, first_answer })
    }
}

async fn forward(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    behind: &str,
    client: &AtomicU32,
    noted: &Mutex<Option<f64>>,
) -> anyhow::Result<()> {
    let (mut from_client, mut to_client) = tokio::io::split(acceptor.accept(stream).await?);
    let (mut from_account, mut to_account) = TcpStream::connect(behind).await?.into_split();
    let requests = tokio::io::copy(&mut from_client, &mut to_account);
    let answers = async {
        let mut buffer = vec![0; 65536];
        loop {
            let read = from_account.read(&mut buffer).await?;
            if read == 0 {
                return Ok::<(), std::io::Error>(());
            }
            noted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| cpu_ms(client.load(Ordering::Relaxed)));
            to_client.write_all(&buffer[..read]).await?;
        }
    };
    let (_, answered) = tokio::join!(requests, answers);
    Ok(answered?)
}

/// CPU time of all threads of a process in milliseconds, from the scheduler's nanosecond counters.
fn cpu_ms(process: u32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let nanoseconds =
        tasks.filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok()?.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.sum::<f64>() / 1e6
}
