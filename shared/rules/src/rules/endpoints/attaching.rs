//! Auto scaling that the guard can attach to an endpoint: which one by its facts, and what a mail says of it.

use jiff::Timestamp;

use crate::{
    facts::{AttachStage, Attached, AutoScaling, Component, Compute, Endpoint, Fixed, Follows, Scaling, Serving, Suspended, Variant},
    remedy::Remedy,
    rules::verdict::{Detail, Notice},
    scaling::{Attachment, Bounds, Counts, OfficeHours, Setting, Way, asynchronous_to_zero, component_to_zero},
    vocabulary::{duration::Duration, resource::Resource},
};

/// How long an endpoint is not judged whose auto scaling was taken back.
const RESPECTED: Duration = Duration::days(90);

/// What a mail advises before auto scaling is attached.
pub(super) const SET_IT: &str = "set it with the commands at the end of this mail, or let the guard do it. If code owns the endpoint, write it there: CloudFormation and Terraform \
     follow the commands. Otherwise its next deployment removes the setting again.";

/// What a mail advises after that.
pub(super) const CODE_OWNS_IT: &str = "if code owns the endpoint, write the setting there, or its next deployment removes it again. CloudFormation and Terraform are at the end of the \
     mail that announced it.";

/// How the owner of something that scales is asked whether it may.
pub(super) const LEAVE_IT: &str = "ask to leave it as it is";

/// Why copies are held at zero for a while ([`crate::scaling::OfficeHours`]).
const HELD_AT_ZERO: &str = "Note: when working hours end, it is held at zero for 15 minutes, because copies that nobody calls may publish no metric that removes them. All requests in \
     these 15 minutes fail, and nothing wakes it.";

impl Endpoint {
    /// Whether the guard has begun to attach auto scaling for this reason, and has not finished that.
    pub(super) fn is_begun(&self, way: Way) -> bool {
        self.attached.as_ref().is_some_and(|attached| attached.stage == AttachStage::Attaching && attached.way == way)
    }

    /// Whether the guard has begun to attach fewer instances for this reason than there may be by now. It is not finished so.
    pub(super) fn is_begun_below(&self, way: Way, min_instances: u32) -> bool {
        let is_below = |one: &Attachment| one.counts == Counts::Instances && one.least() < min_instances;
        let can_be_none = matches!(self.serving, Serving::Asynchronous | Serving::Components);
        !can_be_none && self.is_begun(way) && self.attached.iter().flat_map(|attached| &attached.attachments).any(is_below)
    }

    /// Whether somebody took back what the guard attached. That is a decision, which the guard respects for a while.
    pub(super) fn was_taken_back(&self, now: Timestamp) -> bool {
        let is_recent = |attached: &Attached| now.duration_since(attached.at) < RESPECTED.signed();
        self.attached.as_ref().is_some_and(|attached| attached.stage != AttachStage::Attaching && is_recent(attached))
    }

    /// Whether scheduled actions that the guard attached keep its working hours, or somebody took them back of late.
    pub(super) fn keeps_hours(&self, now: Timestamp) -> bool {
        let Some(attached) = self.attached.as_ref().filter(|attached| attached.way == Way::ByHours) else { return false };
        let ours = || attached.attachments.iter().flat_map(|one| &one.actions);
        let has = |target: &Scaling| target.scheduled.iter().any(|there| ours().any(|action| action.name == there.name));
        self.was_taken_back(now) || self.targets().any(has)
    }

    /// Whether all that it has goes to zero.
    pub(super) fn goes_to_zero(&self) -> bool {
        let all: Vec<&AutoScaling> = self.scalings().collect();
        let goes = |scaling: &&AutoScaling| matches!(scaling, AutoScaling::Target(target) if target.least() == 0);
        matches!(self.serving, Serving::Asynchronous | Serving::Components) && !all.is_empty() && all.iter().all(goes)
    }

    /// The auto scaling of what can be scaled: its inference components, else its variants.
    pub(super) fn scalings(&self) -> impl Iterator<Item = &AutoScaling> {
        let is_shared = self.serving == Serving::Components;
        let variants = self.variants.iter().filter(move |_| !is_shared).map(|variant| &variant.scaling);
        variants.chain(self.components.iter().flatten().filter(move |_| is_shared).map(|component| &component.scaling))
    }

