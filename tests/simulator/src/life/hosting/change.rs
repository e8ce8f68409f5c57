//! What changes an endpoint or a component while it lives: updates, weights and counts, and what people and AWS do to it.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::{
    estate::plan::HostingDeed,
    life::{
        hosting::{
            Hosting,
            fleet::{Change, Fleet, LOOKING, no_capacity},
        },
        kinds::{Asset, Kind, hosting::fleet_of, table::kind_of},
        order::Listed as _,
    },
    wire::Refusal,
    world::World,
};

/// How long a rollback takes.
const ROLLING_BACK: SignedDuration = SignedDuration::from_mins(2);

impl World {
    pub(crate) fn endpoint(&self, name: &str) -> Option<&Asset> {
        self.assets.get(kind_of("endpoint")?, name)
    }

    pub(crate) fn component(&self, name: &str) -> Option<&Asset> {
        self.assets.get(kind_of("inference-component")?, name)
    }

    /// Changes weights, counts or copies: Updating now, `InService` when the instances have started. Without instances it stays as it was.
    pub(crate) fn change_capacity(&mut self, kind: &'static Kind, name: &str, change: impl FnOnce(&mut Fleet)) {
        let manner = self.hosting.manner(kind, name);
        self.change_asset(kind, &name.to_lowercase().into(), |asset, now| {
            let Some(fleet) = &mut asset.grown.fleet else { return };
            change(fleet);
            let grows = fleet.variants.iter().any(|variant| variant.count.current < variant.count.desired);
            let succeeds = !(grows && fleet.finds_no_capacity(now, &manner));
            let takes = if succeeds { fleet.takes(&manner) } else { LOOKING };
            fleet.failure = (!succeeds).then(no_capacity);
            fleet.pending = Some(Change::Capacity { succeeds });
            asset.enter(now, "Updating");
            asset.next = Some((now + takes, "InService"));
        });
    }

    /// Deploys another configuration. If its container is not healthy, or there are no instances, the endpoint rolls back.
    pub(crate) fn deploy_config(&mut self, name: &str, next: Fleet) {
        let Some(kind) = kind_of("endpoint") else { return };
        let manner = self.hosting.manner(kind, name);
        self.change_asset(kind, &name.to_lowercase().into(), |asset, now| {
            let Some(fleet) = &mut asset.grown.fleet else { return };
            let mut next = fleet.succeed(next, now);
            let usual = SignedDuration::from_mins(4);
            let (takes, ends) = next.begin(now, &manner, usual, true);
            if ends == "Failed" {
                fleet.failure = next.failure.take();
                asset.next = Some((now + takes, "RollingBack"));
            } else {
                asset.next = Some((now + takes, "InService"));
            }
            fleet.pending = Some(Change::Deploy(Box::new(next)));
            asset.enter(now, "Updating");
        });
    }

