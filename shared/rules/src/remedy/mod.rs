//! What the guard can do about waste.

mod action;
mod blueprint;
mod console;
mod hibernation;
mod how_to;
mod resubmission;
mod written;

pub use self::{
    action::{Remedy, SpotTerms, how_to_add, how_to_remove, how_to_stop},
    blueprint::{Blueprint, TargetBlueprint, WakeStep},
    console::console_link,
    hibernation::{Sleep, WakesBy, how_to_wake},
    how_to::{how_to_stop_one, how_to_submit},
    resubmission::{RESUBMITTED_TAG, as_spot, may_be_again, may_be_resubmission, new_name, on_demand_again},
};
