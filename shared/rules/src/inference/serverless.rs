//! Serverless endpoints: billed by the time that requests take, and by what is kept ready for them.

use crate::inference::{
    Assumptions, Rates, Workload,
    options::{Estimate, Fit, ServingOption, Usd},
};

/// The memory sizes of serverless endpoints, in GB.
const SIZES: std::ops::RangeInclusive<u32> = 1..=6;
/// The most requests at once of a serverless endpoint (aws-facts §8.3).
const MOST_AT_ONCE: f64 = 200.0;

/// Serverless at every memory size that fits.
pub(super) fn serverless(workload: &Workload<'_>, assumptions: &Assumptions, rates: Option<&Rates>) -> Vec<Estimate> {
    by_size(ServingOption::Serverless, workload, rates, |gb, rates| on_demand(workload, assumptions, rates, gb))
}

/// The same with as many environments kept ready as cost least, of those numbers that keep cold starts rare.
pub(super) fn provisioned(workload: &Workload<'_>, assumptions: &Assumptions, rates: Option<&Rates>) -> Vec<Estimate> {
    by_size(ServingOption::ServerlessProvisioned, workload, rates, |gb, rates| ready(workload, assumptions, rates, gb))
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

fn ready(workload: &Workload<'_>, assumptions: &Assumptions, rates: &Rates, gb: u32) -> Estimate {
    let most = at_once(workload, assumptions).min(MOST_AT_ONCE);
    let mut best: Option<Estimate> = None;
    for kept in 1..=WHOLE.min(whole(most)) {
        let one = kept_ready(workload, assumptions, rates, (gb, kept));
        let is_rare = |one: &Estimate| one.cold_share <= assumptions.max_cold_share;
        let usd = |one: &Estimate| one.usd.map_or(f64::INFINITY, |usd| usd.expected);
        let is_better = best.as_ref().is_none_or(|best| match (is_rare(&one), is_rare(best)) {
            (true, true) => usd(&one) < usd(best),
            (is_rare, _) => is_rare || one.cold_share < best.cold_share,
        });
        // Each more costs more, once cold starts are rare and few requests find none ready.
        let is_over = best.as_ref().is_some_and(|best| is_rare(best) && usd(best) < usd(&one));
        if is_better {
            best = Some(one);
        }
        if is_over {
            break;
        }
    }
    best.unwrap_or_else(|| kept_ready(workload, assumptions, rates, (gb, 1)))
}

/// No more environments than this are looked at.
const WHOLE: u32 = 200;

fn kept_ready(workload: &Workload<'_>, assumptions: &Assumptions, rates: &Rates, (gb, kept): (u32, u32)) -> Estimate {
    let requests = workload.requests;
    let of_gb = f64::from(gb);
    let (mut answered, mut spilled) = (0.0, 0.0);
    for (per_minute, minutes) in requests.per_minute().filter(|(per_minute, _)| 0.0 < *per_minute) {
        let spill = blocked(per_minute * workload.seconds / 60.0, kept);
        answered += per_minute * minutes * (1.0 - spill);
        spilled += per_minute * minutes * spill;
    }
    let data = data(workload, assumptions, rates);
    let kept_usd = f64::from(kept) * of_gb * rates.ready * 730.0 * 3600.0;
    let busy =
        |answered: f64, spilled: f64| requests.per_month(workload.seconds * of_gb * (answered * rates.busy + spilled * rates.on_demand));
    let expected = kept_usd + busy(answered, spilled) + data;
    let usd = Usd { expected, low: expected, high: kept_usd + busy(answered, spilled) * assumptions.slower + data };
    let assumes = format!("a request takes 1 to {} times as long as today", assumptions.slower);
    let mut one = Estimate::new(ServingOption::ServerlessProvisioned, workload, Some(usd), assumes);
    (one.memory_gb, one.provisioned) = (Some(gb), Some(kept));
    let cold = cold(workload, assumptions, f64::from(kept)).min(spilled.max(0.0) + 1.0);
    with_cold(&mut one, workload, assumptions, cold);
    one
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
