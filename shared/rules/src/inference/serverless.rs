//! Serverless endpoints: billed by the time that requests take, and by what is kept ready for them.

use crate::inference::{
    assumptions::Assumptions,
    estimate::{Estimate, Fit, ServingOption, Usd},
    rates::{HOURS, Rates},
    workload::Workload,
};

/// The memory sizes of serverless endpoints, in GB.
const SIZES: std::ops::RangeInclusive<u32> = 1..=6;
/// The most requests at once of a serverless endpoint (aws-facts §8.3).
const MOST_AT_ONCE: f64 = 200.0;

/// Serverless at every memory size that fits.
pub(super) fn serverless(workload: &Workload<'_>, assumptions: &Assumptions, rates: Option<&Rates>) -> Vec<Estimate> {
    by_size(ServingOption::Serverless, workload, rates, |gb, rates| on_demand(workload, assumptions, rates, gb))
}

/// The same with as many environments kept ready as cost least, of those numbers that keep cold starts rare. All prices are by the GB, so that the number is the same for each size.
pub(super) fn provisioned(workload: &Workload<'_>, assumptions: &Assumptions, rates: Option<&Rates>) -> Vec<Estimate> {
    let best = rates.map(|rates| Kept::best(workload, assumptions, rates));
    by_size(ServingOption::ServerlessProvisioned, workload, rates, |gb, rates| {
        let mut one = Estimate::new(ServingOption::ServerlessProvisioned, workload, None, String::new());
        if let Some(best) = &best {
            best.estimate(&mut one, workload, assumptions, (gb, rates));
        }
        one
    })
}

/// One estimate for each memory size from the smallest that the model fits into. What cannot be priced, or does not fit, comes once.
fn by_size(
    option: ServingOption,
    workload: &Workload<'_>,
    rates: Option<&Rates>,
    estimate: impl Fn(u32, &Rates) -> Estimate,
) -> Vec<Estimate> {
    let alone = |fit| {
        let mut one = rates.map_or_else(|| Estimate::new(option, workload, None, String::new()), |rates| estimate(*SIZES.end(), rates));
        one.fit = fit;
        vec![one]
    };
    let Some(rates) = rates else { return alone(Fit::CannotTell("the serverless prices of this Region are not known".into())) };
    let Some(memory) = workload.memory_gib else { return alone(Fit::CannotTell("how much memory the model needs is not known".into())) };
    if f64::from(*SIZES.end()) < memory {
        return alone(Fit::No(format!("the model needs up to {memory:.1} GB, and serverless has 6 GB at most")));
    }
    SIZES.filter(|gb| memory <= f64::from(*gb)).map(|gb| estimate(gb, rates)).collect()
}

fn on_demand(workload: &Workload<'_>, assumptions: &Assumptions, rates: &Rates, gb: u32) -> Estimate {
    let requests = workload.requests;
    let month = |amount: f64| requests.per_month(amount);
    let per_second = rates.on_demand * f64::from(gb);
    let data = data(workload, assumptions, rates);
    let (total, cold) = (requests.total(), cold(workload, assumptions, 0.0));
    let busy = month(total * workload.seconds) * per_second;
    // Whether AWS bills the start of an environment is not documented.
    let starts = month(cold) * assumptions.cold_start.signed().as_secs_f64() * per_second;
    let usd = Usd { expected: busy + data, low: busy + data, high: busy * assumptions.slower + starts + data };
    let assumes =
        format!("a request takes 1 to {} times as long as today, and {} after a pause", assumptions.slower, assumptions.cold_start);
    let mut one = Estimate::new(ServingOption::Serverless, workload, Some(usd), assumes);
    one.memory_gb = Some(gb);
    with_cold(&mut one, workload, assumptions, cold);
    one
}

/// Environments that are kept ready, and what they do in a month.
struct Kept {
    environments: u32,
    /// Seconds of requests that they answer.
    answered: f64,
    /// Seconds of requests that find none of them free.
    spilled: f64,
    /// Requests in the traffic that meet a cold start.
    cold: f64,
}

impl Kept {
    fn best(workload: &Workload<'_>, assumptions: &Assumptions, rates: &Rates) -> Self {
        let is_rare = |one: &Self| one.cold <= assumptions.max_cold_share * workload.requests.total();
        let mut best = Self::of(1, workload, assumptions);
        for environments in 2..=whole(at_once(workload, assumptions)) {
            let one = Self::of(environments, workload, assumptions);
            let is_cheaper = one.usd_per_gb(rates) < best.usd_per_gb(rates);
            // Each more costs more, once cold starts are rare and few requests find none ready.
            if is_rare(&best) && !is_cheaper {
                break;
            }
            best = one;
        }
        best
    }

