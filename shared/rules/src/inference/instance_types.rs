//! What the instance types of SageMaker hosting have: vCPUs, memory, accelerators (source and licence: `data/README.md`).

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

const SHIPPED: &str = include_str!("../../data/sagemaker_instance_types.json");

/// An instance type.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "properties that have nothing to do with each other")]
pub struct InstanceType {
    /// The number of vCPUs.
    pub vcpu: u32,
    /// The memory in GiB. What AWS leaves of it to containers is not documented.
    pub memory_gib: f64,
    /// The number of GPUs.
    pub gpus: u32,
    /// The model of its GPUs: `A10G`.
    pub gpu: Option<String>,
    /// The memory of all GPUs together, in GiB.
    pub gpu_memory_gib: f64,
    /// Accelerators that are no GPUs: Inferentia, Trainium, Gaudi.
    pub accelerators: u32,
    /// Whether it needs images for arm64.
    pub arm64: bool,
    /// Whether its CPU is throttled by credits (`ml.t2`).
    pub burstable: bool,
    /// `CoreMark` iterations a second of the whole instance: how fast its CPU is, ± 10 %. `None`: not measured.
    pub coremark_per_second: Option<f64>,
    /// Whether multi-model endpoints run on it.
    pub multi_model: bool,
    /// Whether it has disks of its own in place of a volume: AWS refuses a volume's size, and a key does not encrypt them.
    pub local_disks: bool,
    /// Whether batch transform jobs run on it.
    pub transform: bool,
    /// Whether a number comes from no source that could be read: such a type is never proposed.
    pub unverified: bool,
}

/// An instance type and its price.
#[derive(Clone, Copy, Debug)]
pub struct PricedType<'a> {
    /// Its name: `ml.m5.xlarge`.
    pub name: &'a str,
    /// What it has.
    pub has: &'a InstanceType,
    /// USD per hour of one instance.
    pub usd_per_hour: f64,
}

/// The instance types that AWS accepts for an endpoint, by name.
pub struct InstanceTypes(HashMap<String, InstanceType>);

impl InstanceTypes {
    /// The shipped ones.
    pub fn shipped() -> &'static Self {
        static TYPES: LazyLock<InstanceTypes> = LazyLock::new(|| InstanceTypes(serde_json::from_str(SHIPPED).unwrap_or_default()));
        &TYPES
    }

    /// An instance type by its name: `ml.m5.xlarge`. `None`: the table does not know it.
    pub fn get(&self, name: &str) -> Option<&InstanceType> {
        self.0.get(name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &InstanceType)> {
        self.0.iter().map(|(name, one)| (name.as_str(), one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_the_types_have() {
        let types = InstanceTypes::shipped();
        assert_eq!(types.iter().count(), 277);
        let of = |name: &str| types.get(name).unwrap();
        assert_eq!((of("ml.m5.xlarge").vcpu, of("ml.m5.xlarge").memory_gib, of("ml.m5.xlarge").gpus), (4, 16.0, 0));
        assert_eq!((of("ml.g5.12xlarge").gpus, of("ml.g5.12xlarge").gpu.as_deref()), (4, Some("A10G")));
        assert!(of("ml.c7g.large").arm64 && of("ml.t2.medium").burstable && of("ml.inf2.xlarge").accelerators == 1);
        assert!(of("ml.g5.xlarge").local_disks && !of("ml.m5.xlarge").local_disks);
        assert!(of("ml.m5.xlarge").transform && !of("ml.c5.large").transform && !of("ml.t2.medium").transform);
        assert_eq!(types.get("ml.m7g.large"), None, "AWS has a price of it, and does not accept it");
        assert!(types.iter().all(|(_, one)| 0 < one.vcpu && 0.0 < one.memory_gib));
    }
}
