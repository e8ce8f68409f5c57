//! The simulated account as a command: it serves until it is ended.
#![expect(clippy::print_stdout, reason = "it tells its caller where it is")]

use std::path::PathBuf;

use clap::Parser;
use jiff::Timestamp;
use simulator::{Estate, Simulator};

/// A simulated AWS account on loopback.
#[derive(Parser)]
struct Arguments {
    /// The TOML file with what the account holds at its start.
    #[arg(long)]
    estate: PathBuf,
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 4599)]
    port: u16,
    /// Advance the clock to the real time at once, then follow the real clock. Without it the clock stands until it is advanced.
    #[arg(long)]
    real_time: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let simulator = Simulator::start_on(Estate::read(&arguments.estate)?, arguments.port)?;
    if arguments.real_time {
        simulator.live_until(Timestamp::now());
        simulator.run_in_real_time();
    }
    println!("AWS_ENDPOINT_URL={} COST_GUARD_TOPIC_ARN={} now={}", simulator.endpoint(), simulator.topic_arn(), simulator.now());
    loop {
        std::thread::park();
    }
}
