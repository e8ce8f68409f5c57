//! Real-time on fewer, smaller or newer instances: which ones have room for what an endpoint uses (inference-facts §E6, §E7).

use crate::inference::{
    assumptions::Assumptions,
    estimate::{Estimate, Fit, ServingOption, Usd},
    hardware::Hardware,
    instance_types::{InstanceType, PricedType},
    instances::{data_of, volume_usd},
    packing::Limits,
    rates::{HOURS, Rates},
    workload::{LONGEST, Workload},
};

/// Real-time on the cheapest other instances with room for what is used at its busiest. As many as today may fail, and no request takes much longer than today.
pub(super) fn other_instances(
    workload: &Workload<'_>,
    hardware: &Hardware<'_>,
    assumptions: &Assumptions,
    rates: Option<&Rates>,
) -> Estimate {
    let option = ServingOption::OtherInstances;
    let choices = hardware.offered.iter().filter_map(|one| choice(workload, hardware, assumptions, one));
    // At the same price more of them, because one may fail.
    let best = choices.min_by(|one, other| one.usd_per_hour().total_cmp(&other.usd_per_hour()).then(other.instances.cmp(&one.instances)));
    let Some(best) = best.filter(|best| best.usd_per_hour() < hardware.today.usd_per_hour * f64::from(workload.instances)) else {
        let mut none = Estimate::new(option, workload, None, "");
        none.fit = Fit::No("no cheaper instances have room for what it uses at its busiest".into());
        return none;
    };
    let usd_per_hour = best.of.usd_per_hour * (1.0 - assumptions.plan_discount) + volume_usd(workload, rates);
    let usd = Usd::exactly(usd_per_hour * f64::from(best.instances) * HOURS + data_of(workload, assumptions, rates));
    let assumes = if 1.0 < best.slower {
        format!("a request takes 1 to {:.1} times as long as today: each of these instances has fewer or slower vCPUs", best.slower)
    } else {
        "what its instances used in the last days is what they will use".to_owned()
    };
    let mut one = Estimate::new(option, workload, Some(usd), assumes);
    one.seconds = workload.seconds * best.slower.max(1.0);
    (one.instances, one.instance_type) = (Some(best.instances), Some(best.of.name.to_owned()));
    one
}

/// How fast a CPU is was measured to ± 5 %: half of the vCPUs are half as fast.
const MEASURED_WITHIN: f64 = 1.05;

/// Instances that have room.
struct Choice<'a> {
    of: PricedType<'a>,
    instances: u32,
    /// How many times longer a request may take.
    slower: f64,
}

impl Choice<'_> {
    fn usd_per_hour(&self) -> f64 {
        self.of.usd_per_hour * f64::from(self.instances)
    }
}

/// How many instances of this type are enough. `None`: the model does not fit into one, or does not run on it, or too slowly.
fn choice<'a>(workload: &Workload<'_>, hardware: &Hardware<'_>, assumptions: &Assumptions, other: &PricedType<'a>) -> Option<Choice<'a>> {
    let (Hardware { today, used, .. }, limits) = (hardware, Limits::default());
    if !is_alike(today.has, other.has) || (hardware.needs_volume && other.has.local_disks) {
        return None;
    }
    let (power, power_today) = powers(other.has, today.has);
    let slower = power_today / power;
    let fits = used.memory * today.has.memory_gib <= other.has.memory_gib * limits.memory
        && used.gpu_memory * today.has.gpu_memory_gib <= other.has.gpu_memory_gib * limits.memory;
    let slowest = workload.slowest.unwrap_or(workload.seconds);
    let is_in_time = slower <= 1.0 || slowest * slower <= LONGEST;
    if !fits || !is_in_time || assumptions.slower * MEASURED_WITHIN < slower {
        return None;
    }
    let instances = f64::from(workload.instances);
    let by_vcpus = used.cpu * power_today * instances / (power * limits.cpu);
    let by_gpu = used.gpu * instances / limits.gpu;
    let at_least = f64::from(workload.instances.min(2));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no more than there are today, and two")]
    let needed = by_vcpus.max(by_gpu).max(at_least).min(instances.max(2.0) + 1.0).ceil() as u32;
    (needed <= workload.instances.max(2)).then_some(Choice { of: *other, instances: needed, slower })
}

/// Whether an image that runs on one type runs on the other: the same architecture, and as many of the same GPUs. Other accelerators need models compiled for them.
fn is_alike(today: &InstanceType, other: &InstanceType) -> bool {
    let is_known = !other.unverified && !other.burstable && !today.burstable;
    let is_plain = today.accelerators == 0 && other.accelerators == 0;
    is_known && is_plain && today.arm64 == other.arm64 && (today.gpus, &today.gpu) == (other.gpus, &other.gpu)
}

/// How fast the CPUs of two types are: measured, if both were; else by their vCPUs.
fn powers(one: &InstanceType, other: &InstanceType) -> (f64, f64) {
    one.coremark_per_second.zip(other.coremark_per_second).unwrap_or((f64::from(one.vcpu), f64::from(other.vcpu)))
}