    fn of(environments: u32, workload: &Workload<'_>, assumptions: &Assumptions) -> Self {
        let requests = workload.requests;
        let (mut answered, mut spilled) = (0.0, 0.0);
        for (per_minute, minutes) in requests.per_minute().filter(|(per_minute, _)| 0.0 < *per_minute) {
            let spill = blocked(per_minute * workload.seconds / 60.0, environments);
            answered += per_minute * minutes * (1.0 - spill);
            spilled += per_minute * minutes * spill;
        }
        let cold = cold(workload, assumptions, f64::from(environments)).min(spilled + 1.0);
        let month = |count: f64| requests.per_month(count * workload.seconds);
        Self { environments, answered: month(answered), spilled: month(spilled), cold }
    }

    /// What is kept ready, in USD a month and GB.
    fn ready_per_gb(&self, rates: &Rates) -> f64 {
        f64::from(self.environments) * rates.ready * HOURS * 3600.0
    }

    fn busy_per_gb(&self, rates: &Rates) -> f64 {
        self.answered * rates.busy + self.spilled * rates.on_demand
    }

    fn usd_per_gb(&self, rates: &Rates) -> f64 {
        self.ready_per_gb(rates) + self.busy_per_gb(rates)
    }

    fn estimate(&self, one: &mut Estimate, workload: &Workload<'_>, assumptions: &Assumptions, (gb, rates): (u32, &Rates)) {
        let (of_gb, data) = (f64::from(gb), data(workload, assumptions, rates));
        let expected = self.usd_per_gb(rates) * of_gb + data;
        let high = (self.ready_per_gb(rates) + self.busy_per_gb(rates) * assumptions.slower) * of_gb + data;
        one.usd = Some(Usd { expected, low: expected, high });
        one.assumes = format!("a request takes 1 to {} times as long as today", assumptions.slower);
        (one.memory_gb, one.provisioned) = (Some(gb), Some(self.environments));
        with_cold(one, workload, assumptions, self.cold);
    }
}

/// What requests and answers cost on their way in and out.
pub(super) fn data(workload: &Workload<'_>, assumptions: &Assumptions, rates: &Rates) -> f64 {
    let requests = workload.requests;
    rates.of_bytes(requests.per_month(requests.total()) * workload.payload.unwrap_or(assumptions.payload))
}

fn cold(workload: &Workload<'_>, assumptions: &Assumptions, ready: f64) -> f64 {
    let stays = assumptions.stays_warm.signed().as_secs_f64() / 60.0;
    workload.requests.cold_starts(workload.seconds, stays, ready, assumptions.burst)
}

fn at_once(workload: &Workload<'_>, assumptions: &Assumptions) -> f64 {
    workload.requests.most_environments(workload.seconds, assumptions.burst)
}

fn with_cold(one: &mut Estimate, workload: &Workload<'_>, assumptions: &Assumptions, cold: f64) {
    let total = workload.requests.total();
    one.cold_share = if total <= 0.0 { 0.0 } else { (cold / total).clamp(0.0, 1.0) };
    one.cold_seconds = (0.0 < one.cold_share).then(|| assumptions.cold_start.signed().as_secs_f64() + workload.seconds);
    let most = at_once(workload, assumptions);
    // Requests that take longer there are also more at once.
    one.at_once = Some(whole((most * assumptions.slower).ceil()));
    if MOST_AT_ONCE < most {
        one.fit = Fit::No(format!("up to {most:.0} requests come at once, and a serverless endpoint answers {MOST_AT_ONCE:.0} at most"));
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 200")]
fn whole(environments: f64) -> u32 {
    environments.clamp(1.0, MOST_AT_ONCE) as u32
}

/// The share of requests that find none of `kept` environments free, if `load` are under way on average and they come at random times (Erlang's loss formula).
fn blocked(load: f64, kept: u32) -> f64 {
    (1..=kept).fold(1.0, |blocked, environments| {
        let waiting = load * blocked;
        waiting / (f64::from(environments) + waiting)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_formula_has_its_textbook_values() {
        // Erlang B: 2 Erlang on 3 servers, 10 on 10, 0.5 on 1.
        for (load, kept, share) in [(2.0, 3, 0.210_526), (10.0, 10, 0.214_582), (0.5, 1, 1.0 / 3.0)] {
            assert!((blocked(load, kept) - share).abs() < 1e-5, "{load} {kept}: {}", blocked(load, kept));
        }
    }
}
