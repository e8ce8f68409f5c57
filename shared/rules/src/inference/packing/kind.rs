//! Candidates of the same kind of instance, which may share one of that kind.

use std::cmp::Ordering;

use crate::inference::{
    instance_types::PricedType,
    packing::{
        candidate::{Candidate, Limits},
        few::{FEW, best_of_few},
        group::{BusiestHour, Group, Highest},
        members::Members,
        room::{Room, rooms, server_gib},
        search::Search,
    },
    rates::HOURS,
};

/// What an image and a load depend on: images are built for arm64 or not, and the use of a GPU says nothing about one of another model.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind<'a> {
    arm64: bool,
    has_gpus: bool,
    gpu: Option<&'a str>,
}

impl<'a> Kind<'a> {
    /// `None`: it has accelerators on which multi-model endpoints do not run.
    pub(super) fn of(one: &PricedType<'a>) -> Option<Self> {
        (one.has.accelerators == 0).then_some(Self { arm64: one.has.arm64, has_gpus: 0 < one.has.gpus, gpu: one.has.gpu.as_deref() })
    }
}

/// Candidates of one kind.
pub(super) struct Candidates<'a> {
    ids: Vec<usize>,
    singles: Vec<Members>,
    rooms: Vec<Room<'a>>,
}

impl<'a> Candidates<'a> {
    /// Those that can share an endpoint. They and the types have to be of the same kind.
    pub(super) fn new(all: &[&Candidate<'_>], types: impl Iterator<Item = PricedType<'a>>, limits: &Limits) -> Self {
        let hours = all.iter().map(|one| one.load.len()).max().unwrap_or(0);
        let mut candidates = Self { ids: vec![], singles: vec![], rooms: rooms(types, limits) };
        for one in all {
            if let Some(single) = Members::one(candidates.ids.len(), one, hours) {
                candidates.ids.push(one.id);
                candidates.singles.push(single);
            }
        }
        candidates
    }

    /// The groups that save most.
    pub(super) fn groups(&self) -> Vec<Group> {
        let groups = if self.singles.len() <= FEW {
            best_of_few(&self.singles.iter().collect::<Vec<_>>(), &self.rooms)
        } else {
            Search { singles: &self.singles, rooms: &self.rooms }.run()
        };
        groups.iter().filter_map(|members| self.group(members)).collect()
    }

    /// `None`: these stay as they are, because sharing saves nothing.
    fn group(&self, members: &Members) -> Option<Group> {
        let shared = members.shared.filter(|_| 0 < members.saving())?;
        let room = &self.rooms[shared.place];
        let mut ids: Vec<usize> = members.places.iter().map(|place| self.ids[*place]).collect();
        ids.sort_unstable();
        Some(Group {
            members: ids,
            instance_type: room.of.name.to_owned(),
            instances: shared.instances,
            usd_per_month: per_month(shared.micros),
            usd_per_month_today: per_month(members.today),
            highest: highest(members, room, shared.instances),
            busiest: self.busiest(members, room),
        })
    }

    fn busiest(&self, members: &Members, room: &Room<'_>) -> Option<BusiestHour> {
        let (mut most, mut found) = (0.0, None);
        for (hour, load) in members.hours.iter().enumerate() {
            for (at, load) in load.iter().enumerate() {
                let instances = room.instances_for(at, *load);
                (most, found) = if most < instances { (instances, Some((hour, at))) } else { (most, found) };
            }
        }
        let (hour, at) = found?;
        let load_of = |place: usize| self.singles[place].hours[hour][at];
        let noisiest = members.places.iter().copied().reduce(|noisiest, place| match load_of(place).total_cmp(&load_of(noisiest)) {
            Ordering::Greater => place,
            Ordering::Equal => place.min(noisiest),
            Ordering::Less => noisiest,
        })?;
        Some(BusiestHour { hour, noisiest: self.ids[noisiest], share: load_of(noisiest) / members.hours[hour][at] })
    }
}

fn highest(members: &Members, room: &Room<'_>, instances: u32) -> Highest {
    let [vcpus, _, gpus, memory, gpu_memory] = members.need.amounts;
    let has = room.of.has;
    let share = |used: f64, has: f64| if used <= 0.0 { 0.0 } else { used / (has * f64::from(instances)) };
    Highest {
        cpu: share(vcpus, f64::from(has.vcpu)),
        memory: server_gib(has.memory_gib) / has.memory_gib + share(memory, has.memory_gib),
        gpu: share(gpus, f64::from(has.gpus)),
        gpu_memory: share(gpu_memory, has.gpu_memory_gib),
    }
}

fn per_month(micros: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "an amount of money")]
    let usd = micros as f64 / 1e6;
    usd * HOURS
}