    /// Does what somebody does to an endpoint, or what AWS does by itself. What AWS would refuse does not happen.
    pub(crate) fn hosting_deed(&mut self, kind: &'static Kind, name: &str, deed: &HostingDeed) {
        let (now, key): (_, Arc<str>) = (self.now, name.to_lowercase().into());
        let status = self.assets.get(kind, name).map_or("", Asset::status);
        let mut turn = |status: &'static str, next: Option<(SignedDuration, &'static str)>, pending: Option<Change>| {
            self.change_asset(kind, &key, |asset, _| {
                if let Some(fleet) = &mut asset.grown.fleet {
                    fleet.pending = pending;
                }
                asset.enter(now, status);
                asset.next = next.map(|(takes, next)| (now + takes, next));
            });
        };
        match deed {
            HostingDeed::Maintain(takes) if status == "InService" => {
                turn("SystemUpdating", Some((takes.signed(), "InService")), Some(Change::Maintenance));
            }
            HostingDeed::RollBack if status == "Updating" => turn("RollingBack", Some((ROLLING_BACK, "InService")), None),
            HostingDeed::FailRollBack if matches!(status, "Updating" | "RollingBack") => turn("UpdateRollbackFailed", None, None),
            HostingDeed::Break if status == "InService" => turn("OutOfService", None, None),
            HostingDeed::MoveTag(image) => self.hosting.move_tag(image),
            HostingDeed::Scale(count) if status == "InService" => self.change_capacity(kind, name, |fleet| {
                fleet.variants.iter_mut().take(1).for_each(|variant| variant.count.desired = *count);
            }),
            HostingDeed::Update(config) if status == "InService" => {
                let found = kind_of("endpoint-config").and_then(|of| self.assets.get(of, config));
                if let Some(next) = found.map(|config| fleet_of(self, config)) {
                    self.deploy_config(name, next);
                }
            }
            _ => {}
        }
    }

    /// What follows from the change of an endpoint or component.
    pub(crate) fn hosting_changed(&mut self, kind: &'static Kind, key: &str, status: &'static str) {
        if !matches!(kind.name, "endpoint" | "inference-component") {
            return;
        }
        let now = self.now;
        self.note_levels(kind, key, now);
        let waits = |world: &Self| world.assets.shelf(kind)?.by_key(key)?.next.is_none().then_some(());
        if status == "RollingBack" && waits(self).is_some() {
            self.go_on(kind, key);
        }
        if status == "Deleted" {
            self.hosting.policies.remove(&Hosting::key(kind, key));
        }
        if matches!(status, "InService" | "Failed" | "UpdateRollbackFailed" | "OutOfService") {
            self.scaling_settled(kind, key);
        }
        if let Some(endpoint) = self.parent_of(kind, key).filter(|_| status == "InService" || status == "Deleted") {
            self.fit_components(&endpoint);
        }
    }

    /// A rollback goes on to `InService`.
    fn go_on(&mut self, kind: &'static Kind, key: &str) {
        self.change_asset(kind, &key.into(), |asset, now| {
            asset.next = Some((now + ROLLING_BACK, "InService"));
        });
    }

    fn parent_of(&self, kind: &Kind, key: &str) -> Option<String> {
        if kind.name == "endpoint" {
            return Some(key.to_owned());
        }
        self.assets.shelf(kind)?.by_key(key)?.parent().map(ToString::to_string)
    }

    /// Where SageMaker itself scales the instances of components: as many as the copies need.
    fn fit_components(&mut self, endpoint: &str) {
        let (Some(kind), Some(components)) = (kind_of("endpoint"), kind_of("inference-component")) else { return };
        let Some(asset) = self.assets.shelf(kind).and_then(|shelf| shelf.by_key(endpoint)) else { return };
        let Some(fleet) = asset.grown.fleet.as_ref().filter(|_| asset.status() == "InService") else { return };
        let per_instance = self.hosting.manner(kind, endpoint).copies_per_instance.unwrap_or(1).max(1);
        let copies = |variant: &str| {
            let all = self.assets.shelf(components).into_iter().flat_map(|shelf| shelf.of(endpoint));
            let fleets = all.filter(|one| one.status() != "Deleting").filter_map(|one| one.grown.fleet.as_ref()?.variants.first());
            fleets.filter(|copies| copies.name() == variant).map(|copies| copies.count.desired.max(copies.count.current)).sum::<u64>()
        };
        let wanted = |variant: &crate::life::hosting::fleet::Variant| {
            let (least, most) = variant.managed().filter(|_| variant.holds_components())?;
            let count = copies(variant.name()).div_ceil(per_instance).clamp(least, most.max(least));
            (count != variant.count.desired).then(|| (variant.name().to_owned(), count))
        };
        let wanted: Vec<(String, u64)> = fleet.variants.iter().filter_map(wanted).collect();
        if !wanted.is_empty() {
            let name = asset.name.clone();
            self.change_capacity(kind, &name, |fleet| {
                for (variant, count) in &wanted {
                    fleet.variant_mut(variant).into_iter().for_each(|variant| variant.count.desired = *count);
                }
            });
        }
    }
}

/// AWS's refusal of a change while another one is under way.
pub(crate) fn in_progress(arn: &str) -> Refusal {
    Refusal::validation(format!("Cannot update in-progress endpoint \"{arn}\"."))
}