    fn targets(&self) -> impl Iterator<Item = &Scaling> {
        self.scalings().filter_map(|scaling| if let AutoScaling::Target(target) = scaling { Some(&**target) } else { None })
    }

    /// Attaches this, or finishes what was begun. It is attached once: what somebody took back or changed stays so.
    pub(super) fn attaches(&self, way: Way, new: Vec<Attachment>) -> Remedy {
        let attachments = match &self.attached {
            None => new,
            Some(_) if !self.is_begun(way) => vec![],
            Some(attached) => attached.attachments.clone(),
        };
        if attachments.is_empty() { Remedy::None } else { Remedy::AttachScaling(way, attachments) }
    }

    /// The setting that was announced for a variant that has so many instances.
    pub(super) fn announced_for(&self, variant: &str, instances: u32) -> Option<Setting> {
        self.announced.iter().find(|one| one.variant == variant && one.instances == instances)?.setting()
    }

    /// The auto scaling with which it goes to zero while there is no work.
    ///
    /// # Errors
    /// Why it cannot, or why the guard leaves it alone: a sentence without its full stop.
    pub(super) fn to_zero(&self) -> Result<Vec<Attachment>, String> {
        let mut attachments = vec![];
        for (new, scaling) in self.parts_to_zero()? {
            let Some(target) = target_of(&new, scaling)? else {
                attachments.push(new);
                continue;
            };
            if target.scheduled.iter().any(|action| action.min.is_some_and(|min| 0 < min)) {
                return Err(format!("{} has scheduled actions that set a minimum: somebody means it", new.variant));
            }
            if target.min != 0 {
                attachments.push(over(new, target));
            }
        }
        Ok(attachments)
    }

    /// The auto scaling with which it has fewer instances outside of working hours: none, if it can go to zero, else `min_instances`.
    ///
    /// # Errors
    /// Why it cannot, as above.
    pub(super) fn by_hours(&self, hours: &OfficeHours, min_instances: u32) -> Result<Vec<Attachment>, String> {
        let parts = if self.serving == Serving::RealTime { self.parts_to_fewer(min_instances)? } else { self.parts_to_zero()? };
        let least = if self.serving == Serving::RealTime { min_instances } else { 0 };
        let mut attachments = vec![];
        for (new, scaling) in parts {
            let target = target_of(&new, scaling)?;
            if target.is_some_and(|target| !target.scheduled.is_empty()) {
                return Err(format!("{} has scheduled actions already: somebody means them", new.variant));
            }
            // With a policy that takes instances away, a lower minimum is enough, and whoever works late is served.
            let is_tracked = new.tracking.is_some() || target.is_some_and(is_tracked);
            let new = target.map_or(new.clone(), |target| over(new, target));
            if least < new.bounds_before().min {
                let max = if is_tracked { new.max } else { least };
                attachments.push(hours.applied(new, Bounds { min: least, max }));
            }
        }
        if attachments.is_empty() { Err(format!("its minimum is {least} already")) } else { Ok(attachments) }
    }

    /// What can go to zero, with its scaling of today.
    fn parts_to_zero(&self) -> Result<Vec<(Attachment, &AutoScaling)>, String> {
        let name = &self.resource.name;
        match self.serving {
            Serving::Asynchronous => {
                let of = |one: &Variant| scalable_instances(one).map(|instances| asynchronous_to_zero(name, &one.name, instances));
                self.variants.iter().filter(|variant| !variant.is_shadow).map(|one| Ok((of(one)?, &one.scaling))).collect()
            }
            Serving::Components => {
                self.variants.iter().try_for_each(keeps_no_instances)?;
                let components = self.components.as_ref().ok_or("its inference components could not be read")?;
                let of = |one: &Component| {
                    let copies = one.copies.ok_or_else(|| format!("how many copies {} has could not be read", one.name));
                    copies.map(|copies| component_to_zero(&one.name, copies))
                };
                components.iter().map(|one| Ok((of(one)?, &one.scaling))).collect()
            }
            _ => Err("AWS lets only asynchronous endpoints and inference components go to zero".into()),
        }
    }

