//! Candidates that are looked at as one endpoint: the sum of their loads, and what sharing saves.

use crate::inference::packing::{
    candidate::Candidate,
    room::{Choice, HOURLY, MOST_INSTANCES, Need, Room, cheapest, micros},
};

/// What is saved by those who fit into no instance type together: less than by anybody else, and yet such numbers can be added.
const NEVER: i64 = i64::MIN / 1024;

/// Some candidates together, at least one.
#[derive(Clone, Debug)]
pub(super) struct Members {
    /// Their places in the list of candidates.
    pub(super) places: Vec<usize>,
    /// The sum of their loads by the hour.
    pub(super) hours: Vec<[f64; HOURLY]>,
    /// For each of the loads, the hour in which it is highest.
    peaks: [usize; HOURLY],
    /// What they need together.
    pub(super) need: Need,
    /// What they cost today in an hour, in millionths of USD.
    pub(super) today: i64,
    /// The endpoint that they would share. `None`: there is only one of them, or they fit into no instance type.
    pub(super) shared: Option<Choice>,
}

/// What sharing is worth: of those that save as much, the one that leaves more room on its instances.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct Worth {
    /// What it saves in an hour, in millionths of USD.
    pub(super) saving: i64,
    /// The part of the price for which the instances are in use, below zero.
    in_use: f64,
}

impl Members {
    /// One candidate, with its load in so many hours. `None`: it cannot share an endpoint, because its price or what it needs is no number.
    pub(super) fn one(place: usize, candidate: &Candidate<'_>, hours: usize) -> Option<Self> {
        let memory = Some(candidate.memory_gib).filter(|gib| 0.0 < *gib)?;
        let gpu_memory = Some(candidate.gpu_memory_gib).filter(|gib| 0.0 <= *gib)?;
        let model = candidate.model_gib.filter(|gib| 0.0 < *gib).unwrap_or(memory);
        let at_least = candidate.at_least.max(1);
        // Each of the instances that have to serve it loads it.
        let loaded = f64::from(at_least);
        let amounts = [0.0, 0.0, 0.0, model * loaded, gpu_memory * loaded];
        let mut load: Vec<_> = candidate.load.iter().map(|load| [load.vcpus, load.requests, load.gpus].map(|one| one.max(0.0))).collect();
        load.resize(hours, [0.0; HOURLY]);
        let one = Self {
            places: vec![place],
            hours: load,
            peaks: [0; HOURLY],
            need: Need { amounts, largest: [model, memory, gpu_memory], at_least },
            today: micros(candidate.today.usd_per_hour)? * i64::from(candidate.instances.min(MOST_INSTANCES)),
            shared: None,
        };
        Some(one.with_peaks())
    }

    /// One and others.
    pub(super) fn sum<'a>(one: &Self, others: impl IntoIterator<Item = &'a Self>, rooms: &[Room<'_>]) -> Self {
        let mut sum = one.clone();
        for other in others {
            sum.places.extend(&other.places);
            sum.hours.iter_mut().flatten().zip(other.hours.iter().flatten()).for_each(|(sum, more)| *sum += more);
            sum.need = sum.need.with_rest(&other.need);
            sum.today += other.today;
        }
        sum.sharing(rooms)
    }

    /// What is left of several if one of them goes. The loads may be off in their last digits.
    pub(super) fn without(&self, gone: &Self, singles: &[Self], rooms: &[Room<'_>]) -> Self {
        let places: Vec<usize> = self.places.iter().copied().filter(|place| !gone.places.contains(place)).collect();
        let need = places.iter().fold(Need::default(), |need, place| need.with_rest(&singles[*place].need));
        let mut left = Self { places, need, today: self.today - gone.today, ..self.clone() };
        left.hours.iter_mut().flatten().zip(gone.hours.iter().flatten()).for_each(|(sum, less)| *sum -= less);
        left.sharing(rooms)
    }

    fn sharing(self, rooms: &[Room<'_>]) -> Self {
        let mut all = self.with_peaks();
        all.shared = if all.places.len() == 1 { None } else { cheapest(rooms, &all.need) };
        all
    }

    fn with_peaks(mut self) -> Self {
        let mut highest = [0.0; HOURLY];
        for (hour, load) in self.hours.iter().enumerate() {
            for (at, load) in load.iter().enumerate() {
                if highest[at] < *load {
                    (highest[at], self.peaks[at]) = (*load, hour);
                }
            }
        }
        self.need.amounts[..HOURLY].copy_from_slice(&highest);
        self
    }

    /// What is saved in an hour, in millionths of USD. Below zero: they are cheaper as they are.
    pub(super) fn saving(&self) -> i64 {
        match self.shared {
            Some(shared) => self.today - shared.micros,
            None if self.places.len() == 1 => 0,
            None => NEVER,
        }
    }

    /// The most that these and others can be worth: quickly, because their loads are added only in the highest hours of both.
    pub(super) fn hoped(&self, other: &Self, rooms: &[Room<'_>]) -> Worth {
        let mut need = self.need.with_rest(&other.need);
        for at in 0..HOURLY {
            let in_hour = |hour: usize| self.hours.get(hour).zip(other.hours.get(hour)).map_or(0.0, |(one, other)| one[at] + other[at]);
            need.amounts[at] = in_hour(self.peaks[at]).max(in_hour(other.peaks[at]));
        }
        self.worth(other, cheapest(rooms, &need))
    }

    /// What these and others are worth.
    pub(super) fn with(&self, other: &Self, rooms: &[Room<'_>]) -> Worth {
        let mut need = self.need.with_rest(&other.need);
        for (one, other) in self.hours.iter().zip(&other.hours) {
            for at in 0..HOURLY {
                need.amounts[at] = need.amounts[at].max(one[at] + other[at]);
            }
        }
        self.worth(other, cheapest(rooms, &need))
    }

    fn worth(&self, other: &Self, shared: Option<Choice>) -> Worth {
        shared.map_or(Worth { saving: NEVER, in_use: 0.0 }, |shared| Worth {
            saving: self.today + other.today - shared.micros,
            in_use: -shared.in_use,
        })
    }
}