    /// The variants of a real-time endpoint that have more instances than this.
    fn parts_to_fewer(&self, min_instances: u32) -> Result<Vec<(Attachment, &AutoScaling)>, String> {
        let mut parts = vec![];
        for variant in self.variants.iter().filter(|variant| !variant.is_shadow) {
            let instances = scalable_instances(variant)?;
            if min_instances < instances {
                parts.push((Attachment::of_variant(&self.resource.name, &variant.name, instances), &variant.scaling));
            }
        }
        if parts.is_empty() {
            return Err(format!("AWS keeps at least one instance of a real-time variant, and it has no more than {min_instances}"));
        }
        Ok(parts)
    }
}

/// How many instances of a variant auto scaling can change.
fn scalable_instances(variant: &Variant) -> Result<u32, String> {
    match variant.compute {
        Compute::Instances { desired, fixed: None, .. } => Ok(desired),
        Compute::Instances { fixed: Some(fixed), .. } => Err(format!("{} cannot be scaled: {}", variant.name, fixed.why())),
        Compute::Serverless { .. } => Err(format!("{} has no instances", variant.name)),
    }
}

/// Inference components scale their copies only. Their endpoint gives instances back down to `MinInstanceCount` (aws-facts §3.4).
fn keeps_no_instances(variant: &Variant) -> Result<(), String> {
    match variant.compute {
        Compute::Instances { fixed: Some(Fixed::Managed { least: Some(0) }), .. } => Ok(()),
        Compute::Instances { fixed: Some(Fixed::Managed { least }), .. } => {
            let keeps = least.map_or_else(|| "does not say how many instances it keeps".to_owned(), |least| format!("keeps {least}"));
            Err(format!(
                "its copies can go to zero, its instances cannot: variant {} {keeps} (MinInstanceCount). Deploy a configuration with MinInstanceCount 0 first",
                variant.name
            ))
        }
        _ => Err(format!("the instances of {} do not follow its inference components (managed instance scaling)", variant.name)),
    }
}

/// The target that stands there and may be changed.
fn target_of<'a>(new: &Attachment, scaling: &'a AutoScaling) -> Result<Option<&'a Scaling>, String> {
    let name = &new.variant;
    match scaling {
        AutoScaling::Unread => Err(format!("the auto scaling of {name} could not be read")),
        AutoScaling::None => Ok(None),
        AutoScaling::Target(target) if target.suspended == Suspended::default() => Ok(Some(target)),
        AutoScaling::Target(_) => Err(format!("somebody has suspended the auto scaling of {name}")),
    }
}

fn is_tracked(target: &Scaling) -> bool {
    target.policies.iter().any(|policy| matches!(policy.follows, Follows::Target { .. }))
}

/// The same over a target that somebody registered: its maximum and its target tracking policy are kept.
fn over(new: Attachment, target: &Scaling) -> Attachment {
    let tracking = new.tracking.filter(|_| !is_tracked(target));
    Attachment { before: Some(Bounds { min: target.min, max: target.max }), max: target.max, tracking, ..new }
}

/// Adds to a mail what the guard would set, and how people set it themselves.
pub(super) fn add_setting(notice: &mut Notice, resource: &Resource, attachment: &Attachment) {
    let (name, (setting, actions)) = (&attachment.variant, attachment.words());
    notice.details.push(Detail { title: format!("Setting of {name}: {setting}").into(), list: actions });
    let commands = attachment.commands(&resource.region_option());
    notice.by_hand.push(block(format!("Set it for {name}, with these commands in this order:"), &commands));
    // A target that stands there already is in somebody's code, or in nobody's.
    if attachment.before.is_none() {
        notice.by_hand.push(block("As CloudFormation:".into(), &attachment.cloud_formation()));
        notice.by_hand.push(block("As Terraform:".into(), &attachment.terraform()));
    }
    let is_held_at_zero = attachment.counts == Counts::Copies && attachment.actions.iter().any(|action| action.max == 0);
    notice.before.extend(is_held_at_zero.then(|| HELD_AT_ZERO.into()));
}

pub(super) fn block(title: String, text: &str) -> Detail {
    Detail { title: title.into(), list: text.lines().map(str::to_owned).collect() }
}
